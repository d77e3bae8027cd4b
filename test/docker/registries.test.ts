// Pulls, builds and restores from a private registry, on a real Docker and a real registry.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { RegistryLogin } from '#shared/model.ts';
import { systemClock } from '#shared/time.ts';
import { DockerClient } from '../../agent/docker/docker-client.ts';
import { createImageStore } from '../../agent/docker/image-store.ts';
import { measureDownloads } from '../../agent/images/downloads.ts';
import { Registries } from '../../agent/images/registry.ts';
import { SOCKET, startDeployHost, StepLog, type DeployHost } from '../support/deploy-host.ts';
import { docker, ensureImages, ownImage, removeProject } from '../support/docker.ts';
import { startFakeRegistry } from '../support/fake-registry.ts';
import { missingRegistry, startRegistry, type Registry } from '../support/registry.ts';

const skip = await missingRegistry();
const PASSWORD = 'canary-of-the-registry-9f2e';

const STOP_FIRST = 'deploy: {update_config: {order: stop-first}}';
const composeOf = (image: string) => `services: {web: {image: "${image}", stop_grace_period: 1s, ${STOP_FIRST}}}\n`;
const imagesOf = async (host: DeployHost) =>
  (await host.engine.listProject(host.spec.name)).map(({ imageId }) => imageId);
const idOf = (image: string) => docker(['image', 'inspect', '-f', '{{.Id}}', image]);

t.before(() => (skip ? undefined : ensureImages()));

t.test('a private image is pulled with the login of its registry', { skip }, async (t) => {
  const registry = await startRegistry(t, PASSWORD);
  const image = await registry.push('longshore-test/web:1', 'team/web:1');
  const host = await startDeployHost(t, 'registry', { compose: composeOf(image) });

  t.match(await host.deploy(), {
    state: 'failed',
    error: {
      code: 'image_unavailable',
      message: `Cannot pull image "${image}"`,
      details: `longshore registries add ${registry.server}`,
    },
  });
  const wrong: RegistryLogin = { ...registry.login, password: 'not-the-password' };
  const refused = await host.deploy({ registries: [wrong] });
  t.match(refused, {
    state: 'failed',
    error: {
      code: 'registry_login_failed',
      message: `Cannot pull image "${image}": registry "${registry.server}" refuses the login of "puller"`,
      details: `longshore registries update ${registry.server}`,
    },
  });
  t.notMatch(JSON.stringify(refused), 'not-the-password');

  const others: RegistryLogin = { ...wrong, server: 'registry.example.com' };
  const steps = new StepLog();
  t.match(await host.deploy({ registries: [others, registry.login] }, { steps }), { state: 'succeeded' });
  t.same(await imagesOf(host), [await idOf('longshore-test/web:1')]);
  t.notMatch(steps.said.join('\n'), /canary|not-the-password/);

  const before = await host.containerIds();
  t.match(await host.deploy({ registries: [wrong] }), { state: 'succeeded', unchanged: true }, 'a new password alone');
  t.same(await host.containerIds(), before);
});

