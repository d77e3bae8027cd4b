// Plans on a real Docker: they change nothing, and what they say is what the deploy then does.
import { createHash } from 'node:crypto';
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { ServiceSpec } from '#shared/model.ts';
import type { DeployPlan } from '#shared/protocol/deploy-parts.ts';
import { startDeployHost, type DeployHost } from '../support/deploy-host.ts';
import { docker, ensureImages, missingDocker, uniqueProject } from '../support/docker.ts';
import { freePort } from '../support/free-port.ts';
import { GitRepository } from '../support/git-repository.ts';

const skip = await missingDocker();

const COMPOSE = `
services:
  web:
    image: longshore-test/web:\${TAG}
    depends_on: [db]
    environment: {LEVEL: "\${LEVEL}", PASSWORD: "\${PASSWORD}", COPY: "\${PASSWORD}"}
    env_file: [{path: ./by-hand.env, required: false}]
    volumes: ["./conf:/conf:ro"]
    stop_grace_period: 1s
  db: {image: "busybox:1", init: true, command: sleep 1000, volumes: ["data:/data"], stop_grace_period: 1s}
volumes: {data: {}}
`;
const FIRST: Partial<ServiceSpec> = {
  compose: COMPOSE,
  variables: { TAG: '1', LEVEL: 'info', PASSWORD: 'pw-1' },
  secretNames: ['PASSWORD'],
  files: { 'conf/a.conf': 'a\n' },
};
const SECOND: Partial<ServiceSpec> = {
  ...FIRST,
  variables: { TAG: '2', LEVEL: 'debug', PASSWORD: 'pw-2' },
};

t.before(() => (skip ? undefined : ensureImages()));

/** All that a plan could have changed: the folders of all services, and the project's things in Docker. */
async function stateOf({ dataDir, spec: { name }, engine }: DeployHost): Promise<unknown> {
  const [containers, networks, volumes] = await Promise.all([
    engine.listProject(name),
    engine.listNetworks(name),
    engine.listVolumes(name),
  ]);
  const images = await docker(['image', 'ls', '-a', '--no-trunc', '--format', '{{.ID}} {{.Repository}}:{{.Tag}}']);
  const own = images.split('\n').filter((line) => line.includes(name));
  return { containers, networks, volumes, images: own, files: filesBelow(dataDir) };
}

function filesBelow(folder: string): string[] {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries.map((entry) => digestOf(join(entry.parentPath, entry.name))).toSorted();
}

function digestOf(path: string): string {
  const { mode, mtimeMs, size } = lstatSync(path);
  const stat = lstatSync(path);
  const content = stat.isFile() ? readFileSync(path) : stat.isSymbolicLink() ? readlinkSync(path) : '';
  return `${path} ${mode} ${stat.isFile() ? `${mtimeMs} ${size}` : ''} ${createHash('sha256').update(content).digest('hex')}`;
}

const actions = ({ services }: DeployPlan) => services.map(({ service, action }) => `${service} ${action}`);

/** The plan of a change, then the change itself: the folder and Docker stay as they are, and the plan comes true. */
async function planThenDeploy(t: Test, host: DeployHost, change: Partial<ServiceSpec>): Promise<DeployPlan> {
  for (const folder of ['plans', 'services']) mkdirSync(join(host.dataDir, folder), { recursive: true });
  const before = await stateOf(host);
  const plan = await host.plan(change);
  t.strictSame(await stateOf(host), before, 'the plan changed nothing');
  const outcome = await host.deploy(change);
  t.match(outcome, { state: 'succeeded' });
  t.strictSame(
    plan.services.map(({ fields: _fields, ...step }) => step),
    outcome.plan,
    'it did what the plan said',
  );
  t.ok(
    (await host.plan()).services.every(({ action }) => action === 'keep'),
    'and left nothing to do',
  );
  return plan;
}

t.test('a plan of a service that is not here yet, and what its deploy does', { skip }, async (t) => {
  const host = await startDeployHost(t, 'plan');
  const plan = await planThenDeploy(t, host, FIRST);
  t.strictSame(actions(plan), ['db create', 'web create']);
  t.match(plan.images, [
    { reference: 'busybox:1', services: ['db'], source: 'present', sizeBytes: Number },
    { reference: 'longshore-test/web:1', source: 'present' },
  ]);
  t.strictSame(plan.volumes, [{ name: `${host.spec.name}_data`, action: 'create', services: ['db'] }]);
  t.strictSame([plan.downtime, plan.findings], [[], []]);
  t.strictSame(
    plan.preflight.filter(({ state }) => state !== 'ok'),
    [],
  );
  t.same([...new Set(plan.preflight.map(({ check }) => check))], ['name', 'ports', 'disk', 'memory', 'architecture']);
});

