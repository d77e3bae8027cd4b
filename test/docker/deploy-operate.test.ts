// start, stop, restart and remove on a real Docker.
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import type { EngineEvent } from '../../agent/docker/engine.ts';
import { startDeployHost, StepLog, type DeployHost } from '../support/deploy-host.ts';
import { docker, missingDocker } from '../support/docker.ts';
import { eventually } from '../support/eventually.ts';

const skip = await missingDocker();

/** cache ◀─ db ◀─ web */
const COMPOSE = `
x-base: &base {image: "busybox:1", command: sleep 1000, init: true, stop_grace_period: 1s}
services:
  web: {<<: *base, depends_on: {db: {condition: service_healthy}}}
  db: {<<: *base, depends_on: [cache], healthcheck: {test: "true", interval: 1s}}
  cache: {<<: *base, volumes: ["data:/data", "/anonymous"]}
volumes: {data: {}}
networks: {extra: {}}
`;

/** The order in which Docker did something to the services while `work` ran. */
async function orderOf(host: DeployHost, action: string, work: () => Promise<unknown>): Promise<string[]> {
  const events: EngineEvent[] = [];
  const stop = new AbortController();
  const { closed } = await host.engine.openEvents((event) => void events.push(event), stop.signal);
  await work();
  const last = await docker(['create', 'busybox:1']); // its event comes after all of ours
  await eventually(() => events.some(({ containerId }) => containerId === last));
  stop.abort();
  await Promise.all([closed, docker(['rm', last])]);
  const own = events.filter((event) => event.project === host.spec.name && event.action === action);
  return own.map(({ service }) => service);
}

t.test('stop goes from dependents to dependencies, start the other way, restart as start', { skip }, async (t) => {
  const host = await startDeployHost(t, 'operate');
  await host.deploy({ compose: COMPOSE });
  const ids = await host.containerIds();
  t.same(await orderOf(host, 'die', () => host.run({ kind: 'stop' })), ['web', 'db', 'cache']);
  t.match(await host.executor.observe(host.spec, 'stopped'), { lifecycle: 'stopped', reason: null, health: 'unknown' });
  t.match(await host.run({ kind: 'stop' }), { state: 'succeeded' }, 'stopping again is no error');
  t.same(await orderOf(host, 'start', () => host.run({ kind: 'start' })), ['cache', 'db', 'web']);
  t.match(await host.run({ kind: 'start' }), { state: 'succeeded' }, 'starting again is no error');
  t.same(await orderOf(host, 'start', () => host.run({ kind: 'restart' })), ['cache', 'db', 'web']);
  t.same(await host.containerIds(), ids);
});

t.test('a restart that a crash interrupted restarts only what it had not reached', { skip }, async (t) => {
  const host = await startDeployHost(t, 'operate');
  await host.deploy({ compose: COMPOSE });
  const intent = Date.now();
  const ids = await host.containerIds();
  await host.engine.restartContainer(ids['cache'] ?? '');
  const again = await orderOf(host, 'start', () =>
    host.run({ kind: 'restart', steps: new StepLog({ restart: intent }) }),
  );
  t.same(again, ['db', 'web']);
});

t.test('containers that somebody removed are made again by a start', { skip }, async (t) => {
  const host = await startDeployHost(t, 'operate');
  await host.deploy({ compose: COMPOSE });
  await docker(['rm', '-f', (await host.containerIds())['web'] ?? '']);
  t.match(await host.run({ kind: 'start' }), { state: 'succeeded' });
  t.same(Object.keys(await host.containerIds()).toSorted(), ['cache', 'db', 'web']);
});

t.test('what was never deployed cannot be started', { skip }, async (t) => {
  const host = await startDeployHost(t, 'operate');
  t.match(await host.run({ kind: 'start' }), { state: 'failed', error: { code: 'state_conflict' } });
  t.match(await host.run({ kind: 'restart' }), { state: 'failed', error: { code: 'state_conflict' } });
  t.match(await host.run({ kind: 'stop' }), { state: 'succeeded' }, 'it is stopped already');
});

t.test('a removal leaves nothing: containers, networks, volumes, files', { skip }, async (t) => {
  const host = await startDeployHost(t, 'operate');
  await host.deploy({ compose: COMPOSE });
  const { name } = host.spec;
  const [cache] = (await host.engine.listProject(name)).filter(({ service }) => service === 'cache');
  const mounts = await docker(['inspect', '-f', '{{range .Mounts}}{{.Name}} {{end}}', cache?.id ?? '']);
  const volumes = mounts.split(' ').filter(Boolean);
  t.equal(volumes.length, 2);
  writeFileSync(join(host.folder, 'compose.yaml'), '{ broken');
  writeFileSync(join(host.folder, 'rendered.json'), '{ broken');
  t.match(await host.run({ kind: 'remove' }), { state: 'succeeded', goodRevision: null });
  t.same(await host.engine.listProject(name), []);
  t.same([...(await host.engine.listNetworks(name)), ...(await host.engine.listVolumes(name))], []);
  for (const volume of volumes) await t.rejects(docker(['volume', 'inspect', volume]), /no such volume/i);
  t.notOk(existsSync(host.folder));
  t.match(await host.run({ kind: 'remove' }), { state: 'succeeded' }, 'removing again is no error');
});

t.test('a paused container is no obstacle: start wakes it, and so does a deploy', { skip }, async (t) => {
  const host = await startDeployHost(t, 'operate');
  await host.deploy({ compose: COMPOSE });
  const ids = await host.containerIds();
  const state = () => docker(['inspect', '-f', '{{.State.Status}}', ids['cache'] ?? '']);
  await docker(['pause', ids['cache'] ?? '']);
  t.match(await host.run({ kind: 'start' }), { state: 'succeeded' });
  t.equal(await state(), 'running');
  await docker(['pause', ids['cache'] ?? '']);
  t.match(await host.deploy(), { state: 'succeeded' });
  t.equal(await state(), 'running');
});

t.test('a service scaled to nothing does not turn a restart into an apply', { skip }, async (t) => {
  const host = await startDeployHost(t, 'operate');
  await host.deploy({
    compose: COMPOSE.replace('cache: {<<: *base,', 'idle: {<<: *base, scale: 0}\n  cache: {<<: *base,'),
  });
  t.same((await orderOf(host, 'start', () => host.run({ kind: 'restart' }))).toSorted(), ['cache', 'db', 'web']);
});
