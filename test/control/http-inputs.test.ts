// Bad input, row by row of the list of attacks we promise to survive.
import { connect } from 'node:net';
import { gzipSync } from 'node:zlib';
import t from 'tap';
import { LongshoreError } from '#shared/errors.ts';
import { isDeeperThan } from '../../control/http/body.ts';
import { startTestHttp, type ErrorBody, type TestHttp } from '../support/http-server.ts';

const NEW = { name: 'app', deploy_method: 'compose', compose: 'services: {}' };
const create = (http: TestHttp, body: unknown) => http.error('POST', '/api/services', { body });

t.test('A01: a body that is not JSON, empty, or starts with a BOM is invalid_json', async (t) => {
  const http = await startTestHttp(t);
  for (const body of ['{bad', '', '\uFEFF{"a":1}', '{"a":1}x', '"\\ud800', 'null'])
    t.match(await create(http, body), { status: 400, code: 'invalid_json' }, JSON.stringify(body));
  const raw = await fetch(`${http.url}/api/services`, {
    method: 'POST',
    headers: { authorization: 'Bearer lsk_admin', 'content-type': 'application/json' },
    body: Uint8Array.from([0x7b, 0xff, 0x7d]),
  });
  t.match([raw.status, await raw.json()], [400, { error: { code: 'invalid_json' } }], 'not UTF-8');
  const none = await http.error('POST', '/api/services');
  t.match(none, { status: 400, code: 'invalid_json' }, 'no body at all');
});

t.test('A02: a body over 1 MiB is refused, as is any content encoding', async (t) => {
  const http = await startTestHttp(t);
  const big = JSON.stringify({ ...NEW, compose: 'x'.repeat(1_100_000) });
  t.match(await create(http, big), { status: 413, code: 'payload_too_large' });
  const bomb = gzipSync(Buffer.alloc(50_000_000));
  for (const encoding of ['gzip', 'br', 'deflate', 'zstd', 'identity', 'gzip, gzip', '']) {
    const answer = await fetch(`${http.url}/api/services`, {
      method: 'POST',
      headers: { authorization: 'Bearer lsk_admin', 'content-type': 'application/json', 'content-encoding': encoding },
      body: bomb,
    });
    const refused = [415, { error: { code: 'unsupported_media_type' } }];
    t.match([answer.status, await answer.json()], refused, `Content-Encoding: ${encoding}`);
  }
  for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'nonsense']) {
    const refused = await http.error('POST', '/api/services', { body: '{}', headers: { 'content-type': type } });
    t.match(refused, { status: 415, code: 'unsupported_media_type' }, type);
  }
});

t.test('A03: 100 000 nested arrays are too_deep, 32 levels are not', async (t) => {
  const http = await startTestHttp(t);
  t.match(await create(http, '['.repeat(100_000) + ']'.repeat(100_000)), { status: 400, code: 'too_deep' });
  t.match(await create(http, '{"a":'.repeat(33) + '1' + '}'.repeat(33)), { status: 400, code: 'too_deep' });
  t.match(await create(http, '['.repeat(32) + ']'.repeat(32)), { status: 422 });
  t.notOk(isDeeperThan(`{"a":"${'['.repeat(99)}\\"${'{'.repeat(99)}"}`, 32), 'brackets in strings do not count');
  t.notOk(isDeeperThan(`[${'[],'.repeat(99)}[]]`, 32), 'nor do closed ones');
});

t.test('A05: of a repeated key the last value counts', async (t) => {
  const http = await startTestHttp(t);
  const body = '{"name":"one","deploy_method":"compose","compose":"x","name":"two"}';
  t.match(await http.post('/api/services', body), { status: 201, body: { name: 'two' } });
  t.equal(http.app.created[0]?.name, 'two');
});

t.test('A05: a body cannot reach a prototype', async (t) => {
  const http = await startTestHttp(t);
  const body = '{"name":"one","deploy_method":"compose","compose":"x","__proto__":{"isAdmin":true}}';
  t.match(await create(http, body), { status: 400, code: 'invalid_json' });
  t.equal(({} as Record<string, unknown>)['isAdmin'], undefined);
});

t.test('A07: an unknown field is named, at any depth', async (t) => {
  const http = await startTestHttp(t);
  const body = { ...NEW, is_admin: true, placement: { labels: {}, force: 1 } };
  t.match(await create(http, body), {
    status: 422,
    code: 'validation_error',
    fields: { is_admin: 'Unknown field', 'placement.force': 'Unknown field' },
  });
  const ofAnotherWay = { ...NEW, git_url: 'https://example.com/x.git' };
  t.match(await create(http, ofAnotherWay), { status: 422, fields: { git_url: 'Unknown field' } });
  t.equal(http.app.created.length, 0);
});

