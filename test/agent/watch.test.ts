import t, { type Test } from 'tap';
import type { ExecuteJob } from '../../agent/deploy/job-run.ts';
import type { Container } from '../../agent/docker/engine.ts';
import { eventually } from '../support/eventually.ts';
import { containerOf, FakeDocker, offerOf, startCore } from '../support/agent-core.ts';
import { makeFolder } from '../support/folder.ts';

const deploy: ExecuteJob = async ({ offer, steps }) => {
  await steps.run('apply', () => Promise.resolve());
  return { state: 'succeeded', goodRevision: offer.spec?.revision ?? 1 };
};

/** A running service that was reported with its deploy. */
async function startRunning(t: Test) {
  const docker = new FakeDocker();
  docker.projects.set('web', [containerOf()]);
  const core = startCore(t, { dir: makeFolder(t, 'agent'), execute: deploy, docker });
  core.offer(offerOf('deploy'));
  await eventually(() => core.results().length === 1);
  const before = core.state.outbox.last;
  /** Docker shows other containers from now on; what was told since the deploy, once the watch has looked. */
  const become = async (containers: Container[]) => {
    docker.projects.set('web', containers);
    docker.happened('web');
    const lists = docker.lists;
    core.clock.advance(100);
    await eventually(() => docker.lists > lists);
    await new Promise((resolve) => setImmediate(resolve));
    return core.state.outbox.read(before).map(({ body }) => body);
  };
  return { core, docker, become };
}

t.test('a container that dies is reported, with its exit code', async (t) => {
  const { become } = await startRunning(t);
  const told = await become([containerOf({ state: 'exited', exitCode: 3 })]);
  t.match(told, [{ kind: 'service.report', report: { lifecycle: 'failed', reason: /code 3/ } }]);
});

t.test('a container that comes back is reported', async (t) => {
  const { become } = await startRunning(t);
  await become([containerOf({ state: 'exited', exitCode: 3 })]);
  const told = await become([containerOf()]);
  t.match(told.at(-1), { kind: 'service.report', report: { lifecycle: 'running', reason: null } });
});

t.test('a change of health is reported and put on the timeline', async (t) => {
  const { become } = await startRunning(t);
  const told = await become([containerOf({ health: 'unhealthy' })]);
  t.match(told, [
    { kind: 'service.event', type: 'health', status: 'unhealthy', message: /web-web-1/ },
    { kind: 'service.report', report: { health: 'unhealthy' } },
  ]);
});

t.test('who starts is looked at until it has settled, and with a health check when that says so', async (t) => {
  const { core, docker, become } = await startRunning(t);
  const startedAt = core.clock.now();
  await become([containerOf({ hasHealthCheck: true, health: 'starting', startedAt })]);
  const lists = docker.lists;
  for (let second = 0; second < 10; second++) core.clock.advance(1_000);
  t.equal(docker.lists, lists, 'a start may take an hour');
  await become([containerOf({ hasHealthCheck: false, startedAt: core.clock.now() + 60_000 })]);
  const looked = docker.lists;
  core.clock.advance(1_000);
  t.equal(docker.lists, looked + 1, 'nothing else tells of this one');
});

t.test('what has not changed is not reported', async (t) => {
  const { become } = await startRunning(t);
  t.strictSame(await become([containerOf()]), []);
});

t.test('a burst of events is one look', async (t) => {
  const { core, docker } = await startRunning(t);
  core.clock.advance(100);
  await eventually(() => core.clock.pending === 1); // the sweep only
  const lists = docker.lists;
  for (let i = 0; i < 50; i++) docker.happened('web');
  core.clock.advance(100);
  await eventually(() => docker.lists > lists);
  core.clock.advance(1000);
  t.equal(docker.lists, lists + 1);
});

