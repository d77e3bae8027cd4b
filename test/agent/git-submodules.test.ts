// Submodules, fetched with real git: which are, and what a hostile one comes to.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { SYSTEM_PATH } from '../../agent/docker/child.ts';
import { fetchCommit, type GitFetch } from '../../agent/deploy/git/fetch-commit.ts';
import { isByShell, makeShims, misplaced } from '../support/argv-shims.ts';
import { faultCode } from '../support/fault-code.ts';
import { makeFolder } from '../support/folder.ts';
import { GitRepository } from '../support/git-repository.ts';
import { makeCertificate, serveGit } from '../support/git-server.ts';

const declare = (path: string, url: string, more = '') =>
  `[submodule "${path}"]\n\tpath = "${path}"\n\turl = "${url}"\n${more}`;
const submodule = (path: string, commit: string, url: string, more?: string) =>
  [path, commit, declare(path, url, more)] as const;

const folders = new WeakMap<Test, string>();

function fetchFrom(t: Test, { url }: GitRepository, more: Partial<GitFetch> = {}) {
  const folder = folders.get(t) ?? makeFolder(t, 'agent');
  folders.set(t, folder);
  const lines: string[] = [];
  const fetched = fetchCommit({
    source: { url, branch: null, submodules: true },
    directory: join(folder, 'repo'),
    isStranger: false,
    allowsFiles: true,
    home: folder,
    keyFolder: join(folder, 'key'),
    knownHostsFile: join(folder, 'known_hosts'),
    searchPath: SYSTEM_PATH,
    signal: new AbortController().signal,
    onLine: (line) => lines.push(line),
    ...more,
  });
  return Object.assign(fetched, { lines });
}

async function withLibrary(t: Test) {
  const library = await GitRepository.create(t, { 'lib.txt': 'one' });
  const app = await GitRepository.create(t, { 'a.txt': 'a' });
  return { library, app, commit: await library.git('rev-parse', 'HEAD') };
}

void t.test('a submodule comes as the commit that stands in the tree, also by a relative URL', async (t) => {
  const { library, app, commit } = await withLibrary(t);
  await library.commit({ 'lib.txt': 'two' });
  await app.commitSubmodule(...submodule('vendor/lib', commit, `../${library.directory.split('/').at(-1) ?? ''}`));
  const { directory } = await fetchFrom(t, app);
  t.equal(readFileSync(join(directory, 'vendor/lib/lib.txt'), 'utf8'), 'one');
  t.strictSame(readdirSync(join(directory, 'vendor/lib')), ['lib.txt'], "nothing of git's own");
  t.ok(directory.endsWith('-submodules'));
  const source = { url: app.url, branch: null };
  const { directory: plain } = await fetchFrom(t, app, { source });
  t.strictSame(readdirSync(join(plain, 'vendor/lib')), [], 'only where it is wanted');
});

void t.test('submodules of submodules come, to a depth that applications have', async (t) => {
  const { library, app, commit } = await withLibrary(t);
  let [inner, innerCommit] = [library, commit];
  for (let depth = 1; depth < 4; depth++) {
    const outer = await GitRepository.create(t, { 'a.txt': String(depth) });
    innerCommit = await outer.commitSubmodule(...submodule('next', innerCommit, inner.url));
    inner = outer;
  }
  await app.commitSubmodule(...submodule('next', innerCommit, inner.url));
  await t.rejects(fetchFrom(t, app), {
    code: 'repo_limit',
    details: /submodule "next": .*more than 3 below each other/,
  });
  const { directory } = await fetchFrom(t, inner);
  t.ok(existsSync(join(directory, 'next/next/next/lib.txt')));
});

void t.test('A53: submodules count as files of the repository, and one is not fetched for ever', async (t) => {
  const { library, app, commit } = await withLibrary(t);
  await app.commitSubmodule(...submodule('lib', commit, library.url));
  const fetch = (files: number) => faultCode(fetchFrom(t, app, { limits: { files, bytes: 1_000_000 } }));
  t.equal(await fetch(3), 'repo_limit');
  t.equal(await fetch(4), 'nothing');
  t.strictSame(readdirSync(join(folders.get(t) ?? '', 'repo')).length, 1, 'nothing else is left');
});

