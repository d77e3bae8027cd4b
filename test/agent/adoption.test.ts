// Adoptions in the agent's journal: a service that came of nothing is not there, and a crash in between loses nothing.
import t, { type Test } from 'tap';
import { LongshoreError } from '#shared/errors.ts';
import type { ExecuteJob } from '../../agent/deploy/job-run.ts';
import { containerOf, FakeDocker, offerOf, specOf, startCore } from '../support/agent-core.ts';
import { eventually } from '../support/eventually.ts';
import { makeFolder } from '../support/folder.ts';

const ADOPTS = [{ id: 'c1', service: 'web' }];
const adoption = () => offerOf('adopt', { spec: specOf(), adopts: ADOPTS });
const ROW = { id: 'c1', service: 'web', serviceId: 'svc_1', project: 'web' };

type Core = ReturnType<typeof startCore>;

/** `work`: what the job does between taking the containers over and its end. */
function start(t: Test, work: (core: Core) => Promise<void>, dir: string = makeFolder(t, 'agent')): Core {
  const docker = new FakeDocker();
  docker.projects.set('web', [containerOf()]);
  const execute: ExecuteJob = async ({ offer, steps }) => {
    if (offer.kind === 'remove') return { state: 'succeeded', goodRevision: null };
    await steps.run('record', async () => {
      core.state.adopted.put([ROW]);
      await work(core);
    });
    return { state: 'succeeded', goodRevision: 1 };
  };
  const core = startCore(t, { dir, execute, docker });
  return core;
}

const settled = (core: Core) => eventually(() => core.results()[0] ?? '');

t.test('an adopted service is reported as it runs, and its containers are known until it is removed', async (t) => {
  const core = start(t, async () => undefined);
  core.offer(adoption());
  t.match(await settled(core), { state: 'succeeded' });
  t.match(core.state.services.find('svc_1'), { goodRevision: 1, desired: 'running', report: { lifecycle: 'running' } });
  t.same(core.state.adopted.all(), [ROW]);
  core.offer(offerOf('remove'));
  await eventually(() => core.results().length === 2);
  t.same(core.state.adopted.all(), []);
});

t.test('one that fails leaves neither service nor containers, and says why', async (t) => {
  const core = start(t, () => Promise.reject(new LongshoreError('state_conflict', { message: 'It is gone' })));
  core.offer(adoption());
  t.match(await settled(core), { state: 'failed', failedStep: 'record', error: { message: 'It is gone' } });
  t.equal(core.state.services.find('svc_1'), undefined);
  t.same(core.state.adopted.all(), []);
});

t.test('one that is called off before it began leaves nothing', async (t) => {
  const core = start(t, async () => undefined);
  const offer = adoption();
  core.send({ kind: 'job.offer', offer }, { kind: 'job.cancel', jobId: offer.jobId, reason: 'cancelled' });
  t.match(await settled(core), { state: 'cancelled' });
  t.equal(core.state.services.find('svc_1'), undefined);
  t.same(core.state.adopted.all(), []);
});

t.test('an agent that was killed in the middle finishes it, once', async (t) => {
  const dir = makeFolder(t, 'agent');
  const reached = Promise.withResolvers<void>();
  const first = start(
    t,
    () => {
      reached.resolve();
      return new Promise(() => {});
    },
    dir,
  );
  first.offer(adoption());
  await reached.promise;
  first.crash();
  const second = start(t, async () => undefined, dir);
  t.match(await settled(second), { state: 'succeeded' });
  t.equal(second.results().length, 1);
  t.same(second.state.adopted.all(), [ROW]);
});

t.test('control that gave up on it in the meantime has it forgotten, and its containers let go', async (t) => {
  const docker = new FakeDocker();
  docker.projects.set('web', [containerOf({ isAdopted: true })]);
  const core = startCore(t, {
    dir: makeFolder(t, 'agent'),
    execute: async () => ({ state: 'succeeded', goodRevision: 1 }),
    docker,
  });
  core.offer(adoption());
  await settled(core);
  core.state.adopted.put([ROW]);
  core.send({ kind: 'service.forget', serviceId: 'svc_1', revision: 1 });
  await eventually(() => {
    core.clock.advance(1_000);
    return core.state.services.find('svc_1') === undefined;
  });
  t.same(core.state.adopted.all(), []);
});

t.test('an offer that names no container is refused', async (t) => {
  const core = start(t, async () => undefined);
  const { refused } = core.offer(offerOf('adopt', { spec: specOf(), adopts: [] }));
  t.match(refused, [{ error: { code: 'protocol_violation' } }]);
  t.equal(core.state.services.find('svc_1'), undefined);
});