t.test('a plan of a change names each field, hides secrets, and says who is down for a moment', { skip }, async (t) => {
  const host = await startDeployHost(t, 'plan');
  await host.deploy(FIRST);
  const plan = await planThenDeploy(t, host, SECOND);
  t.strictSame(plan.services, [
    { service: 'db', action: 'keep', reason: 'unchanged', fields: [] },
    {
      service: 'web',
      action: 'recreate',
      reason:
        'environment COPY changed; environment LEVEL changed; environment PASSWORD changed; image changed longshore-test/web:1 → longshore-test/web:2',
      replacement: { order: 'stop_first', reason: 'it has no health check, so nobody knows when it is ready' },
      fields: [
        { field: 'environment.COPY', before: '***', after: '***' },
        { field: 'environment.LEVEL', before: 'info', after: 'debug' },
        { field: 'environment.PASSWORD', before: '***', after: '***' },
        { field: 'image', before: 'longshore-test/web:1', after: 'longshore-test/web:2' },
      ],
    },
  ]);
  t.strictSame(plan.downtime, ['web']);
  t.strictSame(plan.volumes, [{ name: `${host.spec.name}_data`, action: 'keep', services: ['db'] }]);
  t.notMatch(JSON.stringify(plan), /pw-\d/);
});

t.test('a plan sees what somebody put into the folder by hand, and what the change takes out', { skip }, async (t) => {
  const host = await startDeployHost(t, 'plan');
  await host.deploy(FIRST);
  writeFileSync(join(host.folder, 'by-hand.env'), 'MORE=yes\n');
  t.match((await planThenDeploy(t, host, {})).services, [{ action: 'keep' }, { action: 'keep' }], 'nobody reads it');
  const plan = await planThenDeploy(t, host, { variables: { ...FIRST.variables, LEVEL: 'warn' } });
  t.match(plan.services[1], {
    action: 'recreate',
    fields: [{ field: 'environment.LEVEL' }, { field: 'environment.MORE', before: null, after: 'yes' }],
  });
  const compose = 'services: {web: {image: "longshore-test/web:1", stop_grace_period: 1s}}';
  const less = await planThenDeploy(t, host, { compose, files: {} });
  t.strictSame(actions(less), ['web recreate', 'db remove']);
  t.strictSame(less.volumes, [{ name: `${host.spec.name}_data`, action: 'leave', services: [] }]);
  t.strictSame(less.downtime, ['web', 'db']);
});

t.test('A41: what the policy refuses is listed, and nothing is read for it', { skip }, async (t) => {
  const host = await startDeployHost(t, 'plan', { customerId: 'cust_1' });
  const outside = 'services: {web: {image: "longshore-test/web:1", privileged: true, env_file: [/etc/hostname]}}';
  t.match(await host.plan({ compose: outside }), {
    services: [],
    findings: [
      { path: 'services.web.privileged', rule: 'privileged' },
      { path: 'services.web.env_file[0]', rule: 'outsideFiles' },
    ],
  });
  const hidden = 'services: {web: {image: "longshore-test/web:1", volumes: ["${WHERE}:/x"]}}';
  const plan = await host.plan({ compose: hidden, variables: { WHERE: '/etc' } });
  t.match(plan, { findings: [{ path: 'services.web.volumes[0]', rule: 'bindMounts' }] });
  t.strictSame(actions(plan), ['web create']);
  const own = await host.plan({ compose: hidden, variables: { WHERE: './data' } });
  t.strictSame(own.findings, [], "the scratch folder counts as the service's own");
  const between = 'services: {web: {image: "longshore-test/web:1"}}\n# note\u2028include: [/etc/hostname]\n';
  t.strictSame(actions(await host.plan({ compose: between })), ['web create'], 'a line that only Compose would see');
});

t.test('what is broken fails as the deploy would, without the secrets in the words', { skip }, async (t) => {
  const host = await startDeployHost(t, 'plan');
  const compose = 'services: {web: {image: "longshore-test/web:1", mem_limit: "${SIZE}"}}';
  const broken = host.plan({ compose, variables: { SIZE: 'canary-size' }, secretNames: ['SIZE'] });
  const error = await broken.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  t.match(error, { code: 'compose_invalid' });
  t.notMatch(`${(error as Error).message} ${(error as { details?: string }).details}`, 'canary-size');
  await t.rejects(
    host.plan({ compose: 'services: {web: {image: "a:1", mem_limit: 1g}}', limits: { cpu: null, memoryMb: 64 } }),
    {
      code: 'plan_limit',
    },
  );
  await t.rejects(host.plan({ method: 'ai', git: { url: 'https://example.com/x.git', branch: null } }), {
    code: 'not_supported',
  });
  t.notOk(existsSync(join(host.dataDir, 'services')), 'nothing was made for it');
});

