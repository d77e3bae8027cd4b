// Limits of a service on a real Docker: what its containers are given, and what holds them to it.
import t from 'tap';
import { startDeployHost, type DeployHost } from '../support/deploy-host.ts';
import { docker, missingDocker } from '../support/docker.ts';

const skip = await missingDocker();

const FAST = 'image: "busybox:1", init: true, stop_grace_period: 1s';
const COMPOSE = `
services:
  web: {${FAST}, command: sleep 1000}
  worker: {${FAST}, command: sleep 1000, scale: 2}
  db: {${FAST}, command: sleep 1000, cpus: 0.4, mem_limit: 128m}
`;

/** Compose service → nano-CPUs and bytes of each of its containers, as Docker has them. */
async function limitsOf({ engine, spec }: DeployHost): Promise<Record<string, string[]>> {
  const containers = await engine.listProject(spec.name);
  const format = '{{.HostConfig.NanoCpus}} {{.HostConfig.Memory}}';
  const limits = await Promise.all(
    containers.map(async ({ id, service }) => ({ service, text: await docker(['inspect', '-f', format, id]) })),
  );
  const grouped = Object.entries(Object.groupBy(limits, ({ service }) => service));
  return Object.fromEntries(grouped.map(([service, own = []]) => [service, own.map(({ text }) => text)]));
}

const mib = (count: number) => count * 1024 ** 2;

t.test('the containers share what the service may use; a change recreates those it reaches', { skip }, async (t) => {
  const host = await startDeployHost(t, 'limits');
  t.match(await host.deploy({ compose: COMPOSE, limits: { cpu: 1, memoryMb: 512 } }), { state: 'succeeded' });
  t.same(await limitsOf(host), {
    db: [`400000000 ${mib(128)}`],
    web: [`200000000 ${mib(128)}`],
    worker: [`200000000 ${mib(128)}`, `200000000 ${mib(128)}`],
  });

  const before = await host.containerIds();
  t.match(await host.deploy(), { state: 'succeeded', unchanged: true });
  t.match(await host.deploy({ limits: { cpu: 1, memoryMb: 428 } }), {
    state: 'succeeded',
    plan: [
      { service: 'db', action: 'keep' },
      { service: 'web', action: 'recreate', reason: 'deploy changed' },
      { service: 'worker', action: 'recreate' },
    ],
  });
  const after = await host.containerIds();
  t.equal(after['db'], before['db']);
  t.not(after['web'], before['web']);
  t.match(await limitsOf(host), { db: [`400000000 ${mib(128)}`], web: [`200000000 ${mib(100)}`] });

  t.match(await host.deploy({ limits: { cpu: null, memoryMb: null } }), { state: 'succeeded' });
  t.match(await limitsOf(host), { db: [`400000000 ${mib(128)}`], web: ['0 0'] });
});

t.test('a file that asks for more than the service may use changes nothing', { skip }, async (t) => {
  const host = await startDeployHost(t, 'limits');
  await host.deploy({ compose: COMPOSE });
  const before = await host.containerIds();
  t.match(await host.deploy({ limits: { cpu: null, memoryMb: 100 } }), {
    state: 'failed',
    error: { code: 'plan_limit', fields: { 'services.db.deploy.resources.limits.memory': 'asks for 128 MiB' } },
  });
  t.same(await host.containerIds(), before);
});

t.test('a container that outgrows its memory is killed, and the failure says why', { skip }, async (t) => {
  const host = await startDeployHost(t, 'limits');
  const hungry = `
services:
  web:
    image: busybox:1
    command: dd if=/dev/zero of=/dev/shm/x bs=1M count=48
    healthcheck: {test: ["CMD", "false"], interval: 10s}
`;
  t.match(await host.deploy({ compose: hungry, limits: { cpu: null, memoryMb: 16 } }), {
    state: 'failed',
    error: { message: /out of memory/ },
  });
});
