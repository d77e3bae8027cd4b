// Schedules on a host whose control plane is away: the journal, outbox and runner are real, Docker and the clock are not.
import t, { type Test } from 'tap';
import { encodeExecNews, encodeExecOutput } from '#shared/protocol/exec-frame.ts';
import type { ExecRequest } from '#shared/protocol/exec-parts.ts';
import type { ScheduleRun } from '#shared/schedule/schedule.ts';
import type { JobRun } from '../../agent/deploy/job-run.ts';
import type { WorkDeps } from '../../agent/schedule/work.ts';
import { offerOf, specOf, startCore, type CoreOptions } from '../support/agent-core.ts';
import { eventually } from '../support/eventually.ts';
import { makeFolder } from '../support/folder.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { scheduleOf } from '../support/schedules.ts';

const HOUR = 3600_000;
const START = Date.parse('2026-11-02T00:00:00Z');

const done = async ({ steps, service }: JobRun) => {
  await steps.run('restart', async () => undefined);
  return { state: 'succeeded' as const, goodRevision: service.spec.revision };
};

/** A host with one deployed service. */
async function startHost(t: Test, options: Partial<CoreOptions> = {}) {
  const core = startCore(t, { dir: makeFolder(t, 'agent'), clock: new ManualClock(START), execute: done, ...options });
  core.offer(offerOf('deploy', { jobId: 'job_first', spec: specOf({ labels: { tier: 'web' } }) }));
  await eventually(() => core.results().length === 1);
  return core;
}

type Core = Awaited<ReturnType<typeof startHost>>;

const runsOf = (core: Core): ScheduleRun[] =>
  core.events().flatMap((event) => (event.kind === 'schedule.run' && event.run.finishedAt !== null ? [event.run] : []));

/** Lets time pass, and waits for so many runs to have ended. */
async function pass(core: Core, ms: number, ended: number): Promise<void> {
  core.clock.advance(ms);
  await eventually(() => {
    core.clock.advance(0);
    return runsOf(core).length === ended;
  });
}

t.test(
  'F21: a week without control: every run once, in order, each with its job, all told when it is back',
  async (t) => {
    const core = await startHost(t);
    core.send({ kind: 'schedule.put', schedule: scheduleOf({ cron: '0 */6 * * *' }) });
    for (let i = 1; i <= 28; i++) await pass(core, 6 * HOUR, i);
    const runs = runsOf(core);
    const expected = Array.from({ length: 28 }, (_, i) => Date.parse('2026-11-02T06:00:00Z') + i * 6 * HOUR);
    t.strictSame(
      runs.map(({ dueAt }) => dueAt),
      expected,
    );
    t.ok(runs.every(({ state, missed }) => state === 'succeeded' && missed === 0));
    const jobs = runs.map(({ targets }) => targets[0]?.jobId);
    t.equal(new Set(jobs).size, 28);
    const told = core.events().flatMap((event) => (event.kind === 'job.local' ? [event.job.jobId] : []));
    t.strictSame(told, jobs, 'each job is told before its end');
    t.equal(core.results().length, 29);
  },
);

t.test('backup, redeploy, stop and start are jobs of that name, and what a schedule stopped it starts', async (t) => {
  const core = await startHost(t);
  const kinds = ['backup', 'redeploy', 'stop', 'start'] as const;
  for (const [i, kind] of kinds.entries())
    core.send({ kind: 'schedule.put', schedule: scheduleOf({ id: `sch_${kind}`, kind, cron: `0 ${i + 1} * * *` }) });
  for (const i of kinds.keys()) await pass(core, HOUR, i + 1);
  t.match(
    runsOf(core),
    kinds.map((kind) => ({ scheduleId: `sch_${kind}`, state: 'succeeded' })),
  );
  const jobs = core.events().flatMap((event) => (event.kind === 'job.local' ? [event.job] : []));
  t.match(
    jobs,
    kinds.map((kind) => ({ kind, cause: 'by schedule hourly' })),
  );
  t.match(jobs[0]?.backupId, /^bkp_/);
});

t.test('the host was off: nothing by default, one run for all that was missed where it is asked for', async (t) => {
  const core = await startHost(t);
  const daily = scheduleOf({ cron: '0 3 * * *' });
  core.send(
    { kind: 'schedule.put', schedule: daily },
    { kind: 'schedule.put', schedule: { ...daily, id: 'sch_2', name: 'caught up', catchUp: 'one' } },
  );
  await pass(core, 60 * HOUR, 2); // until noon of the third day
  const [missed, caught] = runsOf(core).toSorted((a, b) => (a.scheduleId < b.scheduleId ? -1 : 1));
  t.match(missed, { state: 'skipped', trigger: 'catch_up', missed: 3, targets: [] });
  t.match(missed?.reason, 'the host was off');
  t.match(caught, { state: 'succeeded', trigger: 'catch_up', missed: 2, dueAt: START + 51 * HOUR });
  t.equal(core.results().length, 2);
});