t.test('A07: what belongs to somebody else is not there', async (t) => {
  const http = await startTestHttp(t);
  http.app.addService({ id: 'svc_foreign', customerId: 'cust_b' });
  http.app.addKey('lsk_a', ['*'], { customerId: 'cust_a' });
  const key = 'lsk_a';
  const foreign = await http.error('GET', '/api/services/svc_foreign', { key });
  const missing = await http.error('GET', '/api/services/svc_nothing', { key });
  t.strictSame({ ...foreign, request_id: '' }, { ...missing, request_id: '' });
  for (const [method, path] of [
    ['DELETE', ''],
    ['POST', '/start'],
    ['POST', '/redeploy'],
    ['GET', '/logs'],
    ['GET', '/events'],
  ] as const)
    t.match(
      await http.error(method, `/api/services/svc_foreign${path}`, { key }),
      { status: 404, code: 'not_found' },
      path,
    );
});

t.test('A08: a name outside its grammar is a 422 on the field', async (t) => {
  const http = await startTestHttp(t);
  const bad = [
    'a; id',
    '$(id)',
    '-rf',
    '../x',
    'a\0b',
    'a\u202eb',
    'x'.repeat(300),
    '🚀',
    '',
    'A',
    'a-',
    'a\n',
    7,
    null,
  ];
  for (const name of bad)
    t.match(await create(http, { ...NEW, name }), { status: 422, fields: { name: /./ } }, JSON.stringify(name));
  t.match(await create(http, { ...NEW, name: undefined }), { fields: { name: 'Service name is required' } });
  for (const name of ['a', '0', 'a-b', 'x'.repeat(40)])
    t.equal((await http.post('/api/services', { ...NEW, name })).status, 201, name);
});

t.test('a deploy method we do not know is a 422 that lists those we do', async (t) => {
  const http = await startTestHttp(t);
  for (const deploy_method of ['magic', undefined])
    t.match(await create(http, { ...NEW, deploy_method }), {
      status: 422,
      fields: { deploy_method: /compose, template/ },
    });
});

t.test('A10: a query outside the enumerated set is invalid_query', async (t) => {
  const http = await startTestHttp(t);
  const bad = [
    'sort=name;ATTACH%20DATABASE',
    'order=asc--',
    'per_page=1e9',
    'per_page=101',
    'per_page=x',
    'page=-1',
    'page=0',
    'status[]=x',
    'status=on',
    'status=running&status=failed',
    'page=1&page=2',
    'unknown=1',
  ];
  for (const query of bad)
    t.match(
      await http.error('GET', `/api/services?${query}`),
      { status: 400, code: 'invalid_query', fields: {} },
      query,
    );
  t.equal((await http.get('/api/services?sort=name&order=desc&per_page=100&search=%25')).status, 200);
});

t.test('A13: an Idempotency-Key gives the same answer again, and 409 for another body', async (t) => {
  const http = await startTestHttp(t);
  const headers = { 'idempotency-key': 'k1' };
  const first = await http.post('/api/services', NEW, headers);
  const again = await http.post('/api/services', `  ${JSON.stringify(NEW)}`, headers);
  t.strictSame([again.status, again.body], [201, first.body]);
  t.strictSame([first.headers.get('idempotency-replayed'), again.headers.get('idempotency-replayed')], [null, 'true']);
  t.equal(http.app.created.length, 1);
  const other = { body: { ...NEW, name: 'other' }, headers };
  t.match(await http.error('POST', '/api/services', other), { status: 409, code: 'idempotency_mismatch' });
  const elsewhere = { body: {}, headers };
  t.match(await http.error('POST', '/api/hosts/join-tokens', elsewhere), { status: 409, code: 'idempotency_mismatch' });
});

t.test('A13: a repeated delete under its key is still 204', async (t) => {
  const http = await startTestHttp(t);
  http.app.addService({ id: 'svc_a' });
  const headers = { 'idempotency-key': 'k1' };
  t.equal((await http.call('DELETE', '/api/services/svc_a', { headers })).status, 204);
  t.match(await http.call('DELETE', '/api/services/svc_a', { headers }), { status: 204, text: '' });
  t.match(await http.error('DELETE', '/api/services/svc_a'), { status: 404 });
  const bad = { headers: { 'idempotency-key': 'k'.repeat(300) } };
  t.match(await http.error('POST', '/api/services/svc_a/start', bad), { status: 400, code: 'bad_request' });
});

t.test('A14: an action in the wrong state is a 409 that says why', async (t) => {
  const http = await startTestHttp(t);
  http.app.addService({ id: 'svc_a' });
  http.app.nextError = new LongshoreError('state_conflict', { details: 'The service is disabled' });
  const refused = await http.error('POST', '/api/services/svc_a/start');
  t.match(refused, { status: 409, code: 'state_conflict', details: 'The service is disabled' });
});

t.test('a host that is away is a 409 with Retry-After', async (t) => {
  const http = await startTestHttp(t);
  http.app.addService({ id: 'svc_a' });
  http.app.nextError = new LongshoreError('host_offline', { retryAfter: 12 });
  const answer = await http.call<ErrorBody>('POST', '/api/services/svc_a/start');
  t.match(answer, { status: 409, body: { error: { code: 'host_offline' } } });
  t.equal(answer.headers.get('retry-after'), '12');
});

