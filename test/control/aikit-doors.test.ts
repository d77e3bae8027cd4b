// How AIKit's clients come in: limits by the hour, a port with the paths of their document, a key of the environment.
import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import t, { type Test } from 'tap';
import { systemClock } from '#shared/time.ts';
import { silentLogger } from '#shared/log.ts';
import { ENVIRONMENT_KEY_RIGHTS, settleEnvironmentKey } from '../../control/app/access/environment-key.ts';
import { loadControlConfig } from '../../control/config.ts';
import { toOurUrl } from '../../control/dialects/aikit/own-port.ts';
import { buildHttp } from '../../control/http/server.ts';
import { openSecondPort } from '../../control/http/second-port.ts';
import { ADMIN, ControlWorld } from '../support/control-world.ts';
import { ADMIN_SECRET, FakeApp } from '../support/fake-app.ts';
import { fakeDeps, startTestHttp } from '../support/http-server.ts';

const limitsOf = (headers: Headers) => [headers.get('x-ratelimit-limit'), headers.get('x-ratelimit-remaining')];

t.test('the headers of limits are of an hour, and the minute counts as well', async (t) => {
  const http = await startTestHttp(t, { config: { rateLimits: { anonymous: 3, authenticated: 2, deploy: 1 } } });
  const get = (key: string | null) => http.get('/aikit/api/no/such', key);
  const before = Date.now();
  const { headers } = await get(ADMIN_SECRET);
  t.same(limitsOf(headers), ['120', '119']);
  const resetMs = Number(headers.get('x-ratelimit-reset')) * 1000;
  t.ok(resetMs >= before + 3_600_000 && resetMs <= Date.now() + 3_601_000, 'a Unix time in an hour');
  await get(ADMIN_SECRET);
  const refused = await get(ADMIN_SECRET);
  t.match([refused.status, refused.body], [429, { success: false, error: /./ }]);
  t.same(limitsOf(refused.headers), ['120', '117'], 'the hour has room');
  t.ok(Number(refused.headers.get('retry-after')) <= 60, 'and the minute says when');
  t.same(limitsOf((await get(null)).headers), ['180', '179'], 'by address without a key');
  t.equal((await http.get('/api/services', ADMIN_SECRET)).status, 429, 'nobody gets more by asking elsewhere');
});

t.test("a key's own limit is of a minute there too", async (t) => {
  const http = await startTestHttp(t);
  http.app.addKey('lsk_slow', ['*'], { rateLimit: 1 });
  t.same(limitsOf((await http.get('/aikit/api/no/such', 'lsk_slow')).headers), ['60', '59']);
  t.equal((await http.get('/aikit/api/no/such', 'lsk_slow')).status, 429);
});

async function secondPort(t: Test) {
  const { http, stop } = await buildHttp(fakeDeps(new FakeApp()));
  const { port, close } = await openSecondPort(http, {
    listen: { host: '127.0.0.1', port: 0 },
    toUrl: toOurUrl,
    limits: {},
    graceMs: 1000,
    clock: systemClock,
  });
  t.teardown(stop);
  return { port, url: `http://127.0.0.1:${port}`, close };
}

t.test('its own port has the paths of its document and no others', async (t) => {
  const { url, close } = await secondPort(t);
  t.teardown(close);
  const get = async (path: string, key: string | null = ADMIN_SECRET) => {
    const answer = await fetch(url + path, { headers: key === null ? {} : { authorization: `Bearer ${key}` } });
    return { status: answer.status, body: (await answer.json()) as object };
  };
  t.match(await get('/api/services', null), { status: 401, body: { success: false } });
  t.match(await get('/api/services'), { status: 501, body: { success: false, error: /has no containers/ } }, 'reached');
  for (const path of [
    '/',
    '/api',
    '/apiary',
    '/api/hosts',
    '/services',
    '/aikit/api/services',
    '/healthz',
    '/docs',
    '/metrics',
  ])
    t.match(await get(path), { status: 404, body: { success: false, error: /No route/ } }, path);
  t.match(await get('/api/services?api_key=x'), { status: 400, body: { success: false } }, 'no keys in URLs');
});

