// Deploys on a real Docker: first, again, changed, refused.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import type { ServiceSpec } from '#shared/model.ts';
import { startDeployHost, StepLog } from '../support/deploy-host.ts';
import { docker, missingDocker, uniqueName } from '../support/docker.ts';
import { freePort } from '../support/free-port.ts';

const skip = await missingDocker();

const HEALTHY = 'healthcheck: {test: ["CMD", "probe"], interval: 1s, start_interval: 100ms, start_period: 10s}';
/** Two services and a volume; the tag of `web` is a variable. */
const COMPOSE = `
services:
  web:
    image: longshore-test/web:\${TAG}
    depends_on: [db]
    environment: {SECRET: "\${SECRET}"}
    stop_grace_period: 1s
    ${HEALTHY.replace('probe', '/standin/probe')}
  db: {image: "busybox:1", init: true, command: sleep 1000, volumes: ["data:/data", "/scratch"], stop_grace_period: 1s}
volumes: {data: {}}
`;
const FIRST: Partial<ServiceSpec> = { compose: COMPOSE, variables: { TAG: '1', SECRET: 'pa$$"\\word' } };

t.test('a first deploy runs every step, waits for health and records the revision', { skip }, async (t) => {
  const host = await startDeployHost(t, 'deploy');
  const steps = new StepLog();
  const outcome = await host.deploy(FIRST, { steps });
  t.match(outcome, {
    state: 'succeeded',
    goodRevision: 1,
    plan: [{ service: 'db', action: 'create' }, { service: 'web' }],
  });
  t.notOk('unchanged' in outcome);
  t.same(steps.lines, [
    'prepare done',
    'normalise done',
    'check done',
    'plan done',
    'pull skipped',
    'apply done',
    'wait done',
    'record done',
  ]);
  t.match(await host.executor.observe(host.spec, 'running'), { lifecycle: 'running', health: 'healthy', reason: null });
  const web = (await host.engine.listProject(host.spec.name)).find(({ service }) => service === 'web');
  t.match(web, { labels: { 'longshore.service': host.spec.id }, health: 'healthy' });
  t.match(await docker(['exec', web?.id ?? '', 'sh', '-c', 'echo "$SECRET"']), 'pa$$"\\word');
  const meta = JSON.parse(readFileSync(join(host.folder, 'revisions/1/meta.json'), 'utf8')) as object;
  t.match(meta, {
    revision: 1,
    images: { web: { reference: 'longshore-test/web:1', id: web?.imageId } },
    finished: [],
  });
  t.notOk([...steps.lines, ...steps.said].join('\n').includes('word'), 'no secret is said');
});

t.test('the same again changes nothing and starts no process', { skip }, async (t) => {
  const host = await startDeployHost(t, 'deploy');
  await host.deploy(FIRST);
  const before = await host.standing();
  const steps = new StepLog();
  const outcome = await host.deploy({}, { steps });
  t.match(outcome, {
    state: 'succeeded',
    goodRevision: 2,
    unchanged: true,
    plan: [{ action: 'keep' }, { action: 'keep' }],
  });
  t.same(steps.lines, ['plan done', 'record done']);
  t.same(await host.standing(), before);
  t.match(await host.run({ kind: 'redeploy', pull: 'missing' }), { state: 'succeeded', unchanged: true });
});

t.test('a redeploy that looks for newer images and finds none says that nothing had to change', { skip }, async (t) => {
  const host = await startDeployHost(t, 'deploy');
  await host.deploy(FIRST);
  const before = await host.standing();
  const steps = new StepLog();
  const outcome = await host.run({ kind: 'redeploy', steps });
  t.match(outcome, { state: 'succeeded', unchanged: true, plan: [{ action: 'keep' }, { action: 'keep' }] });
  t.ok(steps.lines.includes('pull done'), 'it went the long way');
  t.same(await host.standing(), before);
});

t.test('a file that is written otherwise and means the same changes nothing', { skip }, async (t) => {
  const host = await startDeployHost(t, 'deploy');
  await host.deploy(FIRST);
  const before = await host.containerIds();
  t.match(await host.deploy({ compose: `# a remark\n${COMPOSE}` }), { goodRevision: 2, unchanged: true });
  t.same(await host.containerIds(), before);
});

t.test(
  'a job that was cut off once it had begun to change things does not say that nothing had to change',
  { skip },
  async (t) => {
    const host = await startDeployHost(t, 'deploy');
    await host.deploy(FIRST);
    const outcome = await host.run({ kind: 'redeploy', steps: new StepLog({ wait: Date.now() }) });
    t.match(outcome, { state: 'succeeded', plan: [{ action: 'keep' }, { action: 'keep' }] });
    t.notOk('unchanged' in outcome);
  },
);

