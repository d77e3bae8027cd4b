// A host that was shut out, with a real journal and schedules; Docker and the work are the test's.
import t from 'tap';
import { LOCAL_CAUSE } from '#shared/local.ts';
import type { JobRun } from '../../agent/deploy/job-run.ts';
import { LocalJobs } from '../../agent/jobs/local-jobs.ts';
import { standDown } from '../../agent/jobs/stand-down.ts';
import { offerOf, startCore } from '../support/agent-core.ts';
import { eventually } from '../support/eventually.ts';
import { makeFolder } from '../support/folder.ts';
import { scheduleOf } from '../support/schedules.ts';
import { settle } from '../support/socket-pair.ts';

const HOUR = 3600_000;

t.test('F48: what is under way ends, what waits is cancelled, no schedule runs until it is let in again', async (t) => {
  const held = Promise.withResolvers<void>();
  const execute = async ({ steps, offer }: JobRun) => {
    await steps.run('apply', () => held.promise);
    return { state: 'succeeded' as const, goodRevision: offer.spec?.revision ?? 1 };
  };
  const core = startCore(t, { dir: makeFolder(t, 'agent'), execute });
  const schedule = { kind: 'schedule.put', schedule: scheduleOf() } as const;
  core.send(schedule);
  const [first, second] = [offerOf('deploy'), offerOf('redeploy')];
  core.offer(first);
  core.offer(second);
  await eventually(() => core.state.journal.findOpen(first.jobId)?.state === 'running');
  const byHand = { serviceId: 'svc_1', kind: 'restart', cause: LOCAL_CAUSE } as const;
  const jobs = new LocalJobs(core);
  const third = core.state.transact(() => jobs.accept(byHand));
  jobs.enqueue(third);

  standDown(core);
  await eventually(() => core.results().length === 1);
  t.match(core.results(), [{ jobId: second.jobId, state: 'cancelled' }]);
  held.resolve();
  await eventually(() => core.results().length === 3);
  t.match(core.results().slice(1), [
    { jobId: first.jobId, state: 'succeeded' },
    { jobId: third, state: 'succeeded' }, // somebody on the host asked for it
  ]);

  for (let hour = 0; hour < 3; hour++) {
    core.clock.advance(HOUR);
    core.send(schedule); // it looks again
    await settle();
  }
  core.state.meta.set('revokedAt', '');
  core.send(schedule);
  const runs = () => core.events().flatMap((event) => (event.kind === 'schedule.run' ? [event.run] : []));
  await eventually(() => runs().length > 0);
  t.match(runs(), [{ state: 'succeeded', missed: 2 }], 'told as missed, not made');
});
