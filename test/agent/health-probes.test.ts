// Who is asked when, over a real table of services and a clock that is moved by hand. Docker is played.
import { createServer, type AddressInfo } from 'node:net';
import t, { type Test } from 'tap';
import { DEFAULT_POLICY } from '#shared/compose/rules.ts';
import { LongshoreError } from '#shared/errors.ts';
import { Scope } from '#shared/lifecycle.ts';
import { silentLogger } from '#shared/log.ts';
import type { Health } from '#shared/model.ts';
import type { Container, EngineEvent } from '../../agent/docker/engine.ts';
import type { Listener } from '../../agent/docker/events.ts';
import type { ExecOptions, RunningExec } from '../../agent/docker/running-exec.ts';
import type { HealthCheck } from '../../agent/health/health-check.ts';
import { withProbes } from '../../agent/health/probed-engine.ts';
import { startProbes, type Probes } from '../../agent/health/probes.ts';
import { reportOf } from '../../agent/report.ts';
import { openState } from '../../agent/state/open.ts';
import { specOf } from '../support/agent-core.ts';
import { eventually } from '../support/eventually.ts';
import { FakeEngine } from '../support/fake-engine.ts';
import { runFake } from '../support/fake-exec.ts';
import { makeFolder } from '../support/folder.ts';
import { ManualClock } from '../support/manual-clock.ts';

const SECOND = 1_000;
const CHECK: HealthCheck = {
  service: 'web',
  probe: { type: 'exec', command: ['check'] },
  intervalMs: 10 * SECOND,
  timeoutMs: 5 * SECOND,
  thresholds: { startPeriodMs: 0, failures: 2, passes: 1 },
};

class ProbedWorld {
  readonly clock = new ManualClock();
  readonly docker = new FakeEngine();
  readonly state;
  readonly told: EngineEvent[] = [];
  /** What the program in a container does; by itself it passes. */
  play: (containerId: string) => 'true' | 'false' | 'hang' | 'away' = () => 'true';
  /** What it prints. */
  says = '';
  /** Ids of containers in the order they were asked. */
  asked: string[] = [];
  underWay = 0;
  mostUnderWay = 0;
  mayExec = true;
  readonly #listeners = new Set<Listener>();
  #scope = new Scope(silentLogger());
  #probes: Probes | undefined;

  constructor(t: Test, { checks = [CHECK] }: { checks?: HealthCheck[] } = {}) {
    this.docker.now = () => this.clock.now();
    this.state = openState(makeFolder(t, 'agent'), this.clock);
    this.state.services.put(specOf({ name: 'shop' }));
    this.state.services.setHealthChecks('svc_1', checks);
    t.teardown(async () => {
      await this.stop();
      this.state.close();
    });
  }

  start(): void {
    const { clock, state, docker } = this;
    const engine = {
      listProject: (project: string) => docker.listProject(project),
      startExec: (id: string, options: ExecOptions) => this.#run(id, options),
    };
    const hub = {
      subscribe: (_: string, listener: Listener) => {
        this.#listeners.add(listener);
        return () => this.#listeners.delete(listener);
      },
      announce: (event: EngineEvent) => {
        this.told.push(event);
        this.#hear(event);
      },
    };
    const exec = this.mayExec;
    const policy = { ...DEFAULT_POLICY, operator: { ...DEFAULT_POLICY.operator, exec } };
    const { services } = state;
    this.#scope = new Scope(silentLogger());
    const deps = { services, engine, hub, policy, clock, random: () => 0.5, log: silentLogger() };
    this.#probes = startProbes(deps, this.#scope);
  }

  get probes(): Probes {
    if (!this.#probes) throw new Error('start it first');
    return this.#probes;
  }

  stop(): Promise<void> {
    return this.#scope.stop();
  }

  async run(given: Partial<Container> = {}): Promise<Container> {
    const labels = { 'longshore.service': 'svc_1' };
    const name = `shop-web-${this.docker.containers.size + 1}`;
    const container = this.docker.addContainer({ name, project: 'shop', service: 'web', labels, ...given });
    await this.docker.startContainer(container.id);
    this.event(container, 'start');
    return container;
  }

  event({ id, project, service }: Container, action: string): void {
    this.#hear({ action, containerId: id, project, service, at: this.clock.now(), exitCode: null });
  }

  async healths(): Promise<Health[]> {
    return (await withProbes(this.docker, this.probes).listProject('shop')).map(({ health }) => health);
  }

  /** Moves on by so much in small steps, each until everybody who was asked has answered or hangs. */
  async pass(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 100) {
      this.clock.advance(Math.min(left, 100));
      await settled();
    }
  }

  #hear(event: EngineEvent): void {
    for (const listener of this.#listeners) listener({ kind: 'event', event });
  }