t.test('a plan says how much a deploy would download, and is the same without it', { skip }, async (t) => {
  const registry = await startRegistry(t, PASSWORD);
  const image = await registry.push(await ownImage(t), 'team/web:1');
  const silent = await startFakeRegistry(t, () => undefined);
  const hung = `127.0.0.1:${silent.port}/team/web:1`;
  const compose = `services: {web: {image: "${image}"}, other: {image: "${hung}"}}\n`;
  const host = await startDeployHost(t, 'registry', { compose, registries: [registry.login] });
  const blind = await host.plan();

  const store = createImageStore(new DockerClient({ socketPath: SOCKET }));
  const registries = new Registries({ fetchSettings: () => store.registrySettings(), clock: systemClock });
  host.measureDownloads = (...asked) => measureDownloads({ registries, deadlineMs: 1_500 }, ...asked);
  const plan = await host.plan();
  const [told, unknown] = [image, hung].map((name) => plan.images.find(({ reference }) => reference === name));
  t.match(told, { source: 'pull', sizeBytes: null, downloadBytes: await manifestBytes(registry, 'team/web', '1') });
  t.match(unknown, { source: 'pull', downloadBytes: null }, 'who does not answer is not waited for');
  t.ok(silent.asked.length > 0);
  t.equal(plan.digest, blind.digest, 'another digest would be another plan');
  t.equal(await host.engine.findImage(image), undefined, 'and nothing was pulled');
  t.match((await host.plan({ registries: [] })).images, [{ downloadBytes: null }, { downloadBytes: null }]);

  const before = registry.requests.length;
  const refused = `services: {web: {image: "${image}", privileged: "\${ALL}"}}\n`;
  const stranger = { customerId: 'cust_1', variables: { ALL: 'true' } };
  t.match((await host.plan({ compose: refused, ...stranger })).findings, [{ rule: 'privileged' }]);
  t.equal(registry.requests.length, before, 'no registry hears of what is refused');
});

