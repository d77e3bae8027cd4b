// What Git LFS keeps for a repository, fetched over real https from a server that speaks its API.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { SYSTEM_PATH } from '../../agent/docker/child.ts';
import { fetchCommit, type GitFetch } from '../../agent/deploy/git/fetch-commit.ts';
import { batchUrlOf, pointerIn } from '../../agent/deploy/git/lfs-pointer.ts';
import { faultCode } from '../support/fault-code.ts';
import { makeFolder } from '../support/folder.ts';
import { GitRepository } from '../support/git-repository.ts';
import { makeCertificate, serveGit } from '../support/git-server.ts';
import { createLfsServer } from '../support/lfs-server.ts';

const LOGIN = { username: 'x-access-token', password: 'tok_canary-93b1f07e55' };
const HEADER = `Basic ${Buffer.from(`${LOGIN.username}:${LOGIN.password}`).toString('base64')}`;
const certificate = makeCertificate(t);

async function start(t: Test, files: (keep: ReturnType<typeof createLfsServer>['keep']) => Record<string, string>) {
  const lfs = createLfsServer();
  const repository = await GitRepository.create(t, files(lfs.keep));
  const server = await serveGit(t, repository, { ...LOGIN, certificate, beside: lfs.answer });
  const folder = makeFolder(t, 'agent');
  const fetch = (more: Partial<GitFetch> = {}) =>
    fetchCommit({
      source: { url: server.url, branch: null, login: LOGIN, lfs: true },
      directory: join(folder, 'repo'),
      isStranger: false,
      allowsFiles: false,
      home: folder,
      keyFolder: join(folder, 'key'),
      knownHostsFile: join(folder, 'known_hosts'),
      searchPath: SYSTEM_PATH,
      caFile: certificate.caFile,
      signal: new AbortController().signal,
      onLine: () => undefined,
      ...more,
    });
  return { lfs, server, fetch };
}

void t.test('files take the places of their pointers; one that stands twice comes once', async (t) => {
  const { lfs, fetch } = await start(t, (keep) => ({
    'model.bin': keep('a large model'),
    'apps/web/copy.bin': keep('a large model'),
    'logo.png': keep('a picture'),
    'README.md': 'version https://git-lfs.github.com/spec/v1 is what we use',
  }));
  const { directory, commit } = await fetch();
  t.equal(readFileSync(join(directory, 'model.bin'), 'utf8'), 'a large model');
  t.equal(readFileSync(join(directory, 'apps/web/copy.bin'), 'utf8'), 'a large model');
  t.equal(readFileSync(join(directory, 'logo.png'), 'utf8'), 'a picture');
  t.equal(lfs.asked.length, 3, 'one question, two files');
  t.ok(lfs.asked.every(([, authorization]) => authorization === HEADER));
  t.ok(directory.endsWith(`/${commit}-lfs`));
});

void t.test('A53: without a wish for them pointers stay as they are, and no filter runs', async (t) => {
  const attributes = '*.bin filter=lfs diff=lfs merge=lfs -text\n';
  const { lfs, fetch, server } = await start(t, (keep) => ({
    'model.bin': keep('a large model'),
    '.gitattributes': attributes,
  }));
  const { directory, commit } = await fetch({ source: { url: server.url, branch: null, login: LOGIN } });
  t.match(readFileSync(join(directory, 'model.bin'), 'utf8'), /^version https:/);
  t.ok(directory.endsWith(`/${commit}`));
  t.strictSame(lfs.asked, []);
});

void t.test('A53: what is sent is what was promised, or nothing', async (t) => {
  const { lfs, fetch } = await start(t, (keep) => ({ 'model.bin': keep('a large model') }));
  const oid = pointerIn(lfs.keep('a large model'))?.oid ?? '';
  for (const content of ['another model', 'a large model and more of it', '']) {
    lfs.broken.set(oid, content);
    await t.rejects(fetch(), { code: 'git_failed', details: /what its server sent is not/ }, content);
  }
});

