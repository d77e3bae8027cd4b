// A private repository over real ssh, with real git and OpenSSH: which keys count, and who gets to see them.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { SYSTEM_PATH } from '../../agent/docker/child.ts';
import { fetchCommit } from '../../agent/deploy/git/fetch-commit.ts';
import type { GitSource } from '#shared/model.ts';
import { isByShell, makeShims, misplaced } from '../support/argv-shims.ts';
import { watchArgv } from '../support/argv-watch.ts';
import { faultCode } from '../support/fault-code.ts';
import { makeFolder } from '../support/folder.ts';
import { GitRepository } from '../support/git-repository.ts';
import { makeKey, serveGitBySsh, type SshServer } from '../support/git-ssh-server.ts';

const key = makeKey(t);
const hostKey = makeKey(t);

async function start(t: Test, authorized = [key]) {
  const repository = await GitRepository.create(t, { 'a.txt': 'private' });
  return { repository, folder: oddFolder(t), server: await serveGitBySsh(t, repository, { hostKey, authorized }) };
}

/** Whose name ssh would read otherwise. */
const oddFolder = (t: Test): string => makeFolder(t, 'ssh %h');

function fetchFrom(
  folder: string,
  source: Partial<GitSource> & { url: string },
  more: { isStranger?: boolean; searchPath?: string } = {},
) {
  return fetchCommit({
    source: { branch: null, deployKey: key.privateKey, ...source },
    directory: join(folder, 'repo'),
    isStranger: false,
    allowsFiles: false,
    home: folder,
    keyFolder: join(folder, 'key'),
    knownHostsFile: join(folder, 'known_hosts'),
    searchPath: SYSTEM_PATH,
    signal: new AbortController().signal,
    onLine: () => undefined,
    ...more,
  });
}

const lineFor = ({ port }: SshServer, { publicKey }: { publicKey: string }) => `[127.0.0.1]:${port} ${publicKey}`;

void t.test('A52: a repository is fetched with a deploy key, which no argument holds and no file keeps', async (t) => {
  const { repository, server, folder } = await start(t);
  const shims = makeShims(t, { git: 'git', ssh: 'ssh' });
  const watch = watchArgv();
  t.teardown(() => watch.stop());
  const { commit, directory } = await fetchFrom(folder, { url: server.url }, { searchPath: shims.searchPath });
  t.equal(commit, await repository.git('rev-parse', 'HEAD'));
  t.equal(readFileSync(join(directory, 'a.txt'), 'utf8'), 'private');
  t.strictSame(server.commands, ["git-upload-pack '/team/app.git'"]);
  t.notOk(existsSync(join(folder, 'key')), 'the key is gone');
  const calls = shims.calls();
  t.match(
    calls.find(({ program }) => program === 'ssh'),
    { args: ['-F', 'none', '-o', 'BatchMode=yes'] },
  );
  t.strictSame(calls.filter(isByShell), [], 'no shell in between');
  t.strictSame(
    calls.flatMap((call) => misplaced(call, [server.url, 'team', '127.0.0.1'])),
    [],
  );
  const secret = key.privateKey.split('\n')[2] ?? '';
  t.notOk([...watch.seen, ...calls.flatMap(({ args }) => args)].some((line) => line.includes(secret)));
});

void t.test('keys of each kind are taken', async (t) => {
  const keys = ['rsa', 'ecdsa', 'ed25519'].map((kind) => makeKey(t, kind));
  const { server, folder } = await start(t, keys);
  for (const { privateKey } of keys) await t.resolves(fetchFrom(folder, { url: server.url, deployKey: privateKey }));
});

void t.test('the host of the repository is remembered; another one in its place gets nothing', async (t) => {
  const { server, folder } = await start(t);
  await fetchFrom(folder, { url: server.url });
  const file = join(folder, 'known_hosts');
  t.equal(readFileSync(file, 'utf8').trim(), lineFor(server, hostKey).split(' ').slice(0, 3).join(' '));
  const other = makeKey(t);
  server.setHostKey(other);
  const changed = { code: 'git_failed', details: /shows another key than before, SHA256:.*git_known_hosts/ };
  await t.rejects(fetchFrom(folder, { url: server.url }), changed);
  t.equal(server.commands.length, 1);
  await t.resolves(
    fetchFrom(folder, { url: server.url, knownHosts: lineFor(server, other) }),
    'once somebody vouches for it',
  );
});

void t.test('where known hosts are given, no other is believed', async (t) => {
  const { server, folder } = await start(t);
  await t.resolves(fetchFrom(folder, { url: server.url, knownHosts: `# of today\n${lineFor(server, hostKey)}` }));
  t.notOk(existsSync(join(folder, 'known_hosts')));
  const unknown = { code: 'git_failed', details: /git_known_hosts does not have/ };
  await t.rejects(fetchFrom(folder, { url: server.url, knownHosts: `example.com ${hostKey.publicKey}` }), unknown);
});

void t.test('a key that is not entered at the host fails with the way out', async (t) => {
  const { server, folder } = await start(t, []);
  await t.rejects(fetchFrom(folder, { url: server.url }), {
    code: 'git_failed',
    details: /Permission denied \(publickey\).*wants a deploy key/,
  });
});

void t.test("without a key of its own a service has what the agent's user has", async (t) => {
  const folder = oddFolder(t);
  const shims = makeShims(t, { git: 'git', ssh: '/bin/false' });
  const source = { url: 'git@example.com:a/b.git', deployKey: undefined };
  t.equal(await faultCode(fetchFrom(folder, source, { searchPath: shims.searchPath })), 'git_failed');
  const { args = [] } = shims.calls().find(({ program }) => program === 'ssh') ?? {};
  for (const option of ['BatchMode=yes', 'StrictHostKeyChecking=accept-new']) t.ok(args.includes(option), option);
  const isOfOurs = (arg: string) =>
    arg === '-F' || /^(IdentityFile|UserKnownHostsFile|GlobalKnownHostsFile)=/.test(arg);
  t.notOk(args.some(isOfOurs));
  const knownHosts = `example.com ${hostKey.publicKey}`;
  await faultCode(fetchFrom(folder, { ...source, knownHosts }, { searchPath: shims.searchPath }));
  const careful = shims.calls().findLast(({ program }) => program === 'ssh')?.args ?? [];
  for (const option of ['StrictHostKeyChecking=yes', 'GlobalKnownHostsFile=/dev/null'])
    t.ok(careful.includes(option), `${option}, where lines are given`);
});

void t.test("A49: a stranger's ssh calls the address that was judged, and no other", async (t) => {
  const folder = oddFolder(t);
  const shims = makeShims(t, { git: 'git', ssh: '/bin/false' });
  const stranger = { isStranger: true, searchPath: shims.searchPath };
  for (const url of ['git@127.0.0.1:a/b.git', 'ssh://git@localhost:2222/x', 'git@0x7f.1:x', 'ssh://git@[::1]/x'])
    t.equal(await faultCode(fetchFrom(folder, { url }, stranger)), 'egress_denied', url);
  t.strictSame(shims.calls(), []);
  t.equal(await faultCode(fetchFrom(folder, { url: 'ssh://git@9.9.9.9:2222/x' }, stranger)), 'git_failed');
  const [call] = shims.calls().filter(({ program }) => program === 'ssh');
  for (const option of ['Hostname=9.9.9.9', 'HostKeyAlias=[9.9.9.9]:2222', 'ProxyCommand=none', 'ForwardAgent=no'])
    t.ok(call?.args.includes(option), option);
});