t.test('what stands in the way is told at once: name, port, image, another machine', { skip }, async (t) => {
  const port = await freePort();
  const compose = (image: string) =>
    `services: {web: {image: "${image}", platform: linux/s390x, mem_limit: 8000g, stop_grace_period: 1s, ports: ["127.0.0.1:${port}:80"]}}`;
  const holder = await startDeployHost(t, 'holder');
  const holding = compose('longshore-test/web:1').replace('platform: linux/s390x, mem_limit: 8000g, ', '');
  t.match(await holder.deploy({ compose: holding }), { state: 'succeeded' });
  const host = await startDeployHost(t, 'plan');
  const name = uniqueProject(t, 'taken');
  await docker(['volume', 'create', '--label', `com.docker.compose.project=${name}`, `${name}_data`]);
  host.spec = { ...host.spec, name };
  const login = { server: 'registry.example.com', username: 'puller', password: 'correct-horse' };
  const plan = await host.plan({ compose: compose('registry.example.com/web:1'), registries: [login] });
  t.match(plan.images, [{ reference: 'registry.example.com/web:1', source: 'pull', sizeBytes: null }]);
  t.strictSame(plan.ports, [
    { service: 'web', host: String(port), container: 80, protocol: 'tcp', address: '127.0.0.1' },
  ]);
  const told = plan.preflight.map(({ check, state, message }) => `${check} ${state}: ${message}`);
  t.match(told[0], new RegExp(`^name failed: The name "${name}" is taken on this host`));
  t.match(
    told[1],
    new RegExp(`^ports failed: Host port ${port}/tcp is taken by container "${holder.spec.name}-web-1"`),
  );
  t.match(told[2], /^disk ok: \d+ MiB free$/);
  t.match(told[3], /^memory warning: \d+ MiB free, limits of what is added: 8192000 MiB$/);
  t.match(told[4], /^architecture warning: .* is for s390x, the host is /);
  t.strictSame(told.slice(5), ['registry ok: registry.example.com: as puller']);
});

t.test('the digest is the same until the host or the wish is another', { skip }, async (t) => {
  const host = await startDeployHost(t, 'plan');
  await host.deploy(FIRST);
  const digest = async (change: Partial<ServiceSpec>, pull?: 'always') =>
    (await host.plan(change, { ...(pull && { pull }) })).digest;
  const first = await digest(SECOND);
  t.equal(await digest(SECOND), first);
  t.not(await digest({ ...SECOND, variables: { ...SECOND.variables, LEVEL: 'warn' } }), first, 'another wish');
  t.not(await digest(SECOND, 'always'), first, 'other images may come');
  await docker(['stop', '-t', '0', (await host.containerIds())['db'] ?? '']);
  t.not(await digest(SECOND), first, 'somebody stopped a container');
  await docker(['start', (await host.containerIds())['db'] ?? '']);
  t.equal(await digest(SECOND), first, 'and started it again');
});

t.test('a repository is fetched beside the folder, and its commit is told', { skip }, async (t) => {
  const repository = await GitRepository.create(t, {
    'compose.yaml':
      'services: {web: {image: "longshore-test/web:1", stop_grace_period: 1s, volumes: ["./www:/www:ro", "./kept:/kept"]}}',
    'www/index.html': 'one\n',
  });
  const host = await startDeployHost(t, 'plan', { method: 'git', git: { url: repository.url, branch: 'main' } });
  const first = await planThenDeploy(t, host, {});
  t.match(first, { commit: /^[0-9a-f]{40}$/ });
  const commit = await repository.commit({ 'www/index.html': 'two\n' });
  const second = await planThenDeploy(t, host, {});
  t.equal(second.commit, commit);
  t.match(second.services, [{ action: 'recreate', fields: [{ field: 'volumes' }] }]);

  const old = first.commit ?? '';
  t.match(await host.rollBack(1, { git: { url: repository.url, branch: 'main', commit: old } }), {
    state: 'succeeded',
  });
  t.equal(await docker(['exec', (await host.containerIds())['web'] ?? '', 'cat', '/www/index.html']), 'one');
  t.match(
    await host.deploy({}, { kind: 'redeploy', pull: 'missing' }),
    { state: 'succeeded', unchanged: true },
    'held',
  );
});
