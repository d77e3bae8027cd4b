// Own probes on a real Docker: each kind is healthy, goes bad and good again, and a deploy waits for it.
import t, { type Test } from 'tap';
import { LongshoreError } from '#shared/errors.ts';
import { Scope } from '#shared/lifecycle.ts';
import { silentLogger } from '#shared/log.ts';
import type { HealthCheckSpec } from '#shared/health-check.ts';
import type { ServiceSpec } from '#shared/model.ts';
import { systemClock } from '#shared/time.ts';
import type { Container, EngineEvent } from '../../agent/docker/engine.ts';
import { startEventHub } from '../../agent/docker/events.ts';
import { startProbes } from '../../agent/health/probes.ts';
import { withProbes } from '../../agent/health/probed-engine.ts';
import { openState } from '../../agent/state/open.ts';
import { DeployHost, specFor, startDeployParts } from '../support/deploy-host.ts';
import { docker, requireDocker, uniqueProject } from '../support/docker.ts';
import { eventually } from '../support/eventually.ts';
import { makeFolder } from '../support/folder.ts';

/** Fast enough for a test; a failure or two while it starts is nothing. */
const TIMING = { intervalS: 1, timeoutS: 5, failureThreshold: 1 };
const HTTP: HealthCheckSpec = { type: 'http', service: 'web', path: '/health', ...TIMING };
const TCP: HealthCheckSpec = { type: 'tcp', service: 'gate', ...TIMING };
/** Its port is its image's. */
const PLAIN: HealthCheckSpec = { type: 'http', service: 'plain', ...TIMING };
const EXEC: HealthCheckSpec = { type: 'exec', service: 'work', command: ['cat', '/tmp/health'], ...TIMING };

const OTHER: HealthCheckSpec[] = [{ ...HTTP, path: '/', expectStatus: 404 }];

/** Serves on 8080 what the file /tmp/health says. */
const serving = (start: string) => ({
  image: 'busybox:1',
  command: ['sh', '-c', `echo fine >/tmp/health; ${start}; exec sleep 1000`],
  expose: ['8080'],
  stop_grace_period: '0s',
});

const HTTPD = 'httpd -p 8080 -h /tmp';
const COMPOSE = JSON.stringify({
  services: {
    web: serving(HTTPD),
    gate: serving(HTTPD),
    work: serving('true'),
    plain: { image: 'longshore-test/web:1', stop_grace_period: '0s' },
  },
});

/** A deploy host whose engine has our verdicts in it, as an agent's has. */
async function startProbedHost(t: Test, spec: Partial<ServiceSpec>) {
  const parts = await startDeployParts(t);
  const log = silentLogger();
  const scope = new Scope(log);
  const dir = makeFolder(t, 'health');
  const state = openState(dir, systemClock);
  const hub = startEventHub({ engine: parts.engine, clock: systemClock, log }, scope.signal);
  const { policy, engine } = parts;
  const { services } = state;
  const probes = startProbes({ services, engine, hub, policy, clock: systemClock, random: Math.random, log }, scope);
  const judgeBy = probes.judgeBy.bind(probes);
  const events: EngineEvent[] = [];
  const name = uniqueProject(t, 'health');
  hub.subscribe(name, (signal) => {
    if (signal.kind === 'event' && signal.event.action === 'health_status') events.push(signal.event);
  });
  const deps = { ...parts, engine: withProbes(engine, probes), events: hub, judgeBy };
  const host = new DeployHost(deps, specFor(name, { rollbackOnFailure: true, ...spec }));
  t.teardown(async () => {
    await scope.stop();
    state.close();
  });
  const deploy = async (change: Partial<ServiceSpec> = {}) => {
    services.put({ ...host.spec, ...change, revision: host.spec.revision + 1 });
    return host.deploy(change);
  };
  const find = async (service: string): Promise<Container> => {
    const found = (await host.engine.listProject(name)).find((container) => container.service === service);
    if (!found) throw new LongshoreError('not_found');
    return found;
  };
  const until = (service: string, health: Container['health']) =>
    eventually(() => find(service), { until: (container) => container.health === health });
  const inside = async (service: string, script: string) =>
    docker(['exec', (await find(service)).id, 'sh', '-c', script]);
  return { host, deploy, find, until, inside, events, services };
}