t.test('a run never overlaps itself: the next one is told as skipped', async (t) => {
  const held = Promise.withResolvers<void>();
  const core = await startHost(t, {
    execute: async (run) => {
      if (run.offer.kind === 'restart') await held.promise;
      return done(run);
    },
  });
  core.send({ kind: 'schedule.put', schedule: scheduleOf() });
  core.clock.advance(HOUR);
  await eventually(() => core.events().some(({ kind }) => kind === 'job.local'));
  await pass(core, HOUR, 1);
  t.match(runsOf(core)[0], { state: 'skipped', reason: 'the run before has not ended', dueAt: START + 2 * HOUR });
  held.resolve();
  await eventually(() => runsOf(core).length === 2);
  t.match(runsOf(core)[1], { state: 'succeeded', dueAt: START + HOUR });
});

t.test('a crash in the middle: the run goes on, and its job is done once', async (t) => {
  const dir = makeFolder(t, 'agent');
  const never = new Promise<never>(() => {});
  const first = await startHost(t, { dir, execute: (run) => (run.offer.kind === 'restart' ? never : done(run)) });
  first.send({ kind: 'schedule.put', schedule: scheduleOf() });
  first.clock.advance(HOUR);
  await eventually(() => first.events().some(({ kind }) => kind === 'job.local'));
  first.crash();
  const second = startCore(t, { dir, clock: first.clock, execute: done });
  await eventually(() => runsOf(second).length === 1);
  t.match(runsOf(second)[0], { state: 'succeeded', dueAt: START + HOUR });
  t.equal(second.results().length, 2);
});

t.test('run now, heard of too late, is not run', async (t) => {
  const core = await startHost(t);
  const asked = { kind: 'schedule.run', scheduleId: 'sch_1', runId: 'run_1', at: START - HOUR } as const;
  core.send({ kind: 'schedule.put', schedule: scheduleOf() }, asked);
  await eventually(() => runsOf(core).length === 1);
  t.match(runsOf(core)[0], { state: 'skipped', reason: 'it reached the host too late' });
});

t.test(
  'A67: exec runs an argv in a container of the service, nothing else; what it says is kept, cut at the front',
  async (t) => {
    const asked: ExecRequest[] = [];
    const stream: WorkDeps['execs']['stream'] = async (request, writer, opened) => {
      asked.push(request);
      opened();
      const isGood = request.command[0] === 'good';
      await writer.write(encodeExecOutput('stdout', Buffer.from(`${'x'.repeat(20_000)}end`)));
      const rest = { isLeftRunning: false, isTruncated: false, durationMs: 1 };
      await writer.write(encodeExecNews({ kind: 'ended', exitCode: isGood ? 0 : 3, reason: 'exited', ...rest }));
    };
    const core = await startHost(t, { work: { execs: { stream } } });
    const execOf = (id: string, command: string[]) =>
      scheduleOf({ id, kind: 'exec', exec: { command, composeService: 'web', timeoutS: 5 } });
    core.send(
      { kind: 'schedule.put', schedule: execOf('sch_1', ['good', '$(id); rm']) },
      { kind: 'schedule.put', schedule: execOf('sch_2', ['bad']) },
    );
    await pass(core, HOUR, 2);
    t.match(asked[0], { command: ['good', '$(id); rm'], service: 'web', serviceId: 'svc_1', timeoutMs: 5000 });
    const [good, bad] = runsOf(core).toSorted((a, b) => (a.scheduleId < b.scheduleId ? -1 : 1));
    t.match(good, { state: 'succeeded', targets: [{ output: /^x{7997}end$/ }] });
    t.match(
      core.state.schedules.findRun(good?.id ?? ''),
      { state: 'succeeded', targets: [] },
      'not on the host, once told',
    );
    t.match(bad, { state: 'failed', targets: [{ reason: 'the program ended with exit code 3', output: /end$/ }] });
  },
);