  async #run(id: string, options: ExecOptions): Promise<RunningExec> {
    this.asked.push(id);
    const does = this.play(id);
    if (does === 'away') throw new LongshoreError('docker_unavailable');
    const exec = runFake(id, { ...options, command: [does] });
    exec.print(this.says);
    this.underWay += 1;
    this.mostUnderWay = Math.max(this.mostUnderWay, this.underWay);
    // Whoever ends it finds that it has ended: the rest is test/agent/end-program.test.ts.
    if (does === 'hang') exec.inspect = async () => ({ isRunning: false, exitCode: 137, pid: 0 });
    const detach = exec.detach.bind(exec);
    exec.detach = () => {
      this.underWay -= 1;
      detach();
    };
    return exec;
  }
}

/** On this machine. */
async function acceptingPort(t: Test): Promise<number> {
  const server = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  return (server.address() as AddressInfo).port;
}

/** Everything that is only promises has happened: the fakes wait for nothing else. */
const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

t.test('a container is asked soon after its start, then at the interval', async (t) => {
  const world = new ProbedWorld(t);
  world.start();
  await world.run();
  t.same(await world.healths(), ['starting']);
  await world.pass(SECOND);
  t.same(await world.healths(), ['healthy']);
  t.equal(world.asked.length, 1);
  await world.pass(30 * SECOND);
  t.equal(world.asked.length, 4);
  t.match(world.told, [{ action: 'health_status', project: 'shop', service: 'web' }], 'and it is told once');
});

t.test('one that goes bad is told, and told again when it is good', async (t) => {
  const world = new ProbedWorld(t);
  world.start();
  await world.run();
  await world.pass(SECOND);
  world.play = () => 'false';
  await world.pass(10 * SECOND);
  t.same(await world.healths(), ['healthy'], 'once is not enough');
  await world.pass(10 * SECOND);
  t.same(await world.healths(), ['unhealthy']);
  world.play = () => 'true';
  await world.pass(10 * SECOND);
  t.same(await world.healths(), ['healthy']);
  t.equal(world.told.length, 3);
});

t.test('while Docker does not answer it stays what it was', async (t) => {
  const world = new ProbedWorld(t);
  world.start();
  await world.run();
  await world.pass(SECOND);
  world.play = () => 'away';
  await world.pass(60 * SECOND);
  t.same(await world.healths(), ['healthy']);
  t.ok(world.asked.length > 5, 'though it was asked');
});

t.test('a program that does not end in time has failed, and is ended', async (t) => {
  const world = new ProbedWorld(t);
  world.start();
  await world.run();
  await world.pass(SECOND);
  world.play = () => 'hang';
  await world.pass(60 * SECOND);
  t.same(await world.healths(), ['unhealthy']);
  t.equal(world.mostUnderWay, 1, 'never two at a time');
  const [container] = await withProbes(world.docker, world.probes).listProject('shop');
  t.equal(container?.probeOutput, 'no answer within 5000 ms');
});

t.test('what a check prints is kept without secrets, in pieces and cut off', async (t) => {
  const world = new ProbedWorld(t);
  world.says = `canary-3f9a ${'x'.repeat(4096 - 'canary-3f9a '.length - 6)}canary-3f9a`;
  world.start();
  await world.run();
  await world.pass(SECOND);
  const [container] = await withProbes(world.docker, world.probes).listProject('shop');
  t.match(container?.probeOutput, /^exit code 0\n\*\*\* x+\*\*\*$/);
});

t.test('where the host forbids programs nobody runs any', async (t) => {
  const world = new ProbedWorld(t);
  world.mayExec = false;
  world.start();
  await world.run();
  await world.pass(30 * SECOND);
  t.same(world.asked, []);
  t.same(await world.healths(), ['starting']);
});

t.test('at most eight begin at once, and those that hang do not keep the others waiting', async (t) => {
  const world = new ProbedWorld(t, { checks: [{ ...CHECK, timeoutMs: 60 * SECOND }] });
  world.start();
  const hanging = new Set<string>();
  world.play = (id) => (hanging.has(id) ? 'hang' : 'true');
  for (let count = 0; count < 16; count++) hanging.add((await world.run()).id);
  const others = await Promise.all(Array.from({ length: 4 }, () => world.run()));
  await world.pass(SECOND);
  t.equal(world.mostUnderWay, 8);
  await world.pass(4 * SECOND);
  for (const { id } of others) t.ok(world.asked.includes(id), 'its turn came long before the first of those is late');
  t.equal(world.underWay, 16, 'which are not asked twice at a time');
});

