import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { createIdentity, createJoinSecret, formatJoinToken } from '#shared/protocol/identity.ts';
import { loadAgentConfig } from '../../agent/config.ts';

const tokenOf = (tokenId: string) =>
  formatJoinToken({
    url: 'https://panel.example.com',
    tokenId,
    secret: createJoinSecret(),
    controlPin: createIdentity().pin,
  });

/** A data directory with this config.yaml. */
function folderWith(t: Test, yaml: string): string {
  const dir = t.testdir();
  mkdirSync(dir, { recursive: true });
  writeFileSync(join(dir, 'config.yaml'), yaml);
  return dir;
}

t.test('without anything the defaults hold', async (t) => {
  const config = await loadAgentConfig(['--data-dir', t.testdir()], {});
  t.match(config, { token: null, dockerSocket: '/var/run/docker.sock', logLevel: 'info' });
});

t.test('flags win over the environment, the environment over config.yaml', async (t) => {
  const dir = folderWith(t, 'log-level: warn\ndocker-socket: /run/file.sock\n');
  const env = { LONGSHORE_DATA_DIR: dir, LONGSHORE_LOG_LEVEL: 'error', LONGSHORE_DOCKER_SOCKET: '/run/env.sock' };
  t.match(await loadAgentConfig(['--log-level', 'debug'], env), {
    dataDir: dir,
    logLevel: 'debug',
    dockerSocket: '/run/env.sock',
  });
  t.match(await loadAgentConfig([], { LONGSHORE_DATA_DIR: dir }), { logLevel: 'warn', dockerSocket: '/run/file.sock' });
});

t.test('the token may come from a flag, the environment or the file', async (t) => {
  const token = tokenOf('jtk_1');
  const dir = t.testdir();
  t.equal((await loadAgentConfig(['--data-dir', dir, '--token', token], {})).token, token);
  t.equal((await loadAgentConfig(['--data-dir', dir], { LONGSHORE_TOKEN: token })).token, token);
  t.equal((await loadAgentConfig(['--data-dir', folderWith(t, `token: ${token}\n`)], {})).token, token);
});

const BAD: [string, string[], Record<string, string>, RegExp][] = [
  ['a flag', ['--log-level', 'loud'], {}, /--log-level is "loud"/],
  ['a variable', [], { LONGSHORE_DOCKER_SOCKET: 'docker.sock' }, /LONGSHORE_DOCKER_SOCKET is "docker\.sock"/],
  ['a token', ['--token', 'lsj_canary-3f9a'], {}, /--token is not a join token/],
  ['hours', ['--image-check', 'daily'], {}, /--image-check is "daily", it must be hours/],
  ['a size', ['--build-cache-limit', '10'], {}, /--build-cache-limit is "10", it must be like 10GB/],
  ['an image prefix', ['--build-image-prefix', 'registry.example.com'], {}, /--build-image-prefix is "registry/],
  [
    'an image prefix with a line',
    [],
    { LONGSHORE_BUILD_IMAGE_PREFIX: 'a/\nRUN id\n/' },
    /LONGSHORE_BUILD_IMAGE_PREFIX/,
  ],
];
for (const [what, argv, env, message] of BAD) {
  t.test(`a bad value of ${what} is refused by name`, async (t) => {
    const error = loadAgentConfig(['--data-dir', t.testdir(), ...argv], env);
    await t.rejects(error, { code: 'config_invalid', message });
    await error.catch(({ message: text }: Error) => t.notMatch(text, /canary-3f9a/, 'and no secret is quoted'));
  });
}

t.test('images of recipes come from Docker Hub, or from a mirror', async (t) => {
  t.equal((await loadAgentConfig(['--data-dir', t.testdir()], {})).buildImagePrefix, '');
  for (const prefix of ['registry.example.com/', 'registry.example.com:5000/hub/library/', 'mirror/']) {
    const dir = folderWith(t, `build-image-prefix: ${prefix}\n`);
    t.equal((await loadAgentConfig(['--data-dir', dir], {})).buildImagePrefix, prefix);
  }
});

t.test('an unknown flag, and an unknown key of config.yaml, are refused by name', async (t) => {
  await t.rejects(loadAgentConfig(['--data-dir', t.testdir(), '--dokcer-socket', '/x'], {}), {
    code: 'config_invalid',
    details: /--dokcer-socket/,
  });
  const dir = folderWith(t, 'tokn: x\n');
  await t.rejects(loadAgentConfig(['--data-dir', dir], {}), {
    code: 'config_invalid',
    message: /tokn in config\.yaml/,
  });
});

for (const [what, yaml] of [
  ['a list', '- a\n'],
  ['a text', 'hello\n'],
  ['not YAML', 'a: [\n'],
  ['an alias bomb', 'a: &a [x]\nb: [*a, *a]\n'],
] as const) {
  t.test(`a config.yaml that is ${what} is refused`, async (t) => {
    await t.rejects(loadAgentConfig(['--data-dir', folderWith(t, yaml)], {}), { code: 'config_invalid' });
  });
}

t.test('hours between looks for images and the limit of the build cache have defaults, and can be none', async (t) => {
  const load = (...argv: string[]) => loadAgentConfig(['--data-dir', t.testdir(), ...argv], {});
  t.match(await load(), { imageCheckMs: 6 * 3600_000, buildCacheLimitBytes: 10e9 });
  t.match(await load('--image-check=0', '--build-cache-limit=none'), { imageCheckMs: 0, buildCacheLimitBytes: null });
  t.match(await load('--build-cache-limit=500MB'), { buildCacheLimitBytes: 500e6 });
});

t.test('the token may be a credential of the unit, which the other places win over', async (t) => {
  const [token, other] = [tokenOf('jtk_1'), tokenOf('jtk_2')];
  const env = { LONGSHORE_DATA_DIR: t.testdir({}), CREDENTIALS_DIRECTORY: join(t.testdirName, 'credentials') };
  mkdirSync(env.CREDENTIALS_DIRECTORY);
  t.match(await loadAgentConfig([], env), { token: null });
  writeFileSync(join(env.CREDENTIALS_DIRECTORY, 'agent.token'), `${token}\n`);
  t.match(await loadAgentConfig([], env), { token });
  t.match(await loadAgentConfig([], { ...env, LONGSHORE_TOKEN: other }), { token: other });
  writeFileSync(join(env.CREDENTIALS_DIRECTORY, 'agent.token'), 'lsj_half');
  await t.rejects(loadAgentConfig([], env), { code: 'config_invalid', message: /the credential agent.token is not a/ });
});
