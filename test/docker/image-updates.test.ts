// Newer images and old ones, on a real Docker and a real registry.
import t, { type Test } from 'tap';
import type { RegistryLogin, ServiceSpec } from '#shared/model.ts';
import { systemClock } from '#shared/time.ts';
import { DockerClient } from '../../agent/docker/docker-client.ts';
import { createImageStore, type ImageStore } from '../../agent/docker/image-store.ts';
import { checkService } from '../../agent/images/check.ts';
import { ImageGate } from '../../agent/images/image-gate.ts';
import { prune } from '../../agent/images/prune.ts';
import { Registries } from '../../agent/images/registry.ts';
import { SOCKET, startDeployHost, type DeployHost } from '../support/deploy-host.ts';
import { docker, ensureImages, ownImage } from '../support/docker.ts';
import { faultCode } from '../support/fault-code.ts';
import { missingRegistry, startRegistry, type Registry } from '../support/registry.ts';

const skip = await missingRegistry();
const PASSWORD = 'canary-of-the-updates-51c0';
const DAY_MS = 24 * 3600_000;

const store = createImageStore(new DockerClient({ socketPath: SOCKET }));

function check(host: DeployHost, more: Partial<ServiceSpec> = {}) {
  const registries = new Registries({ fetchSettings: () => store.registrySettings(), clock: systemClock });
  const spec = { ...host.spec, ...more };
  return checkService({ engine: host.engine, registries, clock: systemClock }, spec, new AbortController().signal);
}

const composeOf = (image: string) => `services: {web: {image: "${image}", stop_grace_period: 0s}}\n`;
const idOf = (image: string) => docker(['image', 'inspect', '-f', '{{.Id}}', image]);
const runningIds = async (host: DeployHost) =>
  (await host.engine.listProject(host.spec.name)).map(({ imageId }) => imageId);

async function startHost(t: Test, registry: Registry, image: string, registries: RegistryLogin[]): Promise<DeployHost> {
  const host = await startDeployHost(t, 'updates', { compose: composeOf(image), registries });
  t.match(await host.deploy(), { state: 'succeeded' });
  registry.requests.length = 0;
  return host;
}

t.before(() => (skip ? undefined : ensureImages()));

t.test('a tag that has moved on is seen by asking for its head alone', { skip }, async (t) => {
  const registry = await startRegistry(t, PASSWORD);
  const image = await registry.push('longshore-test/web:1', 'team/web:stable');
  const host = await startHost(t, registry, image, [registry.login]);
  t.match(await check(host), { images: [{ service: 'web', image, state: 'current', reason: null }] });

  await registry.push('longshore-test/web:2', 'team/web:stable');
  registry.requests.length = 0;
  const found = await check(host);
  t.match(found.images, [{ state: 'newer', currentDigest: /^sha256:/, newestDigest: /^sha256:/ }]);
  t.same(new Set(registry.requests), new Set(['HEAD /v2/team/web/manifests/stable']), 'nothing was fetched');
  t.equal(await host.engine.findImage(image), undefined, 'and nothing pulled: the push took its name along');

  t.match(await host.deploy({}, { kind: 'redeploy' }), { state: 'succeeded' });
  t.match((await check(host)).images, [{ state: 'current', currentDigest: found.images[0]?.newestDigest }]);

  const wrong = { ...registry.login, password: 'not-the-password' };
  const refused = await check(host, { registries: [wrong] });
  t.match(refused.images, [{ state: 'unknown', newestDigest: null, reason: /refuses the login of "puller"/ }]);
  t.match((await check(host, { registries: [] })).images, [{ state: 'unknown', reason: /wants a login/ }]);
  t.notMatch(JSON.stringify([found, refused]), /canary|not-the-password/);

  registry.removeTag('team/web:stable');
  t.match((await check(host)).images, [
    { state: 'unknown', reason: `Registry "${registry.server}" has no "${image}"` },
  ]);
});

