// Going back to an earlier revision on a real Docker: the same images, files and variables, whatever became of the names.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { ServiceSpec } from '#shared/model.ts';
import { History } from '../../agent/deploy/revisions/history.ts';
import type { RevisionMeta } from '../../agent/deploy/revisions/revisions.ts';
import { startDeployHost, StepLog, type DeployHost } from '../support/deploy-host.ts';
import { docker, ensureImages, missingDocker, uniqueName } from '../support/docker.ts';
import { missingRegistry, startRegistry } from '../support/registry.ts';

const skip = await missingDocker();
const withoutRegistry = await missingRegistry();

const composeOf = (image: string) => `
services:
  web: {image: "${image}", stop_grace_period: 1s, environment: {LEVEL: "\${LEVEL}"}, configs: [{source: c, target: /c}]}
configs: {c: {content: "\${LEVEL}"}}
`;
const FIRST: Partial<ServiceSpec> = { compose: composeOf('longshore-test/web:1'), variables: { LEVEL: 'info' } };
const SECOND: Partial<ServiceSpec> = { compose: composeOf('longshore-test/web:2'), variables: { LEVEL: 'debug' } };

const imageIdOf = async (host: DeployHost) => (await host.engine.listProject(host.spec.name))[0]?.imageId ?? '';
const idOf = (image: string) => docker(['image', 'inspect', '-f', '{{.Id}}', image]);
const metaOf = (host: DeployHost, revision: number) =>
  JSON.parse(readFileSync(join(host.folder, `revisions/${revision}/meta.json`), 'utf8')) as RevisionMeta;
const read = async (host: DeployHost, ...command: string[]) =>
  docker(['exec', (await host.containerIds())['web'] ?? '', ...command]);

t.before(() => (skip ? undefined : ensureImages()));

t.test('a rollback puts images, variables and files back, as a new revision', { skip }, async (t) => {
  const host = await startDeployHost(t, 'back', { files: { 'notes.txt': 'of the first\n' } });
  await host.deploy(FIRST);
  const [first, image] = [metaOf(host, 1), await imageIdOf(host)];
  await host.deploy({ ...SECOND, files: { 'other.txt': 'of the second\n' } });
  t.not(await imageIdOf(host), image);

  const steps = new StepLog();
  const outcome = await host.rollBack(1, { ...FIRST, files: { 'notes.txt': 'of the first\n' } }, { steps });
  t.match(outcome, { state: 'succeeded', goodRevision: 3, plan: [{ service: 'web', action: 'recreate' }] });
  t.same(steps.lines, [
    'prepare done',
    'check done',
    'plan done',
    'pull skipped',
    'apply done',
    'wait done',
    'record done',
  ]);
  t.equal(await imageIdOf(host), image);
  t.same([await read(host, 'sh', '-c', 'echo $LEVEL'), await read(host, 'cat', '/c')], ['info', 'info']);
  t.equal(readFileSync(join(host.folder, 'notes.txt'), 'utf8'), 'of the first\n');
  t.throws(() => readFileSync(join(host.folder, 'other.txt')), { code: 'ENOENT' });
  t.match(metaOf(host, 3), { revision: 3, rollbackOf: 1, images: first.images, variablesHash: first.variablesHash });
  t.equal(metaOf(host, 3).inputs, first.inputs);

  const before = await host.containerIds();
  t.match(await host.deploy(), { state: 'succeeded', unchanged: true }, 'whoever deploys the same finds nothing to do');
  t.same(await host.containerIds(), before);
});

t.test('a rollback to what runs already recreates nothing', { skip }, async (t) => {
  const host = await startDeployHost(t, 'back');
  await host.deploy(FIRST);
  const before = await host.containerIds();
  t.match(await host.rollBack(1, FIRST), { state: 'succeeded', goodRevision: 2, unchanged: true });
  t.same(await host.containerIds(), before);
});

