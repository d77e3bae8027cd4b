// A private repository over real https with a real git: who gets to see its token.
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { fetchCommit } from '../../agent/deploy/git/fetch-commit.ts';
import { environmentFor } from '../../agent/deploy/git/login.ts';
import { SYSTEM_PATH } from '../../agent/docker/child.ts';
import { createMask, secretsOf } from '../../agent/secrets/mask.ts';
import type { GitLogin } from '#shared/model.ts';
import { watchArgv } from '../support/argv-watch.ts';
import { specFor } from '../support/deploy-host.ts';
import { makeFolder } from '../support/folder.ts';
import { GitRepository } from '../support/git-repository.ts';
import { makeCertificate, serveGit, type GitServer, type ServerOptions } from '../support/git-server.ts';

const LOGIN = { username: 'x-access-token', password: 'tok_canary-93b1f07e55' };
const HEADER = Buffer.from(`${LOGIN.username}:${LOGIN.password}`).toString('base64');
const CANARY = [LOGIN.password, HEADER];

const certificate = makeCertificate(t);

async function start(t: Test, options: Partial<ServerOptions> = {}) {
  const repository = await GitRepository.create(t, { 'a.txt': 'private' });
  return { repository, server: await serveGit(t, repository, { ...LOGIN, certificate, ...options }) };
}

async function fetchFrom(t: Test, { url }: GitServer, login?: GitLogin) {
  const lines: string[] = [];
  const home = makeFolder(t, 'git');
  const directory = join(home, 'services');
  const fetched = fetchCommit({
    source: { url, branch: 'main', login },
    directory,
    isStranger: false,
    allowsFiles: false,
    home,
    keyFolder: join(home, 'logins'),
    knownHostsFile: join(home, 'known_hosts'),
    searchPath: SYSTEM_PATH,
    caFile: certificate.caFile,
    signal: new AbortController().signal,
    onLine: (line) => lines.push(line),
  });
  return { fetched, lines, directory };
}

t.test('A52: a private repository is fetched; its token is in no argument, line or file', async (t) => {
  const watch = watchArgv();
  t.teardown(() => watch.stop());
  const { repository, server } = await start(t);
  const { fetched, lines, directory } = await fetchFrom(t, server, LOGIN);
  t.match(await fetched, { commit: await repository.git('rev-parse', 'HEAD') });
  t.ok(
    [...watch.seen].some((line) => line.includes(server.url)),
    'git was seen with its arguments',
  );
  t.ok(server.logins.length > 0 && server.logins.every((login) => login === `Basic ${HEADER}`));
  for (const secret of CANARY) {
    t.notOk([...watch.seen, ...lines].some((line) => line.includes(secret)));
    t.notOk(grep(secret, directory));
  }
});

t.test('A52: a wrong token fails with the way out and without the token', async (t) => {
  const { server } = await start(t);
  const { fetched, lines } = await fetchFrom(t, server, { ...LOGIN, password: 'tok_another-1182734' });
  const fault = await fetched.then(
    () => undefined,
    (error: unknown) => error as Error & { details?: string },
  );
  t.match(fault, { code: 'git_failed', details: /wants a git_token that may read it/ });
  t.notMatch([fault?.message, fault?.details, ...lines].join('\n'), 'tok_another');
});

t.test('A52: a repository that redirects takes no token along', async (t) => {
  const other = await start(t);
  const { server } = await start(t, { redirectTo: () => new URL(other.server.url).origin });
  const { fetched } = await fetchFrom(t, server, LOGIN);
  await t.rejects(fetched, { code: 'git_failed', details: /give the URL that it redirects to/ });
  t.strictSame(server.logins, [`Basic ${HEADER}`]);
  t.strictSame(other.server.logins, []);
});

t.test('without a token git sends none', async (t) => {
  const { server } = await start(t);
  const { fetched } = await fetchFrom(t, server);
  await t.rejects(fetched, { code: 'git_failed', details: /git_token/ });
  t.ok(server.logins.length > 0 && server.logins.every((login) => login === undefined));
});

t.test('the header is for the origin of the repository alone', async (t) => {
  const source = { url: 'https://git.example.com:8443/a/b.git', branch: null };
  t.strictSame(environmentFor(source), {});
  t.strictSame(environmentFor({ ...source, login: LOGIN }), {
    GIT_CONFIG_COUNT: '2',
    GIT_CONFIG_KEY_0: 'http.https://git.example.com:8443/.extraHeader',
    GIT_CONFIG_VALUE_0: `Authorization: Basic ${HEADER}`,
    GIT_CONFIG_KEY_1: 'http.followRedirects',
    GIT_CONFIG_VALUE_1: 'false',
  });
});

t.test('A52: what a job says of it is masked, as the token and as the header', async (t) => {
  const git = { url: 'https://example.com/a.git', branch: null, login: LOGIN };
  const mask = createMask(secretsOf(specFor('app', { git })));
  for (const secret of CANARY) t.notMatch(mask?.text(`fatal: ${secret} is not welcome`), 'canary-93b1f07e55');
  t.notMatch(mask?.text(HEADER), HEADER.slice(-20, -4));
});

function grep(text: string, directory: string): boolean {
  try {
    execFileSync('grep', ['-rqF', '--', text, directory]);
    return true;
  } catch {
    return false;
  }
}