void t.test('A53: files that Git LFS keeps count as files of the repository', async (t) => {
  const { lfs, fetch } = await start(t, (keep) => ({ 'model.bin': keep('a large model', 10_000_000) }));
  t.equal(await faultCode(fetch({ limits: { files: 9, bytes: 1_000_000 } })), 'repo_limit');
  t.strictSame(lfs.asked, [], 'before anything is fetched');
  const pointer = lfs.keep('a large model', 400_000);
  const copies = await start(t, () => ({ a: pointer, b: pointer, c: pointer }));
  t.equal(await faultCode(copies.fetch({ limits: { files: 9, bytes: 1_000_000 } })), 'repo_limit', 'at each place');
});

void t.test('A52: a token goes to the origin of the repository alone, and only by https', async (t) => {
  const { lfs, fetch } = await start(t, (keep) => ({ 'model.bin': keep('a large model') }));
  const other = await start(t, (keep) => ({ 'a.txt': keep('a large model') }));
  lfs.hrefOf = (oid) => `${new URL(other.server.url).origin}/kept/${oid}`;
  await t.resolves(fetch());
  t.match(other.lfs.asked, [[/^\/kept\//, undefined]]);
  lfs.hrefOf = () => 'http://localhost/x';
  await t.rejects(fetch(), { code: 'git_failed', details: /something else than https/ });
});

void t.test("A49: what a stranger's server points at is on a public address", async (t) => {
  const { fetchLfs } = await import('../../agent/deploy/git/lfs.ts');
  const { Allowance, REPO_LIMITS } = await import('../../agent/deploy/git/limits.ts');
  const lfs = createLfsServer();
  const folder = t.testdir({ 'model.bin': lfs.keep('a large model') });
  const { signal } = new AbortController();
  const fetch = { isStranger: true, signal, onLine: () => undefined, allowance: new Allowance(REPO_LIMITS) };
  for (const url of ['https://localhost:1/x', 'https://127.0.0.1:1/x', 'https://[::1]:1/x'])
    t.equal(await faultCode(fetchLfs(fetch, { url, branch: null }, folder)), 'egress_denied', url);
  const bySsh = fetchLfs(fetch, { url: 'git@example.com:x', branch: null }, folder);
  await t.rejects(bySsh, { code: 'git_failed', details: /by https alone/ });
});

void t.test('a server without Git LFS, or without the file, is told as such', async (t) => {
  const elsewhere = createLfsServer();
  const { lfs, fetch } = await start(t, () => ({ 'model.bin': elsewhere.keep('a large model') }));
  await t.rejects(fetch(), { code: 'git_failed', details: 'Git LFS: Object does not exist' });
  lfs.isThere = false;
  await t.rejects(fetch(), { code: 'git_failed', details: /its server answered 404; the repository has none/ });
});

t.test('a pointer is what git-lfs would take for one', async (t) => {
  const oid = 'a'.repeat(64);
  const [version, size] = ['version https://git-lfs.github.com/spec/v1', 'size 12'];
  t.strictSame(pointerIn(`${version}\noid sha256:${oid}\n${size}\n`), { oid, size: 12 });
  t.strictSame(pointerIn(`${version}\next-0-x sha256:b\noid sha256:${oid}\n${size}\n`), { oid, size: 12 });
  for (const text of ['', `${version}\n`, `oid sha256:${oid}\n${size}\n`, `${version}\noid sha256:${oid}\nsize -1\n`])
    t.equal(pointerIn(text), undefined, text);
});

t.test('the server is found as git-lfs finds it', async (t) => {
  t.equal(batchUrlOf({ url: 'https://x.org/a/b' }).href, 'https://x.org/a/b.git/info/lfs/objects/batch');
  t.equal(batchUrlOf({ url: 'https://x.org/a/b.git/' }).href, 'https://x.org/a/b.git/info/lfs/objects/batch');
});
