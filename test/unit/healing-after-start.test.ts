import t from 'tap';
import { neededAfterStart, type FallenService } from '../../agent/healing/after-start.ts';
import { afterReset, NEW_RECORD, withKnown } from '../../agent/healing/record.ts';

const RECORD = { desired: 'running' as const, isEnabled: true, goodRevision: 1, forgetRevision: null, healing: null };
const down = { id: 'c1', service: 'web', state: 'exited' as const, exitCode: 0 };
const up = { id: 'c2', service: 'web', state: 'running' as const, exitCode: null };
const GIVEN_UP = withKnown(NEW_RECORD, 'c1', { gaveUp: { at: 1, reason: 'flaps' } });

const CASES: [string, Partial<FallenService>, 'start' | 'stop' | null][] = [
  ['what ran and is down, whatever its exit code', { containers: [down] }, 'start'],
  ['what Docker has brought back', { containers: [up] }, null],
  ['one of which a part is down', { containers: [up, { ...down, service: 'db', exitCode: 255 }] }, 'start'],
  ['a one-shot that had done its work', { containers: [up, { ...down, service: 'init' }], finished: ['init'] }, null],
  ['a one-shot that fell', { containers: [{ ...down, service: 'init', exitCode: 143 }], finished: ['init'] }, 'start'],
  ['one without containers', { containers: [] }, null],
  ['what was stopped and is down', { record: { ...RECORD, desired: 'stopped' }, containers: [down] }, null],
  ['what was stopped and is up', { record: { ...RECORD, desired: 'stopped' }, containers: [up] }, 'stop'],
  ['a disabled one', { record: { ...RECORD, isEnabled: false }, containers: [down] }, null],
  ['one that was given up', { record: { ...RECORD, healing: GIVEN_UP }, containers: [down] }, null],
  [
    'one of which another part was given up',
    { record: { ...RECORD, healing: GIVEN_UP }, containers: [down, { ...down, id: 'c2', service: 'db' }] },
    'start',
  ],
  [
    'one that was given up, and reset',
    { record: { ...RECORD, healing: afterReset(GIVEN_UP) }, containers: [down] },
    'start',
  ],
  ['one that never ran well', { record: { ...RECORD, goodRevision: null }, containers: [down] }, null],
  ['one that is to be forgotten', { record: { ...RECORD, forgetRevision: 1 }, containers: [down] }, null],
  ['one that a job works on', { containers: [down], isBusy: true }, null],
];
for (const [what, given, expected] of CASES) {
  t.test(`when Docker comes up anew, ${what} needs ${expected ?? 'nothing'}`, (t) => {
    t.equal(neededAfterStart({ record: RECORD, containers: [], finished: [], isBusy: false, ...given }), expected);
    t.end();
  });
}