t.test(
  'the digest counts, also when the tag is gone here and has moved on in its registry',
  { skip: withoutRegistry },
  async (t) => {
    const registry = await startRegistry(t, 'canary-of-the-registry');
    const image = await registry.push(await ownImage(t, 'first'), 'team/web:stable');
    const spec = { compose: composeOf(image), variables: { LEVEL: 'info' }, registries: [registry.login] };
    const host = await startDeployHost(t, 'back', spec);
    t.match(await host.deploy(), { state: 'succeeded' });
    const [first, { images }] = [await imageIdOf(host), metaOf(host, 1)];

    await registry.push(await ownImage(t, 'second'), 'team/web:stable');
    t.match(await host.deploy({}, { kind: 'redeploy' }), { state: 'succeeded' });
    t.not(await imageIdOf(host), first);
    await docker(['rmi', '-f', first]);
    await docker(['rmi', '-f', image]).catch(() => undefined); // by a container's use it may stay, without a name

    const steps = new StepLog();
    t.match(await host.rollBack(1, spec, { steps }), { state: 'succeeded', goodRevision: 3 });
    t.ok(steps.lines.includes('pull done'), 'it came from the registry');
    t.equal(await imageIdOf(host), first);
    t.equal(await idOf(image), first, 'and the tag stands for it again');
    t.match(metaOf(host, 3).images, images, 'digests as they were recorded');
  },
);

t.test('an image that was built here and is gone stops a rollback before anything is touched', { skip }, async (t) => {
  const host = await startDeployHost(t, 'back');
  t.teardown(() => docker(['rmi', '-f', `${host.spec.name}-web`]));
  const compose = 'services: {web: {build: ./app, stop_grace_period: 1s, init: true}}';
  const source = (text: string) => ({
    compose,
    files: { 'app/Dockerfile': `FROM busybox:1\nRUN echo ${text} > /text\nCMD ["sleep", "1000"]\n` },
  });
  const [one, two] = [uniqueName('one'), uniqueName('two')];
  await host.deploy(source(one));
  const first = await imageIdOf(host);
  await host.deploy(source(two));
  const before = await host.containerIds();

  t.match(await host.rollBack(1, source(one)), { state: 'succeeded' }, 'without a name it is still here');
  t.same([await imageIdOf(host), await read(host, 'cat', '/text')], [first, one]);
  t.match(await host.rollBack(2, source(two)), { state: 'succeeded' });
  t.equal(await read(host, 'cat', '/text'), two);
  t.not((await host.containerIds())['web'], before['web']);

  await docker(['rmi', '-f', first]);
  const now = await host.containerIds();
  const lost = await host.rollBack(1, source(one));
  t.match(lost, {
    state: 'failed',
    goodRevision: 4,
    error: { code: 'image_unavailable', message: /as it was is gone/ },
  });
  t.notOk('rolledBackTo' in lost, 'there was nothing to put back');
  t.same(await host.containerIds(), now);
});

t.test('a rollback that does not get up gives way to what ran before it', { skip }, async (t) => {
  const host = await startDeployHost(t, 'back');
  const source = (command: string) => ({
    compose: `services: {web: {image: "busybox:1", init: true, stop_grace_period: 1s, volumes: ["data:/data"], command: ["sh", "-c", "${command}"], healthcheck: {test: "true", interval: 1s}}}\nvolumes: {data: {}}\n`,
  });
  const [old, migrated] = [
    source('test ! -e /data/migrated && sleep 1000'),
    source('touch /data/migrated && sleep 1000'),
  ];
  await host.deploy(old);
  await host.deploy(migrated);
  const outcome = await host.rollBack(1, old);
  t.match(outcome, { state: 'failed', goodRevision: 2, rolledBackTo: 2, error: { code: 'exited' } });
  t.match(await host.executor.observe(host.spec, 'running'), { lifecycle: 'running' });
  t.match(await read(host, 'cat', '/proc/1/cmdline'), 'touch /data/migrated');
});