t.test(
  'an open registry is asked by nobody; what is built or named by digest is not asked about',
  { skip },
  async (t) => {
    const registry = await startRegistry(t, PASSWORD, { isOpen: true });
    const image = await registry.push('longshore-test/web:1', 'team/web:1');
    const host = await startHost(t, registry, image, []);
    t.match((await check(host)).images, [{ state: 'current' }]);
    const [digest = ''] =
      (await host.engine.findImage(image))?.digests.filter((one) => one.startsWith(registry.server)) ?? [];
    const compose = `${composeOf(digest)}  built: {build: ., stop_grace_period: 0s}\n`
      .replace('{web: ', '\n  web: ')
      .replace('}}', '}');
    const files = { Dockerfile: 'FROM longshore-test/web:1\nLABEL standin.built=1\n' };
    t.match(await host.deploy({ compose, files }), { state: 'succeeded' });
    registry.requests.length = 0;
    t.match((await check(host)).images, [
      { service: 'built', state: 'fixed', currentDigest: null },
      { service: 'web', state: 'fixed', currentDigest: digest.split('@')[1] },
    ]);
    t.same(registry.requests, []);
  },
);

t.test('a prune removes what nothing needs, and a rollback still finds its very image', { skip }, async (t) => {
  const registry = await startRegistry(t, PASSWORD, { isOpen: true });
  const image = await registry.push(await ownImage(t), 'team/web:stable');
  const host = await startHost(t, registry, image, []);
  const [first = ''] = await runningIds(host);
  await registry.push(await ownImage(t), 'team/web:stable');
  t.match(await host.deploy({}, { kind: 'redeploy' }), { state: 'succeeded' });
  const idle = await registry.push(await ownImage(t), 'team/idle:1');
  await docker(['pull', '-q', idle]);
  const idleId = await idOf(idle);

  // Other tests share this engine: only what came from this registry may go.
  const own: ImageStore = {
    ...store,
    list: async () =>
      (await store.list()).filter(({ tags, digests }) =>
        [...tags, ...digests].some((name) => name.startsWith(registry.server)),
      ),
  };
  const gate = new ImageGate();
  const request = { scope: 'unused', olderThanHours: 24, buildCache: false, isDryRun: false } as const;
  const pruneAt = (aheadMs: number, isDryRun: boolean) =>
    prune(
      { dataDir: host.dataDir, store: own, gate, clock: { ...systemClock, now: () => Date.now() + aheadMs } },
      { ...request, isDryRun },
    );

  t.match(await pruneAt(0, false), { images: [], recentCount: 1, protectedCount: 1 }, 'what is new stays');
  t.match(await pruneAt(2 * DAY_MS, true), { images: [{ id: idleId }], protectedCount: 1, leftCount: 0 });
  t.equal(await idOf(idle), idleId, 'a dry run removes nothing');
  const job = Promise.withResolvers<void>();
  const inside = gate.during(() => job.promise);
  t.equal(await faultCode(pruneAt(2 * DAY_MS, false)), 'service_busy');
  job.resolve();
  await inside;

  const done = await pruneAt(2 * DAY_MS, false);
  t.match(done, { images: [{ id: idleId }], protectedCount: 1, leftCount: 0, buildCacheBytes: 0 });
  t.equal(await docker(['image', 'ls', '-q', '--no-trunc', idle]), '', 'and it is gone');
  t.match(await pruneAt(2 * DAY_MS, false), { images: [], protectedCount: 1 });

  await registry.stop();
  t.match(await host.rollBack(1, {}), { state: 'succeeded' });
  t.same(await runningIds(host), [first], 'to the digest, with the registry gone');
});

t.test('the build cache is measured and trimmed to a limit', { skip }, async (t) => {
  t.type(await store.measureBuildCache(), 'number');
  t.equal(await store.trimBuildCache(1e15), 0, 'below the limit nothing goes');
});