t.test('a change recreates what it concerns and leaves the rest alone', { skip }, async (t) => {
  const host = await startDeployHost(t, 'deploy');
  await host.deploy(FIRST);
  const before = await host.containerIds();
  const outcome = await host.deploy({ variables: { ...FIRST.variables, TAG: '2' } });
  t.match(outcome, {
    state: 'succeeded',
    plan: [
      { service: 'db', action: 'keep' },
      { service: 'web', action: 'recreate', reason: 'image changed longshore-test/web:1 → longshore-test/web:2' },
    ],
  });
  const after = await host.containerIds();
  t.equal(after['db'], before['db']);
  t.not(after['web'], before['web']);
});

t.test('a service that left the file is removed; its volume stays', { skip }, async (t) => {
  const host = await startDeployHost(t, 'deploy');
  await host.deploy(FIRST);
  const compose = 'services: {web: {image: "longshore-test/web:1", stop_grace_period: 1s}}\nvolumes: {data: {}}\n';
  t.match(await host.deploy({ compose }), { state: 'succeeded' });
  t.same(Object.keys(await host.containerIds()), ['web']);
  t.same(
    (await host.engine.listVolumes(host.spec.name)).map(({ name }) => name),
    [`${host.spec.name}_data`],
  );
});

t.test('a new content of a config makes a new container', { skip }, async (t) => {
  const host = await startDeployHost(t, 'deploy');
  const compose = (content: string) => `
services: {web: {image: "longshore-test/web:1", stop_grace_period: 1s, configs: [{source: c, target: /c}], secrets: [s]}}
configs: {c: {content: "${content}"}}
secrets: {s: {environment: TOKEN}}
`;
  const read = async (path: string) => docker(['exec', (await host.containerIds())['web'] ?? '', 'cat', path]);
  await host.deploy({ compose: compose('one'), variables: { TOKEN: 'first' } });
  t.same([await read('/c'), await read('/run/secrets/s')], ['one', 'first']);
  await host.deploy({ compose: compose('two') });
  t.equal(await read('/c'), 'two');
  await host.deploy({ variables: { TOKEN: 'second' } });
  t.equal(await read('/run/secrets/s'), 'second');
});

t.test('a one-shot that ends with 0 is done, and is not run again by start and restart', { skip }, async (t) => {
  const host = await startDeployHost(t, 'deploy');
  const compose = `
services:
  migrate: {image: "busybox:1", command: "true"}
  web: {image: "longshore-test/web:1", stop_grace_period: 1s, depends_on: {migrate: {condition: service_completed_successfully}}}
`;
  t.match(await host.deploy({ compose }), { state: 'succeeded' });
  const started = async () =>
    (await host.engine.listProject(host.spec.name)).find(({ service }) => service === 'migrate')?.startedAt;
  const before = await started();
  for (const kind of ['restart', 'stop', 'start'] as const)
    t.match(await host.run({ kind }), { state: 'succeeded' }, kind);
  t.equal(await started(), before);
  t.match(await host.deploy(), { unchanged: true });
});

t.test('an image that was built anew under the same name is deployed by a redeploy', { skip }, async (t) => {
  const image = `${uniqueName('longshore-test/moving')}:1`;
  t.teardown(() => docker(['rmi', '-f', image]));
  const host = await startDeployHost(t, 'deploy');
  await docker(['tag', 'longshore-test/web:1', image]);
  await host.deploy({ compose: `services: {web: {image: "${image}", stop_grace_period: 1s}}` });
  const before = await host.containerIds();
  await docker(['tag', 'longshore-test/web:2', image]);
  const steps = new StepLog();
  const outcome = await host.run({ kind: 'redeploy', steps });
  t.match(outcome, { state: 'succeeded', plan: [{ action: 'recreate', reason: `image ${image} is a newer build` }] });
  t.match(steps.said.join('\n'), /pull: could not refresh .*, using the one that is here/);
  t.not((await host.containerIds())['web'], before['web']);
});