t.test('a revision that is not kept, or not allowed any more, is refused with nothing touched', { skip }, async (t) => {
  const host = await startDeployHost(t, 'back');
  const bound = {
    compose: 'services: {web: {image: "longshore-test/web:1", stop_grace_period: 1s, volumes: ["/etc:/x:ro"]}}',
  };
  await host.deploy(bound);
  await host.deploy(FIRST);
  const before = await host.containerIds();
  t.match(await host.rollBack(9, FIRST), { state: 'failed', goodRevision: 2, error: { code: 'state_conflict' } });
  const refused = await host.rollBack(1, { ...bound, customerId: 'cust_1' });
  t.match(refused, { state: 'failed', error: { code: 'compose_policy', fields: { 'services.web.volumes[0]': /./ } } });
  t.same(await host.containerIds(), before);
  const service = { ...(await startDeployHost(t, 'other')).spec, name: host.spec.name };
  host.spec = { ...service, revision: 5 };
  t.match(await host.rollBack(1, {}), { error: { code: 'state_conflict' } }, "a namesake's revisions are not ours");
});

t.test('the history tells what is kept, compares it, and hides what is secret', { skip }, async (t) => {
  const host = await startDeployHost(t, 'back');
  const compose = (tag: number) => `
services:
  web:
    image: longshore-test/web:${tag}
    stop_grace_period: 1s
    command: ["serve", "--token=literal-canary"]
    environment: {LEVEL: "\${LEVEL}", URL: "db://x:\${WORD}@db", API_KEY: "literal-${tag}"}
${tag === 2 ? '  extra: {image: "longshore-test/web:1", stop_grace_period: 1s}' : ''}
`;
  const secret = { secretNames: ['WORD'] };
  await host.deploy({ ...secret, compose: compose(1), variables: { LEVEL: 'info', WORD: 'canary-one' } });
  await host.deploy({ ...secret, compose: compose(2), variables: { LEVEL: 'debug', WORD: 'canary-two' } });
  const { dataDir, services } = host;
  const secrets = [...services.secretsOf(host.spec.id), 'canary-one']; // also those of before
  const history = new History({ dataDir, services: { ...services, secretsOf: () => secrets } });
  t.match(await history.list(host.spec.id), {
    current: 2,
    revisions: [
      { revision: 2, commit: null, rollbackOf: null },
      { revision: 1, images: [{ service: 'web', reference: 'longshore-test/web:1' }] },
    ],
  });
  t.strictSame(await history.compare(host.spec.id, 1, 2), {
    services: [
      { service: 'extra', change: 'added', fields: [] },
      {
        service: 'web',
        change: 'changed',
        fields: [
          { field: 'environment.API_KEY', before: '***', after: '***' },
          { field: 'environment.LEVEL', before: 'info', after: 'debug' },
          { field: 'environment.URL', before: '***', after: '***' },
          { field: 'image', before: 'longshore-test/web:1', after: 'longshore-test/web:2' },
          {
            field: 'image_id',
            before: await idOf('longshore-test/web:1'),
            after: await idOf('longshore-test/web:2'),
          },
        ],
      },
    ],
  });
  const { compose: shown } = await history.show(host.spec.id, 2);
  t.match(shown, 'LEVEL: debug');
  t.notMatch(shown, /canary|literal/);
  await t.rejects(history.show(host.spec.id, 7), { code: 'not_found', details: 'It keeps 2, 1' });
  await t.rejects(history.list('svc_unknown'), { code: 'not_found' });
});

/** An image with an id of its own, gone from this machine when the test ends. */
async function ownImage(t: Test, text: string): Promise<string> {
  const image = `${uniqueName('longshore-test/own')}:1`;
  t.teardown(() => docker(['rmi', '-f', image]).catch(() => undefined));
  const container = await docker(['create', 'longshore-test/web:1']);
  await docker(['commit', '-c', `LABEL text=${text}-${image}`, container, image]);
  await docker(['rm', container]);
  return image;
}