/** As its manifest has it: the registry's own word. */
async function manifestBytes({ server, username, password }: Registry, path: string, tag: string): Promise<number> {
  const answer = await fetch(`http://${server}/v2/${path}/manifests/${tag}`, {
    headers: {
      accept: 'application/vnd.docker.distribution.manifest.v2+json',
      authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`,
    },
  });
  const { config, layers } = (await answer.json()) as Record<'config', { size: number }> & {
    layers: { digest: string; size: number }[];
  };
  const sizes = new Map(layers.map(({ digest, size }) => [digest, size]));
  return [...sizes.values()].reduce((sum, size) => sum + size, config.size);
}

t.test('an image that is not in the registry is no fault of the login', { skip }, async (t) => {
  const registry = await startRegistry(t, PASSWORD);
  const image = registry.image('team/absent:1');
  const host = await startDeployHost(t, 'registry', { compose: composeOf(image), registries: [registry.login] });
  t.match(await host.deploy(), {
    state: 'failed',
    error: { code: 'image_unavailable', message: `Cannot pull image "${image}"`, details: /not found/ },
  });
});

t.test('a redeploy pulls what is newer; a login that is refused fails it and leaves what runs', { skip }, async (t) => {
  const registry = await startRegistry(t, PASSWORD);
  const name = 'team/web:stable';
  const image = await registry.push('longshore-test/web:1', name);
  const host = await startDeployHost(t, 'registry', { compose: composeOf(image), registries: [registry.login] });
  t.match(await host.deploy(), { state: 'succeeded' });

  await registry.push('longshore-test/web:2', name);
  t.match(await host.deploy({}, { kind: 'redeploy' }), { state: 'succeeded' });
  const newer = await idOf('longshore-test/web:2');
  t.same(await imagesOf(host), [newer]);

  await registry.setPassword('another-password');
  t.match(await host.deploy({}, { kind: 'redeploy' }), { state: 'failed', error: { code: 'registry_login_failed' } });
  const steps = new StepLog();
  t.match(await host.deploy({ registries: [] }, { kind: 'redeploy', steps }), { state: 'succeeded' });
  t.match(steps.said.join('\n'), /could not refresh .* using the one that is here/);
  t.same(await imagesOf(host), [newer], 'and it runs on');
});

t.test('a rollback pulls the good image back from its registry by digest', { skip }, async (t) => {
  const registry = await startRegistry(t, PASSWORD);
  const good = await registry.push(await ownImage(t), 'team/web:1');
  const bad = await registry.push('longshore-test/crash:1', 'team/web:2');
  const host = await startDeployHost(t, 'registry', { compose: composeOf(good), registries: [registry.login] });
  t.match(await host.deploy(), { state: 'succeeded' });
  const [id = ''] = await imagesOf(host);

  const steps = new StepLog();
  steps.onStep = (step) => step === 'rollback' && execFileSync('docker', ['rmi', '-f', id]);
  const outcome = await host.deploy({ compose: composeOf(bad) }, { steps });
  t.match(outcome, { state: 'failed', rolledBackTo: 1, error: { code: 'exited' } });
  t.same(await imagesOf(host), [id]);
  t.equal(await idOf(good), id, 'and its name stands for it again');
});

t.test(
  'a build gets its private base image by settings that nobody else can read, gone afterwards',
  { skip },
  async (t) => {
    const registry = await startRegistry(t, PASSWORD);
    const base = await registry.push(await ownImage(t), 'team/base:1');
    const host = await startBuildHost(t, base);
    const place = join(host.dataDir, 'logins', host.spec.name);

    const missing = await host.deploy();
    t.match(missing, {
      state: 'failed',
      error: { code: 'image_unavailable', message: `Cannot pull image "${base}"`, details: /longshore registries add/ },
    });
    const refused = await host.deploy({ registries: [{ ...registry.login, password: 'not-the-password' }] });
    t.match(refused, {
      state: 'failed',
      error: { code: 'registry_login_failed', message: /refuses the login of "puller"/ },
    });

    const steps = new StepLog();
    const seen: { modes: number[]; told: string[] }[] = [];
    steps.onSay = (step) => {
      if (step === 'build' && existsSync(place)) seen.push({ modes: modesOf(place), told: tellingProcesses() });
    };
    t.match(await host.deploy({ registries: [registry.login] }, { steps }), { state: 'succeeded' });
    t.match(seen[0], { modes: [0o700, 0o600] });
    t.same(
      seen.flatMap(({ told }) => told),
      [],
      'no process has it in its arguments or environment',
    );
    t.notOk(existsSync(place));
    t.notMatch(steps.said.join('\n') + JSON.stringify([missing, refused]), /canary|not-the-password/);
    const files = filesBelow(host.folder);
    t.not(files.length, 0);
    t.same(
      files.filter((file) => holding(PASSWORD).test(readIfThere(file))),
      [],
      'no file of the service has it',
    );
  },
);

t.test("what the operator is logged in to on the host is for the operator's services alone", { skip }, async (t) => {
  const registry = await startRegistry(t, PASSWORD);
  const base = await registry.push(await ownImage(t), 'team/base:1');
  const host = await startBuildHost(t, base);
  mkdirSync(join(host.dataDir, '.docker'));
  const settings = { auths: { [registry.server]: { auth: Buffer.from(`puller:${PASSWORD}`).toString('base64') } } };
  writeFileSync(join(host.dataDir, '.docker/config.json'), JSON.stringify(settings));
  t.match(await host.deploy({ customerId: 'cust_acme' }), { state: 'failed', error: { code: 'image_unavailable' } });
  t.match(await host.deploy({ customerId: null }), { state: 'succeeded' });
});

/** A host with a service that builds on this image. */
async function startBuildHost(t: Test, base: string): Promise<DeployHost> {
  const host = await startDeployHost(t, 'registry', {
    compose: 'services: {web: {build: ., stop_grace_period: 1s}}\n',
    files: { Dockerfile: `FROM ${base}\nLABEL standin.built=1\n` },
  });
  t.teardown(async () => {
    await removeProject(host.spec.name); // or the image would only lose its name
    await docker(['rmi', '-f', `${host.spec.name}-web`]);
  });
  return host;
}

const modesOf = (folder: string) => [folder, join(folder, 'config.json')].map((path) => statSync(path).mode & 0o777);
const holding = (password: string) =>
  new RegExp(`${password}|${Buffer.from(`puller:${password}`).toString('base64').slice(0, -4)}`);

/** Processes that anyone could ask for the password. */
function tellingProcesses(): string[] {
  const files = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && name !== String(process.pid));
  const texts = files.flatMap((pid) => ['cmdline', 'environ'].map((file) => `/proc/${pid}/${file}`));
  return texts.filter((file) => holding(PASSWORD).test(readIfThere(file)));
}

function readIfThere(file: string): string {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return '';
  }
}

const filesBelow = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name));
