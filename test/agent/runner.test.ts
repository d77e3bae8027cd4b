import t, { type Test } from 'tap';
import { LongshoreError } from '#shared/errors.ts';
import type { JobStep } from '#shared/jobs.ts';
import type { ExecuteJob, JobOutcome, JobRun } from '../../agent/deploy/job-run.ts';
import { eventually } from '../support/eventually.ts';
import { containerOf, FakeDocker, offerOf, specOf, startCore, type CoreOptions } from '../support/agent-core.ts';
import { makeFolder } from '../support/folder.ts';

const start = (t: Test, execute: ExecuteJob, { dir = makeFolder(t, 'agent'), ...rest }: Partial<CoreOptions> = {}) =>
  startCore(t, { dir, execute, ...rest });

const done = (run: JobRun): JobOutcome => ({
  state: 'succeeded',
  goodRevision: run.offer.spec?.revision ?? run.service.goodRevision,
});
const untilAborted = (signal: AbortSignal) =>
  new Promise<never>((_resolve, reject) => {
    if (signal.aborted) reject(signal.reason as Error);
    signal.addEventListener('abort', () => reject(signal.reason as Error));
  });

const STEPS: JobStep[] = ['prepare', 'plan', 'apply', 'wait', 'record'];
const deploy: ExecuteJob = async (run) => {
  for (const step of STEPS) await run.steps.run(step, () => Promise.resolve());
  return done(run);
};

t.test('a job tells each step, then its result with the report, in one order', async (t) => {
  const docker = new FakeDocker();
  docker.projects.set('web', [containerOf()]);
  const core = start(t, deploy, { docker });
  core.offer(offerOf('deploy'));
  await eventually(() => core.results().length === 1);
  const told = core.events().map((body) => {
    if (body.kind === 'job.step') return `${body.progress.step} ${body.progress.state}`;
    if (body.kind === 'service.event') return `${body.type} ${body.status} "${body.message}"`;
    return body.kind === 'job.finished' ? `${body.kind} ${body.result.state} ${body.report?.lifecycle}` : body.kind;
  });
  t.strictSame(told, [
    ...STEPS.flatMap((step) => [`${step} running`, `${step} done`]),
    'health healthy "Health check passed"',
    'job.finished succeeded running',
  ]);
  t.match(core.state.services.find('svc_1'), { goodRevision: 1, desired: 'running', failure: null });
});

t.test('a step that failed, its words and the revision put back are in the result', async (t) => {
  const core = start(t, async ({ steps }) => {
    const error = new LongshoreError('unhealthy', { details: 'connection refused' });
    await steps.run('wait', () => Promise.reject(error)).catch(() => undefined);
    await steps.run('rollback', () => Promise.resolve());
    return { state: 'failed', error, goodRevision: 1, rolledBackTo: 1 };
  });
  core.offer(offerOf('deploy', { spec: specOf({ revision: 2 }) }));
  await eventually(() => core.results().length === 1);
  t.match(core.results()[0], {
    state: 'failed',
    failedStep: 'wait',
    error: { code: 'unhealthy', details: 'connection refused' },
    rolledBackTo: 1,
  });
  t.equal(core.state.services.find('svc_1')?.failure, null);
});

t.test('a deploy that failed before it touched a container leaves the service as it was', async (t) => {
  const docker = new FakeDocker();
  docker.projects.set('web', [containerOf()]);
  const failIn =
    (step: JobStep, goodRevision: number | null): ExecuteJob =>
    async ({ steps }) => {
      const error = new LongshoreError('compose_invalid');
      await steps.run(step, () => Promise.reject(error)).catch(() => undefined);
      return { state: 'failed', error, goodRevision };
    };
  const core = start(t, failIn('check', 1), { docker });
  core.offer(offerOf('deploy'));
  await eventually(() => core.results().length === 1);
  t.match(core.state.services.find('svc_1')?.report, { lifecycle: 'running', reason: null });
});

t.test('the first deploy that failed leaves the service failed, with its reason', async (t) => {
  const error = new LongshoreError('image_unavailable', { message: 'Cannot pull "nowhere/nothing:1"' });
  const core = start(t, () => Promise.resolve({ state: 'failed', error, goodRevision: null }));
  core.offer(offerOf('deploy'));
  await eventually(() => core.results().length === 1);
  t.match(core.state.services.find('svc_1')?.report, {
    lifecycle: 'failed',
    reason: 'Cannot pull "nowhere/nothing:1"',
  });
});

