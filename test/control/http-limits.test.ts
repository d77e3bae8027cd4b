// How often one may call.
import t from 'tap';
import { DEFAULT_RATE_LIMITS } from '../../control/http/deps.ts';
import { startTestHttp, type ErrorBody, type TestHttp } from '../support/http-server.ts';

const LIMITS = { anonymous: 3, authenticated: 5, deploy: 2 };
const LIMITED = { config: { rateLimits: LIMITS } };

t.test('every answer says how much of the limit is left, also 401, 404 and 429', async (t) => {
  const http = await startTestHttp(t, LIMITED);
  const left = async (path: string, key: string | null) => {
    const before = Date.now() / 1000;
    const { status, headers } = await http.call('GET', path, { key });
    const reset = Number(headers.get('x-ratelimit-reset'));
    t.ok(reset > before && reset <= Date.now() / 1000 + 61, 'the reset is a Unix time, within a minute');
    return [status, headers.get('x-ratelimit-limit'), headers.get('x-ratelimit-remaining')];
  };
  t.strictSame(await left('/api/services', null), [401, '3', '2']);
  t.strictSame(await left('/api/nothing', null), [404, '3', '1']);
  t.strictSame(await left('/api/services', 'lsk_admin'), [200, '5', '4']);
  t.strictSame(await left('/api/services/x', 'lsk_admin'), [404, '5', '3']);
  t.strictSame(await left('/api/services', 'lsk_unknown'), [401, '3', '0']);
  t.strictSame(await left('/api/services', 'lsk_unknown'), [429, '3', '0']);
});

t.test('whatever the answer is, it is counted and says so', async (t) => {
  const http = await startTestHttp(t);
  http.app.addKey('lsk_reader', ['services.read']);
  const json = { 'content-type': 'application/json' };
  const calls: [status: number, method: string, path: string, options?: Parameters<TestHttp['call']>[2]][] = [
    [200, 'GET', '/api/services'],
    [400, 'GET', '/api/services?page=0'],
    [400, 'GET', '/api/services?api_key=x'],
    [400, 'GET', '/api/services/%zz'],
    [400, 'POST', '/api/services', { body: '{bad' }],
    [401, 'GET', '/api/services', { key: null }],
    [403, 'POST', '/api/services', { key: 'lsk_reader' }],
    [404, 'GET', '/api/services/x'],
    [404, 'GET', '/api/nothing'],
    [405, 'PUT', '/api/services'],
    [413, 'POST', '/api/services', { body: 'x'.repeat(1_100_000) }],
    [415, 'POST', '/api/services', { body: '{}', headers: { ...json, 'content-encoding': 'gzip' } }],
    [422, 'POST', '/api/services', { body: {} }],
  ];
  for (const [status, method, path, options] of calls) {
    const answer = await http.call(method, path, options);
    t.equal(answer.status, status, `${method} ${path}`);
    for (const name of ['limit', 'remaining', 'reset'])
      t.match(answer.headers.get(`x-ratelimit-${name}`), /^\d+$/, `${status} ${method} ${path}: ${name}`);
  }
});

t.test('a flood of URLs that cannot be read is stopped as well', async (t) => {
  const http = await startTestHttp(t, LIMITED);
  const statuses = [];
  for (let i = 0; i < 4; i++) statuses.push((await http.get('/api/services/%zz', null)).status);
  t.strictSame(statuses, [400, 400, 400, 429]);
});

t.test('A15: by default the eleventh deploy of a minute gets 429', async (t) => {
  const http = await startTestHttp(t, { config: { rateLimits: DEFAULT_RATE_LIMITS } });
  const deploy = (n: number) =>
    http.post('/api/services', { name: `app-${n}`, deploy_method: 'compose', compose: 'x' });
  for (let n = 1; n <= 10; n++) {
    const { status, headers } = await deploy(n);
    t.strictSame([status, headers.get('x-ratelimit-remaining')], [201, `${10 - n}`]);
  }
  const flood = await deploy(11);
  t.equal(flood.status, 429);
  const headers = ['limit', 'remaining'].map((name) => flood.headers.get(`x-ratelimit-${name}`));
  t.strictSame(headers, ['10', '0']);
  const wait = Number(flood.headers.get('retry-after'));
  t.ok(wait >= 1 && wait <= 60, `Retry-After is ${wait}`);
  t.equal((await http.get('/api/services')).headers.get('x-ratelimit-limit'), '120');
  t.equal((await http.get('/api/services', null)).headers.get('x-ratelimit-limit'), '60');
});

t.test('A15: deploys have a bucket of their own, and a flood of them gets 429 with Retry-After', async (t) => {
  const http = await startTestHttp(t, LIMITED);
  http.app.addService({ id: 'svc_a' });
  const body = { name: 'a', deploy_method: 'compose', compose: 'x' };
  t.equal((await http.post('/api/services', body)).status, 201);
  t.equal((await http.post('/api/services/svc_a/redeploy')).status, 200);
  const flood = await http.call<ErrorBody>('POST', '/api/services', { body: { ...body, name: 'b' } });
  t.match(flood, { status: 429, body: { error: { code: 'rate_limited' } } });
  t.match(flood.headers.get('retry-after'), /^[1-9]\d?$/);
  t.equal(flood.headers.get('x-ratelimit-limit'), '2');
  t.equal((await http.get('/api/services')).status, 200, 'reading goes on');
  t.equal(http.app.created.length, 1);
});

t.test('a key has the limit it was given', async (t) => {
  const http = await startTestHttp(t, LIMITED);
  http.app.addKey('lsk_busy', ['*'], { rateLimit: 1000 });
  t.equal((await http.get('/api/services', 'lsk_busy')).headers.get('x-ratelimit-limit'), '1000');
});

t.test('A21: X-Forwarded-For counts only when a trusted proxy says it', async (t) => {
  const statuses = async (http: TestHttp) => {
    const seen = [];
    for (const last of [1, 2, 3, 4]) {
      const headers = { 'x-forwarded-for': `198.51.100.${last}` };
      seen.push((await http.call('GET', '/api/services', { key: null, headers })).status);
    }
    return seen;
  };
  t.strictSame(await statuses(await startTestHttp(t, LIMITED)), [401, 401, 401, 429]);
  const proxied = await startTestHttp(t, { config: { rateLimits: LIMITS, trustedProxy: ['127.0.0.0/8'] } });
  t.strictSame(await statuses(proxied), [401, 401, 401, 401]);
});

t.test('probes and agents are not counted', async (t) => {
  const http = await startTestHttp(t, LIMITED);
  for (let i = 0; i < 10; i++) t.equal((await http.get('/healthz', null)).status, 200);
  for (let i = 0; i < 10; i++) t.match(await http.error('GET', '/agent/v1', { key: null }), { status: 400 });
});