t.test('over the network it is asked where its network is, and nowhere else', async (t) => {
  const port = await acceptingPort(t);
  const checks = [{ ...CHECK, probe: { type: 'tcp', port } as const }];
  const world = new ProbedWorld(t, { checks });
  world.start();
  const host = await world.run({ service: 'gateway', address: '127.0.0.1' });
  const guest = await world.run({ hasOwnNetwork: false, joins: [host.id] });
  await world.run({ joins: [host.id] });
  const verdicts = async () => {
    await world.pass(500);
    return (await withProbes(world.docker, world.probes).listProject('shop')).map(({ probeOutput }) => probeOutput);
  };
  await eventually(verdicts, { until: (outputs) => outputs.filter(Boolean).length === 2 });
  t.match(await verdicts(), ['', /accepts connections/, /no address/], `${guest.name} has the network of another`);
});

t.test('what is stopped, paused or gone is not asked', async (t) => {
  const world = new ProbedWorld(t);
  world.start();
  const [stopped, paused, gone, runs] = [await world.run(), await world.run(), await world.run(), await world.run()];
  await world.pass(SECOND);
  await world.docker.stopContainer(stopped.id);
  world.docker.change(paused.id, { state: 'paused' });
  await world.docker.removeContainer(gone.id);
  for (const container of [stopped, paused, gone]) world.event(container, 'die');
  await world.pass(SECOND);
  world.asked = [];
  await world.pass(20 * SECOND);
  t.same([...new Set(world.asked)], [runs.id]);
  t.same((await world.healths()).toSorted(), ['healthy', 'healthy', 'unknown'], 'a paused one keeps its health');
});

t.test('one that was restarted begins anew', async (t) => {
  const world = new ProbedWorld(t);
  world.start();
  const container = await world.run();
  await world.pass(SECOND);
  world.play = () => 'hang';
  await world.docker.restartContainer(container.id);
  world.event(container, 'start');
  await world.pass(SECOND);
  t.same(await world.healths(), ['starting']);
});

t.test('an event that was lost is made good within a minute', async (t) => {
  const world = new ProbedWorld(t);
  world.start();
  await settled();
  const container = world.docker.addContainer({ name: 'shop-web-1', project: 'shop', service: 'web' });
  world.docker.change(container.id, { labels: { 'longshore.service': 'svc_1' } });
  await world.docker.startContainer(container.id);
  await world.pass(61 * SECOND);
  t.same(await world.healths(), ['healthy']);
});

t.test('a start of the agent is no news about a container', async (t) => {
  const world = new ProbedWorld(t);
  world.start();
  await world.run();
  await world.pass(SECOND);
  const containers = await withProbes(world.docker, world.probes).listProject('shop');
  const { services } = world.state;
  const record = services.find('svc_1');
  const report = record && reportOf({ record, containers, isDeploying: false, nowMs: world.clock.now() });
  t.equal(report?.health, 'healthy');
  if (report) services.setReport(report);
  await world.stop();
  t.equal(world.clock.pending, 0, 'what stops leaves no timer');
  world.told.length = 0;
  world.start();
  t.same(await world.healths(), ['healthy'], 'before it was asked again');
  await world.pass(SECOND);
  t.same(await world.healths(), ['healthy']);
  t.same(world.told, []);
});

t.test('another question makes another verdict, and the same one none', async (t) => {
  const world = new ProbedWorld(t);
  world.start();
  await world.run();
  await world.pass(SECOND);
  world.probes.judgeBy('svc_1', [structuredClone(CHECK)]);
  t.same(await world.healths(), ['healthy']);
  world.probes.judgeBy('svc_1', [{ ...CHECK, intervalMs: 20 * SECOND }]);
  t.same(await world.healths(), ['starting']);
  await world.pass(SECOND);
  t.same(await world.healths(), ['healthy']);
  world.probes.judgeBy('svc_1', []);
  t.same(await world.healths(), ['unknown'], "Docker's own word counts again");
  await world.pass(SECOND);
  world.asked = [];
  await world.pass(60 * SECOND);
  t.same(world.asked, []);
});

t.test("containers of other compose services and of other services keep Docker's word", async (t) => {
  const world = new ProbedWorld(t);
  world.start();
  await world.run({ service: 'db', health: 'unhealthy', hasHealthCheck: true });
  await world.run({ labels: { 'longshore.service': 'svc_2' } });
  await world.pass(20 * SECOND);
  t.same(world.asked, []);
  t.same(await world.healths(), ['unhealthy', 'unknown']);
});

t.test('what is removed is forgotten', async (t) => {
  const world = new ProbedWorld(t);
  world.start();
  const container = await world.run();
  await world.pass(SECOND);
  world.state.services.remove('svc_1');
  await world.docker.removeContainer(container.id);
  world.event(container, 'destroy');
  await eventually(() => !world.probes.isProbed('shop'));
  t.equal(world.clock.pending, 1, 'nothing waits but the sweep');
});
