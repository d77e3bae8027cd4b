import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { loadControlConfig } from '../../control/config.ts';

t.test('without a word the defaults count', async (t) => {
  t.match(loadControlConfig([], {}), {
    listen: { host: '127.0.0.1', port: 8080 },
    publicUrl: null,
    logLevel: 'info',
    rateLimits: { anonymous: 60, authenticated: 120, deploy: 10 },
    trustedProxy: [],
  });
});

t.test('flags win over the environment, that over the file, that over the defaults', async (t) => {
  const dataDir = t.testdir({});
  writeFileSync(
    join(dataDir, 'config.yaml'),
    'listen: "0.0.0.0:1"\nrate-limit: 1\nlog-level: warn\ntrusted-proxy: [10.0.0.0/8]\n',
  );
  const env = { LONGSHORE_LISTEN: '0.0.0.0:2', LONGSHORE_RATE_LIMIT: '2', LONGSHORE_DATA_DIR: dataDir };
  const config = loadControlConfig(['--listen', '[::1]:3'], env);
  t.match(config, {
    dataDir,
    listen: { host: '::1', port: 3 },
    rateLimits: { authenticated: 2, deploy: 10 },
    logLevel: 'warn',
    trustedProxy: ['10.0.0.0/8'],
  });
});

t.test('a bad value names its setting, where it came from and what is expected', async (t) => {
  const bad: [string[], NodeJS.ProcessEnv, RegExp][] = [
    [['--listen', 'x'], {}, /--listen is "x", it must be an address/],
    [['--listen', '127.0.0.1:99999'], {}, /--listen/],
    [['--public-url', 'ftp://x'], {}, /--public-url/],
    [[], { LONGSHORE_RATE_LIMIT: '0' }, /LONGSHORE_RATE_LIMIT is "0"/],
    [[], { LONGSHORE_LOG_LEVEL: 'loud' }, /one of trace, debug/],
    [[], { LONGSHORE_TRUSTED_PROXY: 'everybody' }, /LONGSHORE_TRUSTED_PROXY/],
  ];
  for (const [argv, env, message] of bad) {
    t.throws(() => loadControlConfig(argv, env), { code: 'config_invalid', message });
  }
  t.throws(() => loadControlConfig(['--lisen', 'x'], {}), { code: 'config_invalid', details: /lisen/ });
});

t.test('a file with an unknown or a broken setting is refused', async (t) => {
  const dataDir = t.testdir({ 'config.yaml': 'lisen: x\n' });
  t.throws(() => loadControlConfig(['--data-dir', dataDir], {}), {
    code: 'config_invalid',
    message: /lisen in config.yaml/,
  });
  writeFileSync(join(dataDir, 'config.yaml'), 'a: [b\n');
  t.throws(() => loadControlConfig(['--data-dir', dataDir], {}), { code: 'config_invalid', message: /config\.yaml/ });
});

const OIDC = ['--oidc-issuer', 'https://id.example.com/realms/main', '--oidc-client-id', 'longshore'];
const VIEWERS = ['--oidc-permissions', 'viewers=services.read'];

t.test('a login needs an issuer, a client and permissions; the rest has defaults', async (t) => {
  const dir = t.testdir({ secret: 'hush\n' });
  const config = loadControlConfig([...OIDC, ...VIEWERS, '--oidc-client-secret-file', join(dir, 'secret')], {});
  t.strictSame(config.login, {
    issuer: 'https://id.example.com/realms/main',
    clientId: 'longshore',
    clientSecret: 'hush',
    scopes: 'openid profile email',
    permissionsClaim: 'groups',
    permissions: new Map([['viewers', ['services.read']]]),
    customerClaim: null,
  });
  t.equal(loadControlConfig([...OIDC, ...VIEWERS], {}).login?.clientSecret, null, 'a public client');
  t.throws(() => loadControlConfig(OIDC, {}), { code: 'config_invalid', message: /oidc-permissions is missing/ });
  t.throws(() => loadControlConfig(VIEWERS, {}), { code: 'config_invalid', message: /oidc-issuer is missing/ });
  const issuerAlone = { LONGSHORE_OIDC_ISSUER: 'http://localhost:9000' };
  t.throws(() => loadControlConfig([], issuerAlone), { message: /oidc-client-id is missing, oidc-issuer asks for it/ });
});

t.test('a login setting that is no value is named, and a secret file is not shown', async (t) => {
  const bad: [string[], RegExp][] = [
    [['--oidc-issuer', 'http://id.example.com'], /--oidc-issuer is "http:\/\/id.example.com", it must be an https URL/],
    [['--oidc-issuer', 'https://me@id.example.com'], /--oidc-issuer/],
    [
      ['--oidc-permissions', 'admins=everything'],
      /--oidc-permissions is "admins=everything", it must be a list such as/,
    ],
    [['--oidc-scopes', 'email'], /--oidc-scopes is "email", it must be scopes, openid among them/],
    [['--oidc-client-secret-file', '/nowhere'], /--oidc-client-secret-file is "\/nowhere", it must be a readable file/],
  ];
  for (const [argv, message] of bad)
    t.throws(() => loadControlConfig([...OIDC, ...VIEWERS, ...argv], {}), { code: 'config_invalid', message });
});

t.test('an AI endpoint needs a URL and a model; its key is read from a file', async (t) => {
  const dir = t.testdir({ key: 'hush\n' });
  const endpoint = ['--ai-base-url', 'http://10.0.0.7:8000/v1/', '--ai-model', 'local'];
  t.equal(loadControlConfig([], {}).ai, null);
  t.strictSame(loadControlConfig(endpoint, {}).ai, {
    baseUrl: 'http://10.0.0.7:8000/v1',
    model: 'local',
    apiKey: null,
  });
  t.equal(loadControlConfig([...endpoint, '--ai-api-key-file', join(dir, 'key')], {}).ai?.apiKey, 'hush');
  t.throws(() => loadControlConfig(['--ai-model', 'm'], {}), { message: /ai-base-url is missing, ai-model asks/ });
  t.throws(() => loadControlConfig([], { LONGSHORE_AI_BASE_URL: 'https://a/v1' }), { message: /ai-model is missing/ });
  t.throws(() => loadControlConfig(['--ai-api-key-file', join(dir, 'key')], {}), { message: /ai-base-url is missing/ });
  for (const url of ['a', 'ftp://a/v1', 'https://me:pw@a/v1', 'https://a/v1?key=x', 'https://a/#x'])
    t.throws(() => loadControlConfig(['--ai-base-url', url, '--ai-model', 'm'], {}), { code: 'config_invalid' }, url);
});

t.test('secrets may be credentials of the unit, and the port a socket of systemd', async (t) => {
  const dataDir = t.testdir({ credentials: { 'ai-api-key': 'sk-secret\n', 'oidc-client-secret': '\n' } });
  const env = {
    LONGSHORE_DATA_DIR: dataDir,
    LONGSHORE_AI_BASE_URL: 'https://api.example.com/v1',
    LONGSHORE_AI_MODEL: 'm',
    CREDENTIALS_DIRECTORY: join(dataDir, 'credentials'),
    LISTEN_PID: String(process.pid),
    LISTEN_FDS: '1',
  };
  t.match(loadControlConfig([], env), { ai: { apiKey: 'sk-secret' }, listen: { fd: 3 }, login: null });
});
