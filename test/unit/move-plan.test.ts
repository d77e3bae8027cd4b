// What is next in a move: each case is how its jobs stand, and the decision with its reason.
import t from 'tap';
import { planMove, stepsOf, type MoveFacts, type StepJob } from '../../control/app/moves/plan.ts';
import type { MoveStep } from '../../control/store/move-records.ts';

const DONE: StepJob = { state: 'succeeded', error: null, isBegun: true };
const OPEN: StepJob = { state: 'running', error: null, isBegun: true };
const QUEUED: StepJob = { state: 'queued', error: null, isBegun: false };
const CALLED_OFF: StepJob = { state: 'cancelled', error: null, isBegun: false };
const FAILED: StepJob = { state: 'failed', error: { code: 'unhealthy', message: 'web is unhealthy' }, isBegun: true };
const ERROR = { code: 'unhealthy', message: 'deploy: web is unhealthy' };

const facts = (jobs: MoveFacts['jobs'], more: Partial<MoveFacts> = {}): MoveFacts => ({
  state: 'running',
  wasRunning: true,
  keepsOld: false,
  error: null,
  isRestore: false,
  isSwitched: false,
  hasService: true,
  mustQueue: false,
  isFromShut: false,
  isToShut: false,
  jobs,
  ...more,
});

/** `begin copy`, `end succeeded`. */
function print(it: MoveFacts): string {
  const decision = planMove(it);
  if (decision.do === 'undo') return `undo: ${decision.error.message}`;
  if (decision.do === 'end') return `end ${decision.state}${decision.error ? `: ${decision.error.message}` : ''}`;
  return `${decision.do} ${decision.step}`;
}

const done = (...steps: MoveStep[]): MoveFacts['jobs'] => Object.fromEntries(steps.map((step) => [step, DONE]));

t.test(
  'the way there: most of the data while it runs, the rest while it stands still, and the old one goes last',
  (t) => {
    t.equal(print(facts({})), 'begin copy');
    t.equal(print(facts({ copy: OPEN })), 'wait copy');
    t.equal(print(facts(done('copy'))), 'begin stop');
    t.equal(print(facts({ ...done('copy'), stop: QUEUED })), 'wait stop', 'its host may be away for long');
    t.equal(print(facts(done('copy', 'stop'))), 'begin backup');
    t.equal(print(facts(done('copy', 'stop', 'backup'))), 'begin deploy');
    t.equal(print(facts({ ...done('copy', 'stop', 'backup'), deploy: OPEN })), 'wait deploy');
    const there = { isSwitched: true };
    t.equal(print(facts(done('copy', 'stop', 'backup', 'deploy'), there)), 'begin remove');
    t.equal(print(facts(done('copy', 'stop', 'backup', 'deploy', 'remove'), there)), 'end succeeded');
    t.equal(print(facts(done('copy', 'stop', 'backup', 'deploy'), { ...there, keepsOld: true })), 'end succeeded');
    t.strictSame(stepsOf(facts({})), ['copy', 'stop', 'backup', 'deploy', 'remove']);
    t.end();
  },
);

t.test('what did not run is not run longer than it takes to prove that it can', (t) => {
  const still = { wasRunning: false };
  t.equal(print(facts({}, still)), 'begin backup');
  t.equal(print(facts(done('backup', 'deploy'), { ...still, isSwitched: true })), 'begin rest');
  t.equal(print(facts(done('backup', 'deploy', 'rest'), { ...still, isSwitched: true })), 'begin remove');
  t.end();
});

t.test('tidying up that fails is told and changes nothing about where the service is', (t) => {
  const jobs = { ...done('copy', 'stop', 'backup', 'deploy'), remove: FAILED };
  t.equal(print(facts(jobs, { isSwitched: true })), 'end succeeded: remove: web is unhealthy');
  t.equal(print(facts(done('deploy'), { isSwitched: true, isFromShut: true })), 'end succeeded', 'nobody can be asked');
  t.equal(print(facts(done('deploy'), { isSwitched: true, hasService: false })), 'begin remove', 'deleted meanwhile');
  t.end();
});