t.test('its own port takes no WebSocket', async (t) => {
  const { port, close } = await secondPort(t);
  t.teardown(close);
  const upgrade = async (path: string) => {
    const headers = { connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-version': '13' };
    const asked = request({
      port,
      host: '127.0.0.1',
      path,
      headers: { ...headers, 'sec-websocket-key': 'x'.repeat(24) },
    });
    asked.end();
    const [answer] = (await once(asked, 'response')) as [IncomingMessage];
    answer.resume();
    return answer.statusCode;
  };
  t.equal(await upgrade('/api/live'), 404);
  t.equal(await upgrade('/agent'), 404);
  t.equal(await upgrade(`/api/services?api_key=${ADMIN_SECRET}`), 400, 'nor a key in its URL');
});

t.test('its own port ends with the process, also while somebody is connected', async (t) => {
  const { port, close } = await secondPort(t);
  const idle = connect(port, '127.0.0.1');
  await once(idle, 'connect');
  const ended = once(idle, 'close');
  await close();
  await ended;
  const late = connect(port, '127.0.0.1');
  const [error] = (await once(late, 'error')) as [NodeJS.ErrnoException];
  t.equal(error.code, 'ECONNREFUSED');
});

t.test('bytes that are no HTTP are answered and cut off', async (t) => {
  const { port, close } = await secondPort(t);
  t.teardown(close);
  const socket = connect(port, '127.0.0.1');
  socket.end('nonsense\r\n\r\n');
  const [data] = (await once(socket, 'data')) as [Buffer];
  t.match(data.toString(), /^HTTP\/1\.1 400 /);
});

const SECRET = 'a-key-that-clients-have';

t.test('API_KEY of the environment is a key with the rights that the document needs', async (t) => {
  const world = new ControlWorld(t);
  const settle = (secret: string | null) => {
    const { stores, app, clock } = world;
    return settleEnvironmentKey({ stores, keys: app.keys, clock, log: silentLogger() }, secret);
  };
  const identify = (secret: string) => world.app.keys.identify(secret);
  const ids = () => world.app.keys.list(ADMIN, { page: 1, perPage: 10 }).items.map(({ id }) => id);

  await settle(null);
  t.same(ids(), []);
  await settle(SECRET);
  t.match(identify(SECRET), { permissions: ENVIRONMENT_KEY_RIGHTS, customerId: null, hostLabels: null });
  const [id = ''] = ids();
  t.notMatch(JSON.stringify(world.stores.keys.find(id)), SECRET, 'stored as a hash, and no hint of it');
  await settle(SECRET);
  t.same(ids(), [id], 'another start changes nothing');

  const ended: string[] = [];
  world.app.keys.onRevoked((keyId) => ended.push(keyId));
  await settle('another-key-of-theirs');
  t.equal(identify(SECRET), undefined, 'another value revokes it');
  t.same(ended, [id]);
  await world.app.keys.revoke(ADMIN, ids()[0] ?? '');
  await settle('another-key-of-theirs');
  t.ok(identify('another-key-of-theirs'), 'the variable says that there is one');
  await settle(null);
  t.equal(identify('another-key-of-theirs'), undefined, 'without the variable there is none');
});

t.test('API_KEY that is a key already stays what it is', async (t) => {
  const world = new ControlWorld(t);
  const { secret, key } = await world.app.keys.create(ADMIN, { name: 'mine', permissions: ['services.read'] });
  const { stores, app, clock } = world;
  await settleEnvironmentKey({ stores, keys: app.keys, clock, log: silentLogger() }, secret);
  t.match(app.keys.identify(secret), { keyId: key.id, permissions: ['services.read'] });
  await settleEnvironmentKey({ stores, keys: app.keys, clock, log: silentLogger() }, null);
  t.ok(app.keys.identify(secret), 'it is not the variable that made it');
});

t.test('its settings', async (t) => {
  const dir = t.testdir();
  const load = (argv: string[], env: Record<string, string> = {}) =>
    loadControlConfig([`--data-dir=${dir}`, ...argv], env);
  t.match(load([]), { aikitPort: 0, environmentKey: null }, 'off by default');
  t.match(load(['--aikit-port=5000'], { API_KEY: SECRET }), { aikitPort: 5000, environmentKey: SECRET });
  t.throws(() => load(['--aikit-port=66000']), { code: 'config_invalid', message: /--aikit-port/ });
  for (const value of ['short', 'with a space in it', 'x'.repeat(201)]) {
    const refusal = { code: 'config_invalid', message: /API_KEY/ };
    t.throws(() => load([], { API_KEY: value }), refusal);
    t.throws(() => load([], { API_KEY: value }), { message: new RegExp(`^(?!.*${value}).*$`) }, 'does not show it');
  }
});