t.test('jobs of a service run one at a time, in order; those of others do not wait', async (t) => {
  const running: string[] = [];
  const gates = new Map<string, () => void>();
  const core = start(t, async (run) => {
    running.push(run.offer.jobId);
    await new Promise<void>((resolve) => gates.set(run.offer.jobId, resolve));
    return done(run);
  });
  const [a, b, c] = [
    offerOf('deploy'),
    offerOf('restart'),
    offerOf('deploy', { serviceId: 'svc_2', spec: specOf({ id: 'svc_2', name: 'db' }) }),
  ];
  for (const offer of [a, b, c]) core.offer(offer);
  await eventually(() => running.length === 2);
  t.strictSame(running, [a.jobId, c.jobId]);
  gates.get(a.jobId)?.();
  await eventually(() => running.length === 3);
  gates.get(b.jobId)?.();
  gates.get(c.jobId)?.();
  await eventually(() => core.results().length === 3);
});

t.test('a service waits for the removal of the one whose name it takes', async (t) => {
  const ran: string[] = [];
  let release: (() => void) | undefined;
  const core = start(t, async (run) => {
    ran.push(`${run.offer.kind} ${run.offer.serviceId}`);
    if (run.offer.kind === 'remove') await new Promise<void>((resolve) => (release = resolve));
    return done(run);
  });
  core.offer(offerOf('deploy'));
  await eventually(() => core.results().length === 1);
  core.offer(offerOf('remove'));
  core.offer(offerOf('deploy', { serviceId: 'svc_2', spec: specOf({ id: 'svc_2' }) }));
  await eventually(() => release);
  t.equal(ran.length, 2);
  release?.();
  await eventually(() => core.results().length === 3);
  t.strictSame(ran, ['deploy svc_1', 'remove svc_1', 'deploy svc_2']);
  t.ok(core.results().every(({ state }) => state === 'succeeded'));
  t.equal(core.state.services.find('svc_1'), undefined);
});

t.test('a service cannot take the name of one that is still there', async (t) => {
  const core = start(t, deploy);
  core.offer(offerOf('deploy'));
  core.offer(offerOf('deploy', { serviceId: 'svc_2', spec: specOf({ id: 'svc_2' }) }));
  await eventually(() => core.results().length === 2);
  t.match(core.results(), [{ state: 'succeeded' }, { state: 'failed', error: { code: 'name_taken' } }]);
});

t.test('a stop asked for is remembered, a start takes it back', async (t) => {
  const core = start(t, async (run) => {
    await run.steps.run(run.offer.kind as JobStep, () => Promise.resolve());
    return done(run);
  });
  core.offer(offerOf('deploy', {}));
  core.offer(offerOf('stop'));
  await eventually(() => core.results().length === 2);
  t.match(core.state.services.find('svc_1'), { desired: 'stopped', report: { lifecycle: 'stopped' } });
  core.offer(offerOf('start'));
  await eventually(() => core.results().length === 3);
  t.equal(core.state.services.find('svc_1')?.desired, 'running');
});

t.test('a proposal asks for nothing to run, and is told with the result', async (t) => {
  const proposal = { id: 'a'.repeat(64), commit: 'c0ffee' };
  const core = start(t, async (run) => {
    await run.steps.run('plan', () => Promise.resolve());
    return { ...done(run), ...(run.offer.kind === 'propose' && { goodRevision: 1, proposal }) };
  });
  core.offer(offerOf('deploy', {}));
  core.offer(offerOf('stop'));
  core.offer(offerOf('propose', { spec: specOf({ revision: 2 }) }));
  await eventually(() => core.results().length === 3);
  t.match(core.results().at(-1), { state: 'succeeded', proposal });
  t.match(core.state.services.find('svc_1'), { desired: 'stopped', goodRevision: 1, report: { lifecycle: 'stopped' } });
});

// ── cancel ───────────────────────────────────────────────────────────────────────────────────────────────────────────

t.test('a waiting job is cancelled at once, while the one before it runs on', async (t) => {
  let release: (() => void) | undefined;
  const core = start(t, async (run) => {
    await new Promise<void>((resolve) => (release = resolve));
    return done(run);
  });
  core.offer(offerOf('deploy'));
  const waiting = offerOf('restart');
  core.offer(waiting);
  core.send({ kind: 'job.cancel', jobId: waiting.jobId, reason: 'superseded' });
  await eventually(() => core.results().length === 1);
  t.match(core.results(), [{ jobId: waiting.jobId, state: 'superseded', error: { code: 'superseded' } }]);
  release?.();
  await eventually(() => core.results().length === 2);
  t.equal(core.results()[1]?.state, 'succeeded');
});