void t.test('A49: the URL of a submodule is judged like that of the repository', async (t) => {
  const { app, commit } = await withLibrary(t);
  for (const url of ['ext::sh -c id', 'http://example.com/x', 'git://example.com/x', '/etc', 'fd::17']) {
    await app.commitSubmodule(...submodule('lib', commit, url));
    await t.rejects(fetchFrom(t, app), { code: 'unsafe_git_url', details: /^submodule "lib": Must/ }, url);
  }
  await app.commitSubmodule(...submodule('lib', commit, '-u/bin/sh'));
  await t.rejects(fetchFrom(t, app), { code: 'git_failed' }, 'git itself knows this one');
});

void t.test('A49: a repository from elsewhere has no submodules among the files of this machine', async (t) => {
  const { library, app, commit } = await withLibrary(t);
  await app.commitSubmodule(...submodule('lib', commit, library.url));
  const login = { username: 'x', password: 'tok_1' };
  const certificate = makeCertificate(t);
  const { url } = await serveGit(t, app, { ...login, certificate });
  const source = { url, branch: null, login, submodules: true };
  t.equal(await faultCode(fetchFrom(t, app, { source, caFile: certificate.caFile })), 'unsafe_git_url');
});

void t.test('A53: a name that ends with a carriage return leads nowhere', async (t) => {
  const { library, app, commit } = await withLibrary(t);
  await app.git('update-index', '--add', '--cacheinfo', `160000,${commit},lib\r`);
  await app.commitSubmodule('lib', commit, declare('lib\r', library.url));
  const { directory } = await fetchFrom(t, app);
  t.strictSame(readdirSync(join(directory, 'lib\r')), [], 'git quotes such a name, and what it quotes is none');
  t.strictSame(readdirSync(directory).toSorted(), ['.gitmodules', 'a.txt', 'lib', 'lib\r']);
});

void t.test('A53: a command that .gitmodules brings is refused by git', async (t) => {
  const { library, app, commit } = await withLibrary(t);
  const command = `\tupdate = !touch ${app.directory}/ran\n`;
  await app.commitSubmodule(...submodule('lib', commit, library.url, command));
  t.equal(await faultCode(fetchFrom(t, app)), 'git_failed');
  t.notOk(existsSync(join(app.directory, 'ran')));
});

void t.test(
  'a commit of another repository that .gitmodules does not explain stays empty, and the log says so',
  async (t) => {
    const { library, app, commit } = await withLibrary(t);
    await app.commitSubmodule('lost', commit, declare('other', library.url));
    const fetching = fetchFrom(t, app);
    const { directory } = await fetching;
    t.strictSame(readdirSync(join(directory, 'lost')), []);
    t.ok(fetching.lines.includes('.gitmodules does not say what lost is: it stays empty'));
  },
);

void t.test('A50: names, branches and folders of a repository reach git as values, and no shell runs', async (t) => {
  const library = await GitRepository.create(t, { 'lib.txt': 'one' });
  const app = await GitRepository.create(t, { 'a.txt': 'a' });
  const [branch, path] = ['x/;touch$IFS-ran;&', '$(touch ran)/`id`;lib'];
  await app.git('checkout', '--quiet', '-b', branch);
  await app.commitSubmodule(path, await library.git('rev-parse', 'HEAD'), declare(path, library.url));
  const shims = makeShims(t, { git: 'git' });
  const { searchPath } = shims;
  const { directory } = await fetchFrom(t, app, { searchPath, source: { url: app.url, branch, submodules: true } });
  t.equal(readFileSync(join(directory, path, 'lib.txt'), 'utf8'), 'one');
  const calls = shims.calls();
  t.ok(calls.some(({ args }) => args.includes(branch)));
  t.strictSame(
    calls.flatMap((call) => misplaced(call, [branch, 'touch', library.url, app.url])),
    [],
  );
  t.strictSame(calls.filter(isByShell), []);
});
