// Where the files of a commit end and what containers write beside them begins.
import { existsSync, mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { folderIn, keepData, pruneCheckouts, settle } from '../../agent/deploy/git/checkouts.ts';
import { stampRendered, type Rendered } from '../../agent/deploy/rendered.ts';
import { Workspace } from '../../agent/deploy/workspace.ts';
import { judgeOnHost } from '../../agent/policy.ts';
import { DEFAULT_POLICY } from '#shared/compose/rules.ts';

const bind = (source: string) => ({ type: 'bind', source, target: '/x' });
const withVolumes = (...volumes: object[]): Rendered => ({ name: 'shop', services: { web: { volumes } } });

t.test('binds of what a commit does not bring move out of it; everything else stays as it is', async (t) => {
  const root = t.testdir({
    repo: { abc: { conf: { 'a.txt': '', '.gitkeep': '' }, a$b: { c: '' }, uploads: { '.gitkeep': '' } } },
  });
  const directory = join(root, 'repo/abc');
  const untouched = [
    bind(join(directory, 'conf/a.txt')),
    bind(join(directory, 'a$$b')),
    bind('/srv'),
    { type: 'volume', source: 'db', target: '/db' },
  ];
  const placed = ['var/db', 'uploads'];
  const rendered = withVolumes(...placed.map((path) => bind(join(directory, path))), ...untouched);
  const moved = keepData(rendered, { directory }, join(root, 'data'));
  t.strictSame(moved, withVolumes(...placed.map((path) => bind(join(root, 'data', path))), ...untouched));
});

t.test("A40: a customer's service may bind its data, and no link that a container has put there", async (t) => {
  const root = t.testdir({ data: {}, 'repo/abc': {} });
  symlinkSync('/etc', join(root, 'data/linked'));
  const data = join(root, 'data');
  const judge = (source: string) => {
    const document = { root: withVolumes(bind(source)), services: withVolumes(bind(source)).services };
    const rules = { ...DEFAULT_POLICY.tenant, bindFolders: [data] };
    const place = { project: 'shop', projectDir: join(root, 'repo/abc'), reservedPorts: [] };
    return judgeOnHost(document, { rules, form: 'normalised', ...place }).map(({ rule }) => rule);
  };
  t.strictSame(judge(join(data, 'db')), []);
  t.strictSame(judge(join(data, 'linked')), ['bindMounts']);
  t.strictSame(judge(join(root, 'revisions')), ['bindMounts']);
});

t.test('a commit that is there already stays: containers use its files', async (t) => {
  const root = t.testdir({ aside: { a: '' }, repo: { abc: { before: '' } } });
  const directory = join(root, 'repo/abc');
  await settle(join(root, 'aside'), directory);
  t.strictSame(readdirSync(directory), ['before']);
});

t.test('A53: the folder that is deployed is one of the commit, and reached by no link', async (t) => {
  const directory = t.testdir({ apps: { web: {} }, 'a.txt': '', '...': {} });
  symlinkSync('/etc', join(directory, 'apps/linked'));
  t.equal(await folderIn(directory, undefined), directory);
  t.equal(await folderIn(directory, 'apps/web'), join(directory, 'apps/web'));
  t.equal(await folderIn(directory, '...'), join(directory, '...'));
  for (const path of ['nowhere', 'apps/nowhere', 'a.txt', 'a.txt/x', 'apps/linked', 'apps/linked/ssh'])
    await t.rejects(folderIn(directory, path), { code: 'validation_error', fields: { git_path: /no folder/ } }, path);
});

t.test('A40: a folder of a commit may reach up to the top of the commit, and not out of it', async (t) => {
  const root = t.testdir({ repo: { abc: { lib: {}, apps: { web: {} } } } });
  const [top, projectDir] = [join(root, 'repo/abc'), join(root, 'repo/abc/apps/web')];
  const judge = (services: Rendered['services'], form: 'written' | 'normalised') => {
    const place = { rules: DEFAULT_POLICY.tenant, project: 'shop', projectDir, root: top, reservedPorts: [] };
    return judgeOnHost({ root: { services }, services }, { ...place, form }).map(({ rule }) => rule);
  };
  t.strictSame(judge({ web: { build: '../..' } }, 'written'), []);
  t.strictSame(judge({ web: { build: '../../..' } }, 'written'), ['outsideBuilds']);
  t.strictSame(judge({ web: { volumes: ['../../lib:/lib'] } }, 'written'), []);
  t.strictSame(judge({ web: { volumes: ['../../../abd:/lib'] } }, 'written'), ['bindMounts']);
  symlinkSync('/etc', join(top, 'lib/linked'));
  t.strictSame(judge({ web: { volumes: [bind(join(top, 'lib/linked'))] } }, 'normalised'), ['bindMounts']);
  t.strictSame(judge({ web: { volumes: [bind(join(top, 'lib'))] } }, 'normalised'), []);
});

t.test('commits go that neither a revision nor what was last applied was made from', async (t) => {
  const workspace = new Workspace(t.testdir(), 'shop');
  for (const name of ['kept', 'applied', 'old', '.new'])
    mkdirSync(join(workspace.checkouts, name), { recursive: true });
  await workspace.writeRendered(withVolumes(bind(join(workspace.checkouts, 'applied/conf'))));
  for (const name of ['1', 'failed-job_1']) mkdirSync(workspace.path('revisions', name), { recursive: true });
  writeFileSync(workspace.path('revisions/1/meta.json'), '{"commit":"kept"}');
  await pruneCheckouts(workspace);
  t.strictSame(readdirSync(workspace.checkouts).toSorted(), ['applied', 'kept']);
});

t.test('a service without a checkout has nothing to drop', async (t) => {
  const workspace = new Workspace(t.testdir(), 'shop');
  await t.resolves(pruneCheckouts(workspace));
  t.notOk(existsSync(workspace.directory));
});

t.test('template files are open to containers, whatever the umask of the agent is', async (t) => {
  const umask = process.umask(0o077);
  t.teardown(() => process.umask(umask));
  const workspace = new Workspace(t.testdir(), 'shop');
  await workspace.write({ compose: '', env: '', override: '', files: { 'conf/d/a.ini': '' } });
  const mode = (path: string) => (statSync(workspace.path(path)).mode & 0o777).toString(8);
  t.strictSame(['', 'conf', 'conf/d', 'conf/d/a.ini', '.env'].map(mode), ['700', '755', '755', '644', '600']);
});

t.test('a config that lies in a commit is told apart by its commit, one of elsewhere is not', async (t) => {
  const labelsOf = (checkout: string | undefined, file: string) => {
    const rendered = { name: 'shop', services: { web: { configs: [{ source: 'a' }] } }, configs: { a: { file } } };
    const stamped = stampRendered(rendered, { serviceId: 'svc_1', variables: {}, checkout });
    return stamped.services['web']?.labels?.['longshore.content'];
  };
  t.not(labelsOf('/repo/a', '/repo/a/app.conf'), labelsOf('/repo/b', '/repo/b/app.conf'));
  t.equal(labelsOf('/repo/a', '/etc/app.conf'), undefined);
  t.equal(labelsOf(undefined, '/repo/a/app.conf'), undefined);
});
