// `longshore templates`: which files become which body, and what is said of the answer.
import t from 'tap';
import { runCli } from '../support/cli.ts';
import { startFakeApi } from '../support/fake-api.ts';

const MANIFEST = 'schema: 1\nid: blog\nname: Blog\nfiles: [{ path: conf/a.ini, from: a.ini }]\n';
const MADE = { id: 'blog', version: 2, warnings: ['variable X is used nowhere'] };

t.test('create sends the manifest, the compose file and the files that the manifest names', async (t) => {
  const api = await startFakeApi(t, () => ({ status: 201, body: MADE }));
  const dir = t.testdir({
    'template.yaml': MANIFEST,
    'compose.yaml': 'services:',
    'a.ini': 'a',
    'README.md': 'not sent',
  });
  const run = await runCli(['templates', 'create', dir, '--customer', 'cust_1'], api);
  t.match(run, { exitCode: 0, stdout: 'blog: version 2\n', stderr: /variable X is used nowhere/ });
  t.match(api.asked, [{ method: 'POST', path: '/api/templates', headers: { 'idempotency-key': /./ } }]);
  t.strictSame(api.asked[0]?.body, {
    manifest: MANIFEST,
    compose: 'services:',
    files: { 'a.ini': 'a' },
    customer_id: 'cust_1',
  });
});

t.test('update replaces the template that the manifest names; delete takes its id', async (t) => {
  const api = await startFakeApi(t, ({ method }) => (method === 'DELETE' ? { status: 204 } : { body: MADE }));
  const dir = t.testdir({ 'template.yaml': 'id: blog\ncompose: |\n  services:\n' });
  t.match(await runCli(['templates', 'update', dir], api), { exitCode: 0, stdout: 'blog: version 2\n' });
  t.match(await runCli(['templates', 'delete', 'blog'], api), { exitCode: 0, stdout: 'blog: deleted\n' });
  t.match(
    api.asked.map(({ method, path }) => `${method} ${path}`),
    ['PUT /api/templates/blog', 'DELETE /api/templates/blog'],
  );
  t.strictSame(
    api.asked[0]?.body,
    { manifest: 'id: blog\ncompose: |\n  services:\n' },
    'the manifest holds the compose text',
  );
});

t.test('a folder without a usable template.yaml is a mistake on the command line', async (t) => {
  const api = await startFakeApi(t, () => undefined);
  for (const [files, said] of [
    [{}, /"template\.yaml" is no file in /],
    [{ 'template.yaml': 'a: [' }, /template\.yaml: /],
    [{ 'template.yaml': 'name: x' }, /has no id/],
    [{ 'template.yaml': MANIFEST }, /"a\.ini" is no file in /],
  ] as const)
    t.match(await runCli(['templates', 'create', t.testdir(files)], api), { exitCode: 2, stderr: said });
  t.same(api.asked, []);
});

t.test('a folder from elsewhere sends no file of this machine along', async (t) => {
  const api = await startFakeApi(t, () => undefined);
  const naming = (from: string) => `id: blog\nfiles: [{ path: a, from: '${from}' }]\n`;
  const outside = t.testdir({
    key: 'a secret of this machine',
    up: { 'template.yaml': naming('../key') },
    link: { 'template.yaml': naming('a.ini'), 'a.ini': t.fixture('symlink', '../key') },
    folder: { 'template.yaml': naming('conf/key'), conf: t.fixture('symlink', '..') },
    manifest: { 'template.yaml': t.fixture('symlink', '../key') },
  });
  for (const folder of ['up', 'link', 'folder', 'manifest'])
    t.match(await runCli(['templates', 'create', `${outside}/${folder}`], api), {
      exitCode: 2,
      stderr: /is no file in/,
    });
  const compose = t.testdir({
    key: 'a secret of this machine',
    blog: { 'template.yaml': 'id: blog\n', 'compose.yaml': t.fixture('symlink', '../key') },
  });
  await runCli(['templates', 'create', `${compose}/blog`], api);
  const foreign = t.testdir({
    key: 'a secret of this machine',
    app: { 'a.yml': 'a', conf: t.fixture('symlink', '..') },
  });
  await runCli(['templates', 'import', `${foreign}/app`], api);
  t.equal(api.asked.length, 2);
  t.notMatch(JSON.stringify(api.asked), /a secret/);
});

t.test('import sends a URL, one text, a named file or the files of a folder', async (t) => {
  const outcome = {
    imported: [{ ...MADE, warnings: ['logo: not fetched'] }],
    skipped: [{ name: 'IIS', reason: 'Windows' }],
  };
  const api = await startFakeApi(t, () => ({ status: 201, body: outcome }));
  const dir = t.testdir({
    'list.json': '{"templates":[]}',
    'wiki.yaml': '# slogan: x\nservices:',
    'app.yml': 'captainVersion: 4',
    folder: { 'template.toml': 'a', 'docker-compose.yml': 'b', 'logo.svg': 'c', '.hidden': 'd' },
  });
  const bodyOf = async (...args: string[]) => {
    const run = await runCli(['templates', 'import', ...args], api);
    t.equal(run.exitCode, 0, run.stderr);
    return api.asked.at(-1)?.body;
  };
  const rest = { format: 'auto', dry_run: false };
  t.strictSame(await bodyOf('https://example.com/x.json'), { url: 'https://example.com/x.json', ...rest });
  t.strictSame(await bodyOf(`${dir}/list.json`), { content: '{"templates":[]}', ...rest });
  t.strictSame(await bodyOf(`${dir}/app.yml`), { content: 'captainVersion: 4', ...rest });
  t.strictSame(await bodyOf(`${dir}/wiki.yaml`), { files: { 'wiki.yaml': '# slogan: x\nservices:' }, ...rest });
  const files = { 'docker-compose.yml': 'b', 'template.toml': 'a' };
  t.strictSame(await bodyOf(`${dir}/folder`, '--format', 'dokploy', '--id', 'x', '--category', 'web', '--dry-run'), {
    files,
    format: 'dokploy',
    dry_run: true,
    id: 'x',
    category: 'web',
  });
  const shown = await runCli(['templates', 'import', `${dir}/list.json`], api);
  t.match(shown, { stdout: 'blog: imported\n', stderr: /blog: logo: not fetched\nIIS: skipped, Windows\n/ });
  const json = await runCli(['templates', 'import', `${dir}/list.json`, '--json'], api);
  t.same(JSON.parse(json.stdout), outcome);
});