t.test('cleanup and statistics once for the host; update redeploys only where something is newer', async (t) => {
  const check = (state: 'newer' | 'current') => ({
    service: 'web',
    image: 'busybox:1',
    state,
    currentDigest: null,
    newestDigest: null,
    reason: null,
  });
  const freed = { images: [], imageBytes: 7, buildCacheBytes: 0, protectedCount: 0, recentCount: 0, leftCount: 0 };
  let newest: 'newer' | 'current' = 'current';
  const core = await startHost(t, {
    work: {
      images: {
        checkUpdates: async (serviceId) => ({ serviceId, images: [check(newest)], checkedAt: 0 }),
        prune: async () => freed,
      },
    },
  });
  core.send(
    { kind: 'schedule.put', schedule: scheduleOf({ id: 'sch_1', kind: 'cleanup' }) },
    { kind: 'schedule.put', schedule: scheduleOf({ id: 'sch_2', kind: 'statistics' }) },
    { kind: 'schedule.put', schedule: scheduleOf({ id: 'sch_3', kind: 'update' }) },
  );
  await pass(core, HOUR, 3);
  const [cleanup, statistics, update] = runsOf(core).toSorted((a, b) => (a.scheduleId < b.scheduleId ? -1 : 1));
  t.match(cleanup, { state: 'succeeded', targets: [{ serviceId: null, output: '0 images removed, 7 bytes freed' }] });
  t.match(statistics, { state: 'failed' }, 'what does not work here fails, and nothing else does');
  t.match(update, {
    state: 'skipped',
    targets: [{ state: 'skipped', reason: 'its images are the newest', jobId: null }],
  });
  newest = 'newer';
  await pass(core, HOUR, 6);
  const jobs = core.events().flatMap((event) => (event.kind === 'job.local' ? [event.job] : []));
  t.match(jobs, [{ kind: 'redeploy', pull: 'always', cause: 'by schedule hourly' }]);
});

t.test('run now: once for each id, also of a schedule that is paused', async (t) => {
  const core = await startHost(t);
  const asked = { kind: 'schedule.run', scheduleId: 'sch_1', runId: 'run_1', at: START } as const;
  core.send({ kind: 'schedule.put', schedule: scheduleOf({ isEnabled: false }) }, asked);
  await eventually(() => runsOf(core).length === 1);
  core.send(asked, { ...asked, runId: 'run_2', scheduleId: 'sch_none' });
  await eventually(() => runsOf(core).length === 2);
  t.match(runsOf(core), [
    { id: 'run_1', trigger: 'manual', state: 'succeeded' },
    { id: 'run_2', state: 'skipped', reason: 'the host does not know the schedule' },
  ]);
});

t.test(
  'what a user stopped stays stopped; another customer is out of reach; a removed schedule is silent',
  async (t) => {
    const core = await startHost(t);
    core.offer(offerOf('stop'));
    await eventually(() => core.results().length === 2);
    const common = { targets: { serviceId: 'svc_1' } } as const;
    core.send(
      { kind: 'schedule.put', schedule: scheduleOf(common) },
      { kind: 'schedule.put', schedule: scheduleOf({ ...common, id: 'sch_2', customerId: 'cust_1' }) },
      { kind: 'schedule.put', schedule: scheduleOf({ ...common, id: 'sch_3' }) },
      { kind: 'schedule.remove', scheduleId: 'sch_3', revision: 1 },
    );
    await pass(core, HOUR, 2);
    const reasons = new Set(runsOf(core).map(({ reason }) => reason));
    t.strictSame(reasons, new Set(['it is stopped', 'the service is not here']));
  },
);

t.test('several services: one after the other, by name, with the pause that is asked for', async (t) => {
  const core = await startHost(t);
  const other = specOf({ id: 'svc_2', name: 'api' });
  core.offer(offerOf('deploy', { serviceId: 'svc_2', spec: other }));
  await eventually(() => core.results().length === 2);
  core.send({ kind: 'schedule.put', schedule: scheduleOf({ delayBetweenS: 60 }) });
  core.clock.advance(HOUR);
  await eventually(() => core.results().length === 3);
  t.equal(core.results()[2]?.serviceId, 'svc_2');
  await pass(core, 60_000, 1);
  t.match(runsOf(core)[0]?.targets, [
    { serviceName: 'api', state: 'succeeded' },
    { serviceName: 'web', state: 'succeeded' },
  ]);
});

t.test('what a user stops while a run is on its way to it stays stopped', async (t) => {
  const core = await startHost(t);
  core.offer(offerOf('deploy', { serviceId: 'svc_2', spec: specOf({ id: 'svc_2', name: 'api' }) }));
  await eventually(() => core.results().length === 2);
  core.send({ kind: 'schedule.put', schedule: scheduleOf({ delayBetweenS: 60 }) });
  core.clock.advance(HOUR);
  await eventually(() => core.results().length === 3);
  core.offer(offerOf('stop'));
  await eventually(() => core.results().length === 4);
  await pass(core, 60_000, 1);
  t.match(runsOf(core)[0]?.targets, [
    { serviceName: 'api', state: 'succeeded', reason: null },
    { serviceName: 'web', state: 'skipped', reason: 'it is stopped', jobId: null },
  ]);
  t.equal(core.state.services.find('svc_1')?.desired, 'stopped');
});
