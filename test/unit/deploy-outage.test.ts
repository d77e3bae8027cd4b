// Deploys while Docker goes away and comes back, on a fake Docker and a clock moved by hand.
import { pino } from 'pino';
import t, { type Test } from 'tap';
import type { Compose } from '../../agent/docker/compose.ts';
import { startEventHub } from '../../agent/docker/events.ts';
import { ownFolders } from '../../agent/backup/folders/own-folders.ts';
import { DEFAULT_POLICY } from '#shared/compose/rules.ts';
import { LongshoreError } from '#shared/errors.ts';
import { silentLogger } from '#shared/log.ts';
import { backupsIn } from '../support/backups.ts';
import { DeployHost, specFor, StepLog } from '../support/deploy-host.ts';
import { eventually } from '../support/eventually.ts';
import { FakeEngine } from '../support/fake-engine.ts';
import { ManualClock } from '../support/manual-clock.ts';

const COMPOSE = 'services: {web: {image: "web:1"}}\n';

/** A host whose Docker and Compose are fakes; `onUp` is what `up` does before it brings the container up. */
function fakeHost(t: Test, onUp: (engine: FakeEngine) => void, log = silentLogger()) {
  const clock = new ManualClock();
  const engine = new FakeEngine();
  engine.now = () => clock.now();
  engine.addImage('web:1', { id: 'sha256:web' });
  const compose: Compose = {
    version: async () => '2.40.3',
    config: async ({ name }) => ({
      json: JSON.stringify({ name, services: { web: { image: 'web:1' } } }),
      warnings: [],
    }),
    hashes: async () => ({}),
    environment: async () => ({}),
    build: async () => undefined,
    up: async ({ name }) => {
      onUp(engine);
      if (engine.isAway) throw new LongshoreError('docker_unavailable');
      const labels = { 'longshore.service': spec.id };
      engine.addContainer({
        name: `${name}-web-1`,
        project: name,
        service: 'web',
        labels,
        state: 'running',
        startedAt: clock.now(),
      });
    },
  };
  const stop = new AbortController();
  t.teardown(() => stop.abort());
  const dataDir = t.testdir();
  const spec = specFor('shop', { compose: COMPOSE });
  const backups = backupsIn(dataDir);
  const deps = {
    dataDir,
    engine,
    compose,
    clock,
    log,
    reservedPorts: () => [],
    edgeProject: 'longshore-edge',
    home: dataDir,
    searchPath: '',
    allowsFileGit: false,
    onBuilt: () => undefined,
    takeOver: () => undefined,
    judgeBy: () => undefined,
    buildImagePrefix: '',
    askAi: async () => null,
    leaveEdge: async () => undefined,
    measureDownloads: async () => new Map(),
    services: { secretsOf: () => ['hunter2-hunter2'] },
    backups,
    openFolders: () => ownFolders,
    policy: DEFAULT_POLICY,
    events: startEventHub({ engine, clock, log }, stop.signal),
  };
  return { clock, engine, host: new DeployHost(deps, spec) };
}

/** Runs the clock until the job has ended. */
async function ended<T>(clock: ManualClock, job: Promise<T>): Promise<T> {
  let isOver = false;
  void job.then(() => (isOver = true));
  await eventually(() => {
    clock.advance(5_000);
    return isOver;
  });
  return job;
}

t.test('F10: a deploy waits for Docker to come back, and goes on', async (t) => {
  let ups = 0;
  const { clock, engine, host } = fakeHost(t, (docker) => {
    if (ups++ === 0) docker.goAway();
  });
  const steps = new StepLog();
  steps.onSay = (_, { message = '' }) => {
    if (message.startsWith('Docker does not answer')) clock.after(10_000, () => (engine.isAway = false));
  };
  t.match(await ended(clock, host.deploy({}, { steps })), { state: 'succeeded', goodRevision: 1 });
  t.equal(ups, 2);
  t.ok(steps.said.includes('apply: Docker does not answer; waiting for it'));
});

t.test('F10: two minutes of waiting are for the outage, however long the step had worked before it', async (t) => {
  let ups = 0;
  const { clock, host } = fakeHost(t, (docker) => {
    if (ups++ > 0) return;
    clock.advance(180_000);
    docker.goAway();
    clock.after(10_000, () => (docker.isAway = false));
  });
  t.match(await ended(clock, host.deploy()), { state: 'succeeded', goodRevision: 1 });
  t.equal(ups, 2);
});

t.test('F10: a Docker that goes away time and again fails the job in the end', async (t) => {
  let ups = 0;
  const { clock, host } = fakeHost(t, (docker) => {
    ups += 1;
    clock.advance(180_000);
    docker.goAway();
    clock.after(10_000, () => (docker.isAway = false));
  });
  t.match(await ended(clock, host.deploy()), { state: 'failed', error: { code: 'docker_unavailable' } });
  t.equal(ups, 4);
});

t.test('F10: a restart that meets an outage does not restart again what it had restarted before it', async (t) => {
  const { clock, engine, host } = fakeHost(t, () => undefined);
  const { id, name: project } = host.spec;
  const common = { project, labels: { 'longshore.service': id }, state: 'running', startedAt: clock.now() } as const;
  for (const service of ['web', 'db']) engine.addContainer({ ...common, name: `${project}-${service}-1`, service });
  clock.advance(60_000);
  const done: string[] = [];
  let calls = 0;
  let last = Promise.resolve();
  const restart = engine.restartContainer.bind(engine);
  const restartInTurn = async (one: string) => {
    calls += 1;
    if (calls === 2) {
      engine.goAway();
      clock.after(10_000, () => (engine.isAway = false));
    }
    await restart(one);
    done.push(one);
  };
  engine.restartContainer = (one) =>
    (last = last.then(
      () => restartInTurn(one),
      () => restartInTurn(one),
    ));
  t.match(await ended(clock, host.run({ kind: 'restart' })), { state: 'succeeded' });
  t.equal(calls, 3);
  t.strictSame(done.toSorted(), [...engine.containers.keys()].toSorted());
});

t.test('a Docker that stays away fails the job after two minutes', async (t) => {
  const { clock, engine, host } = fakeHost(t, () => undefined);
  engine.goAway();
  const from = clock.now();
  t.match(await ended(clock, host.deploy()), { state: 'failed', error: { code: 'docker_unavailable' } });
  t.ok(clock.now() - from >= 120_000);
});

t.test('a cancel ends the waiting for Docker', async (t) => {
  const { engine, host } = fakeHost(t, () => undefined);
  engine.goAway();
  const cancel = new AbortController();
  const steps = new StepLog();
  steps.onSay = () => setImmediate(() => cancel.abort(new LongshoreError('cancelled')));
  t.match(await host.deploy({}, { steps, signal: cancel.signal }), {
    state: 'cancelled',
    error: { code: 'cancelled' },
  });
});

t.test('a fault of ours is logged with its reason and without secrets, since the job only says internal', async (t) => {
  const lines: string[] = [];
  const log = pino({}, { write: (line: string) => lines.push(line) });
  const { host } = fakeHost(
    t,
    () => {
      throw new TypeError('cannot read hunter2-hunter2');
    },
    log,
  );
  t.match(await host.deploy(), { state: 'failed', error: { code: 'internal' } });
  const said = lines.filter((line) => line.includes('a job met a fault of ours'));
  t.equal(said.length, 1);
  t.match(said[0], /TypeError: cannot read \*\*\*/);
  t.notMatch(lines.join(), /hunter2/);
});
