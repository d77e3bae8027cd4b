// What the host does for its services when Docker comes up anew, while somebody is at work on them. Journal and tables
// are real, Docker is the test's.
import t from 'tap';
import { Scope } from '#shared/lifecycle.ts';
import { LOCAL_CAUSE } from '#shared/local.ts';
import { silentLogger } from '#shared/log.ts';
import { SERVICE_LABEL } from '../../agent/docker/engine.ts';
import { startRevival } from '../../agent/healing/revival.ts';
import { LocalJobs } from '../../agent/jobs/local-jobs.ts';
import { openState } from '../../agent/state/open.ts';
import { containerOf, specOf } from '../support/agent-core.ts';
import { makeFolder } from '../support/folder.ts';
import { ManualClock } from '../support/manual-clock.ts';

t.test('a stop that comes while other services are looked at counts: what it stops is not started again', async (t) => {
  const clock = new ManualClock();
  const log = silentLogger();
  const state = openState(makeFolder(t, 'agent'), clock);
  const scope = new Scope(log);
  t.teardown(async () => {
    await scope.stop();
    state.close();
  });
  const names = { svc_1: 'web', svc_2: 'api' };
  for (const [id, name] of Object.entries(names)) {
    state.services.put(specOf({ id, name }));
    state.services.setEffect(id, { goodRevision: 1, failure: null });
  }
  state.meta.set('engineInstance', 'before');
  const runner = { enqueue: () => undefined, settled: () => Promise.resolve() };
  const jobs = new LocalJobs({ state, clock, runner });
  const engine = {
    instance: () => Promise.resolve('after'),
    listProject: async (project: string) => {
      if (project === 'api')
        state.transact(() => jobs.accept({ serviceId: 'svc_1', kind: 'stop', cause: LOCAL_CAUSE }));
      const id = project === 'web' ? 'svc_1' : 'svc_2';
      return [containerOf({ project, state: 'exited', exitCode: 143, labels: { [SERVICE_LABEL]: id } })];
    },
  };
  const settled = Promise.withResolvers<void>();
  const settle = (isSettled: boolean) => isSettled && settled.resolve();
  const hub = { subscribe: () => () => undefined };
  startRevival({ state, engine, hub, jobs, finishedOf: async () => [], settle, clock, log }, scope);
  await settled.promise;
  t.strictSame(
    state.journal.latest(10).map(({ serviceId, kind, cause }) => [serviceId, kind, cause]),
    [
      ['svc_2', 'start', 'Docker came up anew'],
      ['svc_1', 'stop', 'local'],
    ],
  );
});