t.test('a running job is told to stop and ends as cancelled, with what the work says', async (t) => {
  const core = start(t, async ({ steps, signal }) => {
    await steps.run('pull', () => untilAborted(signal)).catch(() => undefined);
    return { state: 'cancelled', error: signal.reason as LongshoreError, goodRevision: null };
  });
  const offer = offerOf('deploy');
  core.offer(offer);
  await eventually(() => core.events().length === 1);
  core.send({ kind: 'job.cancel', jobId: offer.jobId, reason: 'cancelled' });
  await eventually(() => core.results().length === 1);
  t.match(core.results(), [{ state: 'cancelled' }]);
  core.send({ kind: 'job.cancel', jobId: offer.jobId, reason: 'cancelled' });
  t.equal(core.results().length, 1, 'cancelling what has ended changes nothing');
});

t.test('a job cancelled before a crash is still cancelled after it, and clears up first', async (t) => {
  const dir = makeFolder(t, 'agent');
  const core = start(t, ({ steps }) => steps.run('apply', () => new Promise<never>(() => {})), { dir });
  const offer = offerOf('deploy');
  core.offer(offer);
  await eventually(() => core.events().length === 1);
  core.state.transact(() => core.state.journal.requestCancel(offer.jobId, 'cancelled'));
  core.crash();

  const runs: JobRun[] = [];
  const again = start(
    t,
    (run) => {
      runs.push(run);
      return Promise.resolve({ state: 'cancelled', error: run.signal.reason as LongshoreError, goodRevision: null });
    },
    { dir, clock: core.clock },
  );
  await eventually(() => again.results().length === 1);
  t.ok(runs[0]?.signal.aborted, 'the work runs once more, with its signal aborted');
  t.match(again.results(), [{ state: 'cancelled', error: { code: 'cancelled' } }]);
});

// ── limits ───────────────────────────────────────────────────────────────────────────────────────────────────────────

t.test('A38: a job whose time passed while it waited does not start', async (t) => {
  let release: (() => void) | undefined;
  const ran: string[] = [];
  const core = start(t, async (run) => {
    ran.push(run.offer.jobId);
    await new Promise<void>((resolve) => (release = resolve));
    return done(run);
  });
  core.offer(offerOf('deploy'));
  const late = offerOf('restart', { expiresAt: core.clock.now() + 1000 });
  core.offer(late);
  await eventually(() => release);
  core.clock.advance(1000);
  release?.();
  await eventually(() => core.results().length === 2);
  t.match(core.results()[1], { jobId: late.jobId, state: 'expired' });
  t.equal(ran.length, 1);
});

t.test('without Docker a job fails with docker_unavailable and nothing is run', async (t) => {
  let runs = 0;
  const core = start(t, (run) => Promise.resolve((runs++, done(run))), {
    untilDockerAnswers: () => Promise.reject(new LongshoreError('docker_unavailable')),
  });
  core.offer(offerOf('deploy'));
  await eventually(() => core.results().length === 1);
  t.match(core.results(), [{ state: 'failed', error: { code: 'docker_unavailable' } }]);
  t.equal(runs, 0);
});

t.test('work that throws ends the job as internal and tells nothing of the cause', async (t) => {
  const core = start(t, () => Promise.reject(new RangeError('canary-3f9a')));
  core.offer(offerOf('deploy'));
  await eventually(() => core.results().length === 1);
  t.match(core.results(), [{ state: 'failed', error: { code: 'internal' } }]);
  t.notOk(JSON.stringify(core.events()).includes('canary-3f9a'));
});

t.test('variables never travel in events', async (t) => {
  const core = start(t, deploy);
  core.offer(offerOf('deploy'));
  await eventually(() => core.results().length === 1);
  t.notOk(JSON.stringify(core.events()).includes('canary-3f9a'));
});

t.test('a second end of the same job tells nobody', async (t) => {
  const core = start(t, deploy);
  core.offer(offerOf('deploy'));
  await eventually(() => core.results().length === 1);
  const [result] = core.results();
  t.ok(result);
  if (result) t.equal(core.state.journal.finish({ ...result, state: 'failed' }), false);
  t.equal(core.state.journal.findResult(result?.jobId ?? '')?.state, 'succeeded');
});