t.test('a step that fails is the beginning of the way back', (t) => {
  t.equal(print(facts({ copy: FAILED })), 'undo: copy: web is unhealthy');
  t.equal(print(facts({ copy: CALLED_OFF })), 'undo: copy: the job was cancelled');
  t.equal(print(facts({ ...done('copy', 'stop', 'backup'), deploy: FAILED })), 'undo: deploy: web is unhealthy');
  t.equal(print(facts({ copy: OPEN }, { isToShut: true })), 'undo: The new host was revoked');
  t.equal(print(facts({ copy: OPEN }, { hasService: false })), 'undo: The service is gone');
  t.end();
});

t.test('the way back: the old one never starts while the new one may run', (t) => {
  const back = { state: 'undoing', error: ERROR } as const;
  const there = done('copy', 'stop', 'backup');
  t.equal(print(facts({ ...there, deploy: OPEN }, back)), 'wait deploy', 'it was called off');
  t.equal(print(facts({ ...there, deploy: FAILED }, back)), 'begin clear');
  t.equal(print(facts({ ...there, deploy: FAILED, clear: QUEUED }, back)), 'wait clear');
  t.equal(print(facts({ ...there, deploy: FAILED, clear: QUEUED }, { ...back, isToShut: true })), 'begin start');
  t.equal(print(facts({ ...there, deploy: FAILED, clear: DONE }, back)), 'begin start');
  const uncleared = planMove(facts({ ...there, deploy: FAILED, clear: FAILED }, back));
  t.match(uncleared, { do: 'end', state: 'failed', error: { details: /clear: web is unhealthy\n.*may still run/ } });
  t.equal(print(facts({ ...there, deploy: FAILED, clear: DONE, start: OPEN }, back)), 'wait start');
  const all = { ...there, deploy: FAILED, clear: DONE, start: DONE };
  t.equal(print(facts(all, back)), 'end failed: deploy: web is unhealthy');
  const cancelled = { code: 'cancelled', message: 'Cancelled by admin' };
  t.equal(print(facts(all, { ...back, error: cancelled })), 'end cancelled: Cancelled by admin');
  t.match(planMove(facts({ ...all, start: FAILED }, back)), { error: { details: 'start: web is unhealthy' } });
  t.end();
});

t.test('what was not done needs no undoing', (t) => {
  const back = { state: 'undoing', error: ERROR } as const;
  t.equal(print(facts(done('copy'), back)), 'end failed: deploy: web is unhealthy');
  t.equal(print(facts({ ...done('copy'), stop: CALLED_OFF }, back)), 'end failed: deploy: web is unhealthy');
  t.equal(print(facts({ ...done('copy', 'stop', 'backup'), deploy: CALLED_OFF }, back)), 'begin start');
  t.equal(
    print(facts({ ...done('backup'), deploy: FAILED, clear: DONE }, { ...back, wasRunning: false })),
    'end failed: deploy: web is unhealthy',
  );
  t.equal(print(facts(done('copy', 'stop'), { ...back, isFromShut: true })), 'end failed: deploy: web is unhealthy');
  t.end();
});

t.test('of a lost host nothing is waited for: it finds its stop when it returns', (t) => {
  const lost = { isRestore: true, keepsOld: true };
  t.equal(print(facts({}, lost)), 'begin stop');
  t.equal(print(facts({ stop: QUEUED }, lost)), 'begin deploy');
  t.equal(print(facts({ stop: QUEUED }, { ...lost, mustQueue: true })), 'wait deploy', 'others go first');
  t.equal(
    print(facts({}, { ...lost, isFromShut: true })),
    'begin deploy',
    'it was revoked: nothing can be left for it',
  );
  t.equal(print(facts({ stop: QUEUED, deploy: DONE }, { ...lost, isSwitched: true })), 'end succeeded');
  const back = { ...lost, state: 'undoing', error: ERROR } as const;
  t.equal(
    print(facts({ stop: CALLED_OFF, deploy: FAILED, clear: DONE }, back)),
    'end failed: deploy: web is unhealthy',
  );
  t.equal(print(facts({ stop: OPEN, deploy: FAILED, clear: DONE }, back)), 'begin start', 'it has heard of the stop');
  t.equal(
    print(facts({ stop: OPEN, deploy: FAILED, clear: DONE, start: QUEUED }, back)),
    'end failed: deploy: web is unhealthy',
  );
  t.end();
});
