import t from 'tap';
import { LongshoreError } from '#shared/errors.ts';
import type { RegistryLogin } from '#shared/model.ts';
import { settingsWith } from '../../agent/docker/docker-config.ts';
import { buildFault, pullFault } from '../../agent/docker/registry-fault.ts';

const IMAGE = 'ghcr.io/team/web:1';
const LOGIN = { server: 'ghcr.io', username: 'bot', password: 'correct-horse' };

const told = (words: string, login: RegistryLogin | null = LOGIN) =>
  pullFault(IMAGE, login ?? undefined, new LongshoreError('docker_error', { details: words }));

/** What registries say, as Docker passes it on. */
const REFUSALS = [
  'unauthorized: authentication required',
  'Head "https://ghcr.io/v2/team/web/manifests/1": no basic auth credentials',
  'Get "https://registry-1.docker.io/v2/": unauthorized: incorrect username or password',
  'denied: Your authorization token has expired. Reauthenticate and try again.',
];
const DENIALS = [
  'pull access denied for team/web, repository does not exist or may require docker login',
  'denied: denied',
  'error from registry: access forbidden: 403 Forbidden',
];
const OTHERS = ['manifest for ghcr.io/team/web:1 not found: manifest unknown', 'dial tcp: connection refused', ''];

t.test('a login that is refused is told with registry and user, and never with the password', async (t) => {
  for (const words of REFUSALS) {
    const error = told(words);
    t.match(error, {
      code: 'registry_login_failed',
      message: 'Cannot pull image "ghcr.io/team/web:1": registry "ghcr.io" refuses the login of "bot"',
      details: /longshore registries update ghcr\.io/,
    });
    t.notMatch(`${error.message}${error.details}`, LOGIN.password);
  }
});

t.test('without a login the way out is to add one', async (t) => {
  for (const words of [...REFUSALS, ...DENIALS]) {
    t.match(told(words, null), { code: 'image_unavailable', details: /longshore registries add ghcr\.io/ });
  }
});

t.test('a denial may mean the name as well as the user', async (t) => {
  for (const words of DENIALS) t.match(told(words), { code: 'image_unavailable', details: /Is the name right/ });
});

t.test('what has nothing to do with logins is passed on as it is', async (t) => {
  for (const words of OTHERS) t.match(told(words), { code: 'image_unavailable', details: words || undefined });
});

t.test('a build is told as a pull only where its base image could not be looked up', async (t) => {
  const build = (details: string) => buildFault([LOGIN], new LongshoreError('build_failed', { details }));
  const base = 'failed to solve: ghcr.io/team/base:1: failed to resolve source metadata for ghcr.io/team/base:1: ';
  t.match(build(`Dockerfile:1\n${base}unexpected status from HEAD request: 401 Unauthorized\n`), {
    code: 'registry_login_failed',
    message: /"ghcr.io\/team\/base:1": registry "ghcr.io" refuses/,
  });
  t.match(build(`${base}not found`), { code: 'image_unavailable', details: 'not found' });
  t.match(build('npm error 401 Unauthorized'), { code: 'build_failed' }, 'a step of the build met its own refusal');
});

t.test("a child's settings hold the logins it is given, and of the host's own all but its logins", async (t) => {
  const own = {
    auths: { 'quay.io': { auth: 'b3duOm93bg==' } },
    credsStore: 'desktop',
    credHelpers: { 'ghcr.io': 'helper' },
    proxies: { default: { httpProxy: 'http://proxy:3128' } },
    cliPluginsExtraDirs: ['/opt/plugins'],
  };
  const hub = { server: 'docker.io', username: 'ada', password: 'p:w' };
  t.strictSame(settingsWith([LOGIN, hub], own, '/home/agent'), {
    proxies: own.proxies,
    auths: {
      'ghcr.io': { auth: Buffer.from('bot:correct-horse').toString('base64') },
      'https://index.docker.io/v1/': { auth: Buffer.from('ada:p:w').toString('base64') },
    },
    cliPluginsExtraDirs: ['/opt/plugins', '/home/agent/.docker/cli-plugins'],
  });
});
