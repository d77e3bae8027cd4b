// A week without a control plane, and its return: real databases on both sides, the clock is the test's.
import { statSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import type { JobRun } from '../../agent/deploy/job-run.ts';
import { containerOf, startCore } from '../support/agent-core.ts';
import { ADMIN, ControlWorld } from '../support/control-world.ts';
import { CoreHost } from '../support/core-host.ts';
import { eventually } from '../support/eventually.ts';
import { makeFolder } from '../support/folder.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { scheduleOf } from '../support/schedules.ts';

const START = Date.parse('2026-11-02T00:00:00Z');
const EVERY_MS = 3 * 3600_000;
/** Of a week. */
const RUNS = 56;
const LIMIT_BYTES = 100_000;
/** Time goes on while a test waits: little, so that a slow machine does not reach the next run. */
const TICK_MS = 20;
const CHATTER = 'x'.repeat(500);

/** Each job has two steps, of which each is two events. */
const execute = async ({ steps, offer }: JobRun) => {
  for (const step of ['prepare', 'apply'] as const) await steps.run(step, async (say) => say({ message: CHATTER }));
  return { state: 'succeeded' as const, goodRevision: offer.spec?.revision ?? 1 };
};
const STEPS_A_JOB = 4;

t.test('F21: a week away, and control hears of everything once, in order, or of how much it will not', async (t) => {
  const clock = new ManualClock(START);
  const dir = makeFolder(t, 'agent');
  const core = startCore(t, { dir, execute, clock, outboxLimitBytes: LIMIT_BYTES });
  const { state } = core;
  const world = new ControlWorld(t, { clock });
  const host = new CoreHost(core);
  await host.join(world);
  await host.connect(world);
  core.docker.projects.set('web', [containerOf()]);
  const { service, job } = await world.create('web', { hostId: host.id });
  await world.app.jobs.wait(job.id, 60_000);
  const { id: scheduleId } = await world.app.schedules.create(
    ADMIN,
    scheduleOf({ cron: '0 */3 * * *', targets: { serviceId: service.id } }),
  );
  await eventually(() => state.schedules.find(scheduleId));
  const hasAll = (control: ControlWorld) =>
    eventually(() => control.stores.hosts.find(host.id)?.eventSeq === state.outbox.last, { timeoutMs: 30_000 });
  await hasAll(world);
  const before = state.outbox.last;

  const kinds = () => state.outbox.read(before, Number.MAX_SAFE_INTEGER).map(({ body }) => body.kind);
  const passUntil = (isSo: () => boolean) =>
    eventually(() => (clock.advance(TICK_MS), isSo()), { intervalMs: 1, timeoutMs: 60_000 });
  const ended = () => kinds().filter((kind) => kind === 'job.finished').length;

  host.disconnect();
  for (let run = 1; run <= RUNS; run++) {
    core.docker.projects.set('web', [containerOf({ id: `c${run}` })]);
    clock.advance(START + run * EVERY_MS - clock.now());
    core.docker.happened('web');
    await passUntil(() => ended() === run && state.schedules.openRuns().length === 0);
  }
  await passUntil(() => state.services.find(service.id)?.report?.containers[0]?.id === `c${RUNS}`);
  const kept = state.outbox.read(before, Number.MAX_SAFE_INTEGER);
  const keptSteps = kept.filter(({ body }) => body.kind === 'job.step').length;
  const dropped = kept.flatMap(({ body }) => (body.kind === 'gap' ? [body.counts['job.step'] ?? 0] : []));
  t.equal(
    keptSteps + dropped.reduce((sum, count) => sum + count, 0),
    RUNS * STEPS_A_JOB,
    'each step is there or counted',
  );
  t.ok(keptSteps < RUNS * STEPS_A_JOB, 'the limit was reached');
  t.ok(statSync(join(dir, 'agent.db')).size < 20 * LIMIT_BYTES, 'what is kept is bounded');

  // It is killed once more while it takes all this in.
  await host.connect(world);
  await eventually(() => (world.stores.hosts.find(host.id)?.eventSeq ?? 0) > before);
  const returned = world.crash();
  host.disconnect();
  await host.connect(returned);
  await hasAll(returned);

  const { app, stores } = returned;
  const paging = { page: 1, perPage: 1000 };
  const { items: runs } = app.schedules.runs(ADMIN, scheduleId, { ...paging, order: 'asc' });
  const due = Array.from({ length: RUNS }, (_, i) => START + (i + 1) * EVERY_MS);
  t.strictSame(
    runs.map(({ dueAt }) => dueAt),
    due,
    'every run once, in order',
  );
  t.ok(runs.every(({ state, missed }) => state === 'succeeded' && missed === 0));
  const jobs = runs.map(({ targets }) => targets[0]?.jobId ?? '');
  t.equal(new Set(jobs).size, RUNS);
  const ends = stores.events.list({ ...paging, serviceId: service.id, type: 'restart', order: 'asc' });
  const endsOf = ends.items.flatMap(({ jobId }) => (jobId === null ? [] : [jobId]));
  t.strictSame(endsOf, jobs, 'every job ended once, in order');
  t.match(app.services.require(ADMIN, service.id), {
    lifecycle: 'running',
    report: { containers: [{ id: `c${RUNS}` }] },
  });
  const happened = app.hosts.events(ADMIN, host.id, paging).items.map(({ status }) => status);
  t.ok(happened.includes('gap'), 'what the limit dropped is told');
  t.notOk(happened.includes('protocol_violation'));
});
