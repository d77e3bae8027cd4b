// The service's folder: what is written where, how safely, and what is kept.
import { existsSync, mkdirSync, readFileSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import {
  keepFailure,
  loadRevision,
  recordRevision,
  type RevisionMeta,
} from '../../agent/deploy/revisions/revisions.ts';
import { sourcesOf } from '../../agent/deploy/sources.ts';
import { Workspace, type Sources } from '../../agent/deploy/workspace.ts';
import { specFor } from '../support/deploy-host.ts';

const COMPOSE = 'services: {web: {image: x}}\n';
const sources = (given: Partial<Sources> = {}): Sources => ({
  compose: COMPOSE,
  env: 'A="1"\n',
  override: '',
  files: {},
  ...given,
});
const meta = (revision: number): RevisionMeta => ({
  revision,
  serviceId: 'svc_1',
  jobId: `job_${revision}`,
  inputs: '',
  variablesHash: '',
  images: {},
  hashes: {},
  finished: [],
  plan: [],
  recordedAt: 0,
});
const RENDERED = { name: 'shop', services: { web: { image: 'x' } } };

t.test('the folder holds the sources; secrets are for the owner only', async (t) => {
  const workspace = new Workspace(t.testdir(), 'shop');
  const spec = specFor('shop', { compose: COMPOSE, variables: { A: 'secret' }, files: { 'conf/app.ini': 'x=1\n' } });
  await workspace.write(sourcesOf(spec, ['web']));
  await workspace.writeRendered(RENDERED);
  const mode = (path: string) => (statSync(workspace.path(path)).mode & 0o777).toString(8);
  t.same(['', '.env', 'rendered.json', 'compose.yaml', 'conf/app.ini'].map(mode), ['700', '600', '600', '600', '644']);
  t.equal(readFileSync(workspace.path('compose.yaml'), 'utf8'), COMPOSE);
  t.equal(readFileSync(workspace.path('.env'), 'utf8'), 'A="secret"\n');
  t.match(readFileSync(workspace.path('override.yaml'), 'utf8'), /web:\n\s+labels:\n\s+longshore\.service: svc_shop/);
  t.same(readdirSync(workspace.directory).toSorted(), [
    '.env',
    'compose.yaml',
    'conf',
    'override.yaml',
    'rendered.json',
  ]);
  t.same(await workspace.loadRendered(), RENDERED);
});

t.test('a service that is called like a number keeps its name', async (t) => {
  const { override } = sourcesOf(specFor('shop', { compose: COMPOSE }), ['1_000', '2020-01-01', 'web']);
  for (const name of ['"1_000":', '"2020-01-01":', ' web:']) t.match(override, name);
});

t.test('files of an earlier revision go when the new one has them no more', async (t) => {
  const workspace = new Workspace(t.testdir(), 'shop');
  await workspace.write(sources({ files: { 'a.txt': '1', 'b.txt': '1' } }));
  await workspace.write(sources({ files: { 'b.txt': '2' } }), ['a.txt', 'b.txt']);
  t.notOk(existsSync(workspace.path('a.txt')));
  t.equal(readFileSync(workspace.path('b.txt'), 'utf8'), '2');
});

t.test('A41: Compose reads what was judged where there is such a text, and nothing of an earlier one', async (t) => {
  const workspace = new Workspace(t.testdir(), 'shop');
  const [written, judged, rest] = ['compose.yaml', 'judged.yaml', 'override.yaml'].map((name) => workspace.path(name));
  await workspace.write(sources({ judged: 'services: {}\n' }));
  t.strictSame(workspace.readFiles, [judged, rest]);
  t.strictSame(workspace.composeFiles, [written, rest], 'the file as it was given stays');
  await workspace.write(sources({}));
  t.strictSame(workspace.readFiles, [written, rest]);
});

t.test('A08: a name that could leave the folder makes no workspace', async (t) => {
  for (const name of ['../x', 'a/b', '', '.', '-rf', 'a b', 'A', 'x'.repeat(41), 'a\0b']) {
    t.throws(
      () => new Workspace('/nowhere', name),
      { code: 'validation_error', fields: { name: String } },
      JSON.stringify(name),
    );
  }
});

t.test('files outside the folder or in the place of our own are refused', async (t) => {
  for (const path of [
    '../x',
    '/etc/x',
    'a/../b',
    'compose.yaml',
    '.env',
    'revisions/1/meta.json',
    'a//b',
    'a/.git/x',
    'rendered.json',
    'judged.yaml',
    'a\0',
  ]) {
    const refused = { code: 'validation_error', fields: { [`files.${path}`]: String } };
    t.throws(() => sourcesOf(specFor('shop', { files: { [path]: '' } }), []), refused, JSON.stringify(path));
  }
});

t.test('a link in the way is replaced or refused, never followed', async (t) => {
  const root = t.testdir({ outside: { 'victim.txt': 'untouched' } });
  const workspace = new Workspace(root, 'shop');
  mkdirSync(workspace.directory, { recursive: true });
  symlinkSync(join(root, 'outside/victim.txt'), workspace.path('a.txt'));
  symlinkSync(join(root, 'outside'), workspace.path('conf'));
  await workspace.write(sources({ files: { 'a.txt': 'new' } }));
  await t.rejects(workspace.write(sources({ files: { 'conf/victim.txt': 'new' } })), { code: 'validation_error' });
  t.equal(readFileSync(join(root, 'outside/victim.txt'), 'utf8'), 'untouched');
  await workspace.remove();
  t.ok(existsSync(join(root, 'outside/victim.txt')));
});

t.test('a revision comes back as it was recorded', async (t) => {
  const workspace = new Workspace(t.testdir(), 'shop');
  const revision = { meta: meta(3), rendered: RENDERED, sources: sources({ files: { 'a/b.txt': 'text' } }) };
  await recordRevision(workspace, revision);
  t.same(await loadRevision(workspace, 3), revision);
  t.equal(await loadRevision(workspace, 2), undefined);
});

t.test('a revision that a crash left half replaced is the one before', async (t) => {
  const workspace = new Workspace(t.testdir(), 'shop');
  const revision = { meta: meta(3), rendered: RENDERED, sources: sources() };
  await recordRevision(workspace, revision);
  const { renameSync } = await import('node:fs');
  renameSync(workspace.path('revisions/3'), workspace.path('revisions/3.old'));
  mkdirSync(workspace.path('revisions/3.new'));
  writeFileSync(workspace.path('revisions/3.new/meta.json'), '{');
  t.same(await loadRevision(workspace, 3), revision);
  await recordRevision(workspace, { ...revision, sources: sources({ env: 'B="2"\n' }) });
  t.equal((await loadRevision(workspace, 3))?.sources.env, 'B="2"\n');
  t.same(readdirSync(workspace.path('revisions')), ['3']);
});

t.test('the last five revisions and three failures are kept', async (t) => {
  const workspace = new Workspace(t.testdir(), 'shop');
  for (let n = 1; n <= 12; n++)
    await recordRevision(workspace, { meta: meta(n), rendered: RENDERED, sources: sources() });
  for (let n = 1; n <= 4; n++) {
    const failure = {
      jobId: `job_${n}`,
      revision: n,
      step: 'apply' as const,
      error: { code: 'exited', message: 'x' },
      at: n,
    };
    await keepFailure(workspace, { sources: sources(), rendered: undefined }, failure);
  }
  t.same(readdirSync(workspace.path('revisions')).toSorted(), [
    '10',
    '11',
    '12',
    '8',
    '9',
    'failed-job_2',
    'failed-job_3',
    'failed-job_4',
  ]);
  t.match(JSON.parse(readFileSync(workspace.path('revisions/failed-job_4/failure.json'), 'utf8')), {
    step: 'apply',
    error: { code: 'exited' },
  });
});

t.test('A57: names that steer Compose and values that no file can hold are refused', async (t) => {
  for (const name of [
    'COMPOSE_FILE',
    'COMPOSE_PROJECT_NAME',
    'DOCKER_HOST',
    'BUILDKIT_HOST',
    'a b',
    '1A',
    'A=B',
    'A\nB',
    '',
  ]) {
    t.throws(() => sourcesOf(specFor('shop', { variables: { [name]: 'x' } }), []), {
      code: 'template_variable',
      fields: { [`variables.${name}`]: String },
    });
  }
  t.throws(() => sourcesOf(specFor('shop', { variables: { A: 'x\0y' } }), []), { code: 'template_variable' });
});

t.test('the choice of profiles is a variable like others', async (t) => {
  const { env } = sourcesOf(specFor('shop', { variables: { COMPOSE_PROFILES: 'debug,full' } }), []);
  t.equal(env, 'COMPOSE_PROFILES="debug,full"\n');
});