t.test('a file with a build is built here', { skip }, async (t) => {
  const host = await startDeployHost(t, 'deploy');
  t.teardown(() => docker(['rmi', '-f', `${host.spec.name}-web`]));
  const compose = 'services: {web: {build: {context: ./app}, stop_grace_period: 1s, init: true}}';
  const files = {
    'app/Dockerfile': 'FROM busybox:1\nCOPY hello.txt /\nCMD ["sleep", "1000"]\n',
    'app/hello.txt': 'hello\n',
  };
  const steps = new StepLog();
  t.match(await host.deploy({ compose, files }, { steps }), { state: 'succeeded' });
  t.ok(steps.lines.includes('build done'));
  t.equal(await docker(['exec', (await host.containerIds())['web'] ?? '', 'cat', '/hello.txt']), 'hello');
  const broken = { ...files, 'app/Dockerfile': 'FROM busybox:1\nRUN echo broken here && exit 7\n' };
  t.match(await host.deploy({ files: broken }), {
    state: 'failed',
    error: { code: 'build_failed', details: /broken here|exit code: 7/ },
    rolledBackTo: 1,
  });
  t.match(await host.executor.observe(host.spec, 'running'), { lifecycle: 'running' });
});

t.test(
  'A46: a host port in use is refused with the name of who holds it, before anything is touched',
  { skip },
  async (t) => {
    const port = await freePort();
    const compose = `services: {web: {image: "longshore-test/web:1", stop_grace_period: 1s, ports: ["127.0.0.1:${port}:80"]}}`;
    const holder = await startDeployHost(t, 'holder');
    t.match(await holder.deploy({ compose }), { state: 'succeeded' });
    const host = await startDeployHost(t, 'deploy');
    const outcome = await host.deploy({ compose });
    t.match(outcome, {
      state: 'failed',
      goodRevision: null,
      error: {
        code: 'port_taken',
        message: `Host port ${port}/tcp is taken by container "${holder.spec.name}-web-1" of "${holder.spec.name}"`,
      },
    });
    t.same(await host.containerIds(), {});
  },
);

t.test('A46: a project of that name that is not ours is left alone, also by a removal', { skip }, async (t) => {
  const host = await startDeployHost(t, 'deploy');
  const labels = ['--label', `com.docker.compose.project=${host.spec.name}`];
  const foreign = await docker(['create', ...labels, 'busybox:1']);
  const taken = { state: 'failed', error: { code: 'name_taken', details: /docker compose -p .* down/ } };
  t.match(await host.deploy({ compose: 'services: {web: {image: "longshore-test/web:1"}}' }), taken);
  await docker(['volume', 'create', ...labels, `${host.spec.name}_data`]);
  t.match(await host.run({ kind: 'remove' }), { state: 'succeeded' });
  t.equal(await docker(['ps', '-aq', '--no-trunc', '--filter', `id=${foreign}`]), foreign);
  await docker(['rm', foreign]);
  t.match(
    await host.deploy({ compose: 'services: {web: {image: "longshore-test/web:1"}}' }),
    taken,
    'a volume counts too',
  );
});

t.test('A40: the policy is asked again when all variables are filled in', { skip }, async (t) => {
  const host = await startDeployHost(t, 'deploy', { customerId: 'cust_1' });
  const compose = 'services: {web: {image: "longshore-test/web:1", volumes: ["${WHERE}:/x"]}}';
  const outcome = await host.deploy({ compose, variables: { WHERE: '/etc' } });
  t.match(outcome, {
    state: 'failed',
    error: { code: 'compose_policy', fields: { 'services.web.volumes[0]': /outside/ } },
  });
});

t.test("A43: a variable that only the agent's environment has is not there for a service", { skip }, async (t) => {
  process.env['DATABASE_URL'] = 'postgres://of-the-agent';
  t.teardown(() => delete process.env['DATABASE_URL']);
  const host = await startDeployHost(t, 'deploy');
  const environment = 'environment: {URL: "${DATABASE_URL:-none}", DATABASE_URL: }';
  const compose = `services: {web: {image: "longshore-test/web:1", stop_grace_period: 1s, ${environment}}}`;
  t.match(await host.deploy({ compose }), { state: 'succeeded' });
  const seen = await docker(['exec', (await host.containerIds())['web'] ?? '', 'env']);
  t.match(seen, 'URL=none');
  t.notMatch(seen, 'of-the-agent');
});

t.test('an image that is nowhere is named', { skip }, async (t) => {
  const host = await startDeployHost(t, 'deploy');
  const outcome = await host.deploy({ compose: 'services: {web: {image: "longshore-test/nowhere:1"}}' });
  t.match(outcome, {
    state: 'failed',
    error: { code: 'image_unavailable', message: 'Cannot pull image "longshore-test/nowhere:1"' },
  });
  const never = await host.deploy({}, { pull: 'never' });
  t.match(never, {
    error: {
      code: 'image_unavailable',
      message: 'Image "longshore-test/nowhere:1" of service "web" is not on the host',
    },
  });
});