t.test('F15: after a resync every service is listed again, whatever events were lost', async (t) => {
  const { core, docker } = await startRunning(t);
  docker.projects.set('web', []);
  docker.resync();
  core.clock.advance(100);
  const last = () => core.events().at(-1);
  await eventually(() => last()?.kind === 'service.report');
  t.match(last(), { report: { lifecycle: 'failed', reason: 'no container exists' } });
});

t.test('a change that no event told of is found within a minute', async (t) => {
  const { core, docker } = await startRunning(t);
  docker.projects.set('web', [containerOf({ state: 'exited', exitCode: 1 })]);
  const { sweeps } = docker;
  core.clock.advance(60_000);
  await eventually(() => docker.sweeps > sweeps);
  await eventually(() => {
    core.clock.advance(100);
    return core.events().at(-1)?.kind === 'service.report';
  });
});

t.test('a sweep that finds nothing new looks at nothing closely', async (t) => {
  const { core, docker } = await startRunning(t);
  core.clock.advance(1_000); // what the deploy's end and the start still wanted to look at
  await new Promise((resolve) => setImmediate(resolve));
  const { lists, sweeps } = docker;
  core.clock.advance(60_000);
  await eventually(() => docker.sweeps > sweeps);
  core.clock.advance(1_000);
  await new Promise((resolve) => setImmediate(resolve));
  t.equal(docker.lists, lists);
});

t.test('Docker being away is no news about a service', async (t) => {
  const { core, docker } = await startRunning(t);
  const told = core.events().length;
  docker.isAway = true;
  docker.happened('web');
  const lists = docker.lists;
  core.clock.advance(100);
  await eventually(() => docker.lists > lists);
  t.equal(core.events().length, told);
});

t.test('events of projects that are not ours lead to no look', async (t) => {
  const { core, docker } = await startRunning(t);
  core.clock.advance(100);
  await eventually(() => core.clock.pending === 1);
  const lists = docker.lists;
  docker.happened('somebody-elses');
  core.clock.advance(1000);
  t.equal(docker.lists, lists);
});

t.test('while a job works on a service the watch keeps quiet, and its end reports', async (t) => {
  const docker = new FakeDocker();
  docker.projects.set('web', [containerOf()]);
  const gate = Promise.withResolvers<void>();
  const core = startCore(t, {
    dir: makeFolder(t, 'agent'),
    docker,
    execute: async (run) => {
      await run.steps.run('apply', () => gate.promise);
      return { state: 'succeeded', goodRevision: 1 };
    },
  });
  core.offer(offerOf('deploy'));
  await eventually(() => core.events().length === 1);
  docker.projects.set('web', [containerOf({ state: 'exited', exitCode: 137 })]);
  docker.happened('web');
  core.clock.advance(100);
  t.strictSame(
    core.events().map(({ kind }) => kind),
    ['job.step'],
  );
  t.match(await core.watch.observe('svc_1'), { lifecycle: 'deploying' }, 'asked, it says what it sees');
  docker.projects.set('web', [containerOf()]);
  gate.resolve();
  await eventually(() => core.results().length === 1);
  t.match(core.events().at(-1), { kind: 'job.finished', report: { lifecycle: 'running' } });
});

t.test('a list that was asked for earlier does not overwrite a later one', async (t) => {
  const { core } = await startRunning(t);
  const early = await core.watch.look('web');
  const late = await core.watch.look('web');
  const record = core.state.services.find('svc_1');
  const report = await core.watch.observe('svc_1');
  t.ok(record);
  if (!record) return;
  t.equal(core.watch.note(record, { ...report, reason: 'late' }, late.ticket), true);
  t.equal(core.watch.note(record, { ...report, reason: 'early' }, early.ticket), false);
  t.equal(core.state.services.find('svc_1')?.report?.reason, 'late');
});

t.test('a service the host does not know cannot be observed', async (t) => {
  const { core } = await startRunning(t);
  await t.rejects(core.watch.observe('svc_other'), { code: 'not_found' });
});