t.test('an action takes an empty body, an empty object, but no fields', async (t) => {
  const http = await startTestHttp(t);
  http.app.addService({ id: 'svc_a' });
  t.equal((await http.post('/api/services/svc_a/stop')).status, 200);
  t.equal((await http.post('/api/services/svc_a/stop', {})).status, 200);
  t.equal((await http.post('/api/services/svc_a/stop', '')).status, 200);
  t.match(await http.error('POST', '/api/services/svc_a/stop', { body: { force: true } }), {
    status: 422,
    fields: { force: 'Unknown field' },
  });
  for (const wait of ['-1', '61', 'x'])
    t.match(await http.error('POST', `/api/services/svc_a/stop?wait=${wait}`), { status: 400, code: 'invalid_query' });
});

t.test('A62: control bytes of a log travel as JSON, whole', async (t) => {
  const http = await startTestHttp(t);
  http.app.addJob(http.app.addService({ id: 'svc_a' }), { id: 'job_a' });
  const { text, body } = await http.get<{ data: { message: string }[] }>('/api/jobs/job_a/log');
  t.notMatch(text, /[\p{Cc}]/u);
  t.equal(body.data[0]?.message, '\r\n{"level":"fatal"}\u001b]52;c;x\u0007\u0000<script>');
  await http.get('/api/nothing%0d%0a%7B"level":"fatal"%7D');
  for (const line of http.logLines) t.type(JSON.parse(line), 'object');
  t.notOk(
    http.logLines.some((line) => line.trimEnd().includes('\n')),
    'one event is one line of our own log',
  );
});

t.test('a path that is not there, a method it lacks, and a broken path answer in the envelope', async (t) => {
  const http = await startTestHttp(t);
  t.match(await http.error('GET', '/api/nothing'), { status: 404, code: 'not_found', request_id: /^req_/ });
  const put = await http.call<ErrorBody>('PUT', '/api/services/svc_a', { body: {} });
  t.match(put, { status: 405, body: { error: { code: 'method_not_allowed' } } });
  t.match(put.headers.get('allow'), /GET, HEAD, .*DELETE/);
  t.match(await http.error('GET', '/api/services/%zz'), { status: 400, code: 'bad_request' });
  t.match(await http.error('GET', `/api/services/${'x'.repeat(500)}`), { status: 404, code: 'not_found' });
  t.match(await http.error('GET', '/api/services/..%2f..%2fetc%00'), { status: 404, code: 'not_found' });
});

t.test('bytes that are not HTTP get one answer in the envelope and the end of the connection', async (t) => {
  const http = await startTestHttp(t);
  const socket = connect(http.port, '127.0.0.1');
  socket.end('NONSENSE\r\n\r\n');
  let answer = '';
  for await (const chunk of socket) answer += String(chunk);
  t.match(answer, /^HTTP\/1\.1 400 /);
  t.match(answer, /\{"error":\{"code":"bad_request",.*"request_id":"req_/);
});

t.test('every answer carries a request id, ours when the given one is not plain', async (t) => {
  const http = await startTestHttp(t);
  const idFor = async (given: string) =>
    (await http.call('GET', '/api/auth/me', { headers: { 'x-request-id': given } })).headers.get('x-request-id');
  t.equal(await idFor('build-42.a'), 'build-42.a');
  t.match(await idFor('x'.repeat(65)), /^req_/);
  t.match(await idFor('a b'), /^req_/);
  for (const path of ['/healthz', '/api/services', '/api/nothing', '/api/services/%zz'])
    t.match((await http.get(path, null)).headers.get('x-request-id'), /./, path);
  const refused = await http.call<ErrorBody>('GET', '/api/nothing');
  t.equal(refused.body.error.request_id, refused.headers.get('x-request-id'));
});

t.test('a fault of ours is a 500 that tells nothing and is logged once', async (t) => {
  const http = await startTestHttp(t);
  http.app.nextError = new TypeError('secret detail');
  const answer = await http.error('POST', '/api/services', { body: NEW });
  t.strictSame(
    { ...answer, request_id: '' },
    { status: 500, code: 'internal', message: 'Internal error', request_id: '' },
  );
  const logged = http.logLines.filter((line) => line.includes('secret detail'));
  t.equal(logged.length, 1);
  t.match(logged[0], answer.request_id);
});

t.test('answers may not be cached, framed or sniffed, and promise no https on plain http', async (t) => {
  const http = await startTestHttp(t);
  const { headers } = await http.get('/api/auth/me');
  t.equal(headers.get('cache-control'), 'no-store');
  t.equal(headers.get('content-security-policy'), "default-src 'none';frame-ancestors 'none'");
  t.equal(headers.get('x-content-type-options'), 'nosniff');
  t.equal(headers.get('strict-transport-security'), null);
  t.equal(headers.get('access-control-allow-origin'), null);
  const secure = await startTestHttp(t, { config: { publicUrl: 'https://panel.example.com' } });
  t.match((await secure.get('/healthz')).headers.get('strict-transport-security'), /max-age/);
});