t.test('what its user asks of a service is asked of its containers', async (t) => {
  if (!(await requireDocker(t))) return;
  const { host, deploy, find, until, inside, events, services } = await startProbedHost(t, { compose: COMPOSE });
  t.match(await deploy({ healthChecks: [HTTP, TCP, EXEC, PLAIN] }), { state: 'succeeded' });
  const ids = await host.containerIds();

  await t.test('a deploy ends when all of them have passed', async (t) => {
    const [web, gate, work] = await Promise.all(['web', 'gate', 'work'].map(find));
    t.match(web, { health: 'healthy', hasHealthCheck: true, probeOutput: 'HTTP 200 OK\nfine\n', failingStreak: 0 });
    t.match(gate, { health: 'healthy', probeOutput: 'port 8080 accepts connections' });
    t.match(work, { health: 'healthy', probeOutput: 'exit code 0\nfine\n' });
    t.match(await find('plain'), { health: 'healthy', probeOutput: /^HTTP 200/ });
  });

  await t.test('each goes bad and good again', async (t) => {
    const http = async () => {
      await inside('web', 'mv /tmp/health /tmp/away');
      const bad = await until('web', 'unhealthy');
      t.match(bad.probeOutput, /^HTTP 404 Not Found\n/, 'http: by the status of the answer');
      t.ok(bad.failingStreak > 0 && bad.probedAt > 0);
      await inside('web', 'mv /tmp/away /tmp/health');
      t.equal((await until('web', 'healthy')).failingStreak, 0);
    };
    const tcp = async () => {
      await inside('gate', 'killall httpd');
      t.match((await until('gate', 'unhealthy')).probeOutput, /ECONNREFUSED/, 'tcp: by whether anybody listens');
      await inside('gate', HTTPD);
      await until('gate', 'healthy');
    };
    const exec = async () => {
      await inside('work', 'rm /tmp/health');
      t.match((await until('work', 'unhealthy')).probeOutput, /^exit code 1\ncat: /, 'exec: by the exit code');
      await inside('work', 'echo fine >/tmp/health');
      await until('work', 'healthy');
    };
    await Promise.all([http(), tcp(), exec()]);
  });

  await t.test('each change is told like an event of Docker', async (t) => {
    const told = (service: string) => events.filter((event) => event.containerId === ids[service]);
    for (const service of ['web', 'gate', 'work']) t.ok(told(service).length >= 3, `${service}: good, bad, good`);
  });

  await t.test('a change of what is asked keeps the containers', async (t) => {
    const outcome = await deploy({ healthChecks: OTHER });
    t.match(outcome, { state: 'succeeded' });
    t.match(
      outcome.plan?.map(({ action }) => action),
      ['keep', 'keep', 'keep', 'keep'],
    );
    t.same(await host.containerIds(), ids);
    t.match(await find('web'), { health: 'healthy', probeOutput: /^HTTP 404/ });
    t.equal((await find('work')).hasHealthCheck, false, 'nothing is asked of the others any more');
  });

  await t.test('a check that never passes fails the deploy, and what was asked before is asked again', async (t) => {
    const before = services.healthChecksOf(host.spec.id);
    const never = { ...HTTP, path: '/nothing', startPeriodS: 0 };
    const outcome = await deploy({ healthChecks: [never] });
    t.match(outcome, { state: 'failed', error: { code: 'unhealthy', details: /HTTP 404/ }, rolledBackTo: 2 });
    t.same(services.healthChecksOf(host.spec.id), before);
    t.same(await host.containerIds(), ids, 'no container was touched');
    t.match(await find('web'), { health: 'healthy' });
  });

  await t.test(
    'nor is it left in force where nothing was put back, once what ran before is asked for again',
    async (t) => {
      const before = services.healthChecksOf(host.spec.id);
      const late: HealthCheckSpec = { type: 'exec', service: 'work', command: ['cat', '/tmp/late'], ...TIMING };
      const failed = await deploy({ healthChecks: [late], healthTimeoutS: 1, rollbackOnFailure: false });
      t.match(failed, { state: 'failed', error: { code: 'timed_out' } });
      await inside('work', 'touch /tmp/late');
      await until('work', 'healthy');
      t.match(await deploy({ healthChecks: OTHER, healthTimeoutS: 20 }), { state: 'succeeded' });
      t.same(services.healthChecksOf(host.spec.id), before);
    },
  );

  await t.test('what the compose file has no answer to is refused before anything is touched', async (t) => {
    const outcome = await deploy({ healthChecks: [{ type: 'tcp', service: 'nobody' }] });
    t.match(outcome, { state: 'failed', error: { fields: { 'health_checks.0.service': String } } });
  });

  await t.test('a container that is stopped is not asked, and has no health', async (t) => {
    await host.engine.stopContainer(ids['web'] ?? '');
    t.match(await find('web'), { state: 'exited', health: 'unknown' });
  });
});
