// HTTP over the real app layer and a real database: what only shows when the two meet.
import t from 'tap';
import { eventually } from '../support/eventually.ts';
import { ADMIN, COMPOSE } from '../support/control-world.ts';
import { composeBody, startRealHttp } from '../support/real-http.ts';
import { TestSocket, type ErrorBody } from '../support/http-server.ts';
import { WebSocket } from 'ws';

t.test('a service is created, deployed, listed, stopped and deleted', async (t) => {
  const { world, http, key } = await startRealHttp(t);
  const host = await world.joinAndConnect();
  const made = await http.call<{ id: string; deploy_job_id: string }>('POST', '/api/services', {
    key,
    body: composeBody('web'),
  });
  t.match(made, { status: 201, body: { name: 'web', status: 'deploying' } });
  await host.finish(made.body.deploy_job_id);
  const path = `/api/services/${made.body.id}`;
  t.match(await http.get(path, key), { status: 200, body: { status: 'running', host_id: host.id, compose: COMPOSE } });
  t.match(await http.get('/api/services?status=running&search=we', key), {
    body: { total: 1, data: [{ name: 'web' }] },
  });
  t.match(await http.get(`/api/jobs/${made.body.deploy_job_id}`, key), { body: { state: 'succeeded', steps: [] } });

  const stopping = await http.call<{ job_id: string }>('POST', `${path}/stop?wait=0`, { key });
  t.match(stopping, { status: 202, body: { job_id: /^job_/ } });
  const busy = await http.error('POST', `${path}/start?wait=0`, { key });
  t.match(busy, { status: 409, code: 'service_busy' });
  await host.finish(stopping.body.job_id);

  const removing = http.call('DELETE', path, { key });
  const job = await eventually(() =>
    world.app.jobs.list(ADMIN, { page: 1, perPage: 10 }).items.find((it) => it.kind === 'remove'),
  );
  await host.finish(job?.id ?? '');
  t.equal((await removing).status, 204);
  t.match(await http.error('GET', path, { key }), { status: 404 });
});

t.test('each documented list is sorted in the order that is asked for', async (t) => {
  const { world, http, key } = await startRealHttp(t);
  const host = await world.joinAndConnect();
  const id = await world.deployed(host, 'web');
  const events = async (query: string) => {
    const { body: page } = await http.get<{ data: { id: string }[] }>(`/api/services/${id}/events${query}`, key);
    return page.data.map((event) => event.id);
  };
  const newestFirst = await events('');
  t.equal(newestFirst.length, 3);
  t.same(await events('?sort=timestamp&order=asc'), newestFirst.toReversed());
  const templates = async (query: string) => {
    const { body: page } = await http.get<{ data: { name: string }[] }>(`/api/templates?per_page=100&${query}`, key);
    return page.data.map(({ name }) => name);
  };
  const names = await templates('');
  t.same(
    names,
    names.toSorted((a, b) => a.localeCompare(b, 'en')),
  );
  t.same(await templates('sort=name&order=desc'), names.toReversed());
});

t.test('A13: a retry under the same Idempotency-Key gets the same job, another body 409', async (t) => {
  const { world, http, key } = await startRealHttp(t);
  await world.joinAndConnect();
  const headers = { 'idempotency-key': 'deploy-42' };
  const create = (sent: object) => http.call('POST', '/api/services', { key, headers, body: sent });
  const first = await create(composeBody('web'));
  const again = await create(composeBody('web'));
  t.strictSame(again.body, first.body);
  t.equal(again.headers.get('idempotency-replayed'), 'true');
  t.match(await create(composeBody('other')), { status: 409, body: { error: { code: 'idempotency_mismatch' } } });
  t.equal(world.app.services.list(ADMIN, { page: 1, perPage: 9, sort: 'name', order: 'asc' }).total, 1);
});

t.test('A13: with the same key at the same moment there is one service', async (t) => {
  const { world, http, key } = await startRealHttp(t);
  await world.joinAndConnect();
  const headers = { 'idempotency-key': 'twice' };
  const answers = await Promise.all(
    [1, 2, 3].map(() => http.call('POST', '/api/services', { key, headers, body: composeBody('web') })),
  );
  for (const answer of answers) t.strictSame(answer.body, answers[0]?.body);
  t.equal(answers[0]?.status, 201);
});

t.test('A07: a key of one customer neither sees nor touches what another has', async (t) => {
  const { world, http } = await startRealHttp(t);
  const host = await world.joinAndConnect();
  const [own, other] = [await world.customer('own'), await world.customer('other')];
  const id = await world.deployed(host, 'theirs', { customerId: other });
  const { secret: key } = await world.app.keys.create(ADMIN, { name: 'a', permissions: ['*'], customerId: own });
  t.match(await http.get('/api/services', key), { body: { total: 0, data: [] } });
  t.match(await http.get(`/api/services?customer_id=${other}`, key), { body: { total: 0 } });
  for (const [method, path] of [
    ['GET', ''],
    ['DELETE', ''],
    ['POST', '/stop'],
    ['POST', '/redeploy'],
    ['GET', '/logs'],
    ['GET', '/events'],
  ] as const)
    t.match(await http.error(method, `/api/services/${id}${path}`, { key }), { status: 404, code: 'not_found' }, path);
  const forThem = await http.error('POST', '/api/services', {
    key,
    body: composeBody('mine', { customer_id: other }),
  });
  t.match(forThem, { status: 404, code: 'not_found' });
});

t.test('what is not there is told in the documented words', async (t) => {
  const { http, key } = await startRealHttp(t);
  const { status, body } = await http.get<ErrorBody>('/api/services/svc_xyz789', key);
  const { request_id: _, ...error } = body.error;
  const documented = {
    code: 'not_found',
    message: 'Service not found',
    details: 'No service with ID svc_xyz789 exists',
  };
  t.strictSame([status, error], [404, documented]);
  t.match(await http.error('POST', '/api/services', { key, body: { deploy_method: 'compose', compose: 'x' } }), {
    status: 422,
    code: 'validation_error',
    message: 'Validation failed',
    fields: { name: 'Service name is required' },
  });
});

t.test('A07: a host that the key may not see is not there', async (t) => {
  const { world, http } = await startRealHttp(t);
  const [east, west] = [
    await world.joinAndConnect({ site: 'east' }),
    await world.joinAndConnect({ site: 'west' }, 'two'),
  ];
  const bound = { name: 'e', permissions: ['*' as const], hostLabels: { site: 'east' } };
  const { secret: key } = await world.app.keys.create(ADMIN, bound);
  const onto = (host_id: string) => http.error('POST', '/api/services', { key, body: composeBody('web', { host_id }) });
  const { request_id: _a, ...foreign } = await onto(west.id);
  const { request_id: _b, ...nothing } = await onto('host_none');
  t.strictSame([foreign.status, foreign.code], [404, 'not_found']);
  t.strictSame({ ...foreign, details: foreign.details?.replace(west.id, 'host_none') }, nothing);
  const own = await http.call('POST', '/api/services', { key, body: composeBody('web', { host_id: east.id }) });
  t.equal(own.status, 201);
});

t.test('A14: an action before the first deploy is a state_conflict', async (t) => {
  const { world, http, key } = await startRealHttp(t);
  const host = await world.joinAndConnect();
  const { service, job } = await world.create('web');
  await host.finish(job.id, { state: 'failed', error: { code: 'exited', message: 'x' } }, { revision: null });
  const refused = await http.error('POST', `/api/services/${service.id}/start`, { key });
  t.match(refused, { status: 409, code: 'state_conflict', message: /./ });
});

t.test('A14: an action that the state does not allow is a 409', async (t) => {
  const { world, http, key } = await startRealHttp(t);
  const host = await world.joinAndConnect();
  const id = await world.deployed(host, 'web');
  host.disconnect();
  const away = await http.call<ErrorBody>('POST', `/api/services/${id}/restart`, { key });
  t.match(away, { status: 409, body: { error: { code: 'host_offline' } } });
  t.match(away.headers.get('retry-after'), /^\d+$/);
  t.match(await http.call('DELETE', `/api/services/${id}`, { key }), { status: 202, body: { job_id: /^job_/ } });
});

t.test(
  'A16: a missing, malformed, unknown, revoked or expired key costs the same look and gets the same answer',
  async (t) => {
    const { world, http } = await startRealHttp(t);
    const { keys } = world.app;
    const given = { name: 'k', permissions: ['*' as const] };
    const [revoked, expired] = [
      await keys.create(ADMIN, given),
      await keys.create(ADMIN, { ...given, expiresAt: world.clock.now() + 1 }),
    ];
    await keys.revoke(ADMIN, revoked.key.id);
    world.clock.advance(1);
    const looks: string[] = [];
    const findByHash = world.stores.keys.findByHash.bind(world.stores.keys);
    world.stores.keys.findByHash = (hash) => (looks.push(hash), findByHash(hash));
    const secrets = [undefined, '', 'a b', 'é', 'x'.repeat(5000), 'lsk_unknown', revoked.secret, expired.secret];
    for (const secret of secrets) {
      const headers = secret === undefined ? {} : { authorization: `Bearer ${secret}` };
      const answer = await http.call<ErrorBody>('GET', '/api/services', { key: null, headers });
      t.equal(answer.status, 401);
      t.strictSame(
        { ...answer.body.error, request_id: '' },
        { code: 'unauthorized', message: 'Missing or invalid API key', request_id: '' },
        secret?.slice(0, 12) ?? 'none',
      );
      t.match(looks.splice(0), [/^[0-9a-f]{64}$/], 'one hash, one look');
    }
  },
);

t.test('A16: a revoked or expired key is a stranger, and its sockets are cut', async (t) => {
  const { world, http } = await startRealHttp(t);
  const given = { name: 'short', permissions: ['services.read' as const] };
  const { key, secret } = await world.app.keys.create(ADMIN, given);
  const socket = new TestSocket(new WebSocket(`${http.url.replace('http', 'ws')}/api/ws?api_key=${secret}`));
  t.equal(await socket.opened, true);
  await world.app.keys.revoke(ADMIN, key.id);
  t.match(await socket.closed, { code: 4401 });
  t.match(await http.error('GET', '/api/services', { key: secret }), { status: 401 });
  const expiring = await world.app.keys.create(ADMIN, { ...given, expiresAt: world.clock.now() + 1000 });
  t.equal((await http.get('/api/services', expiring.secret)).status, 200);
  world.clock.advance(1000);
  t.match(await http.error('GET', '/api/services', { key: expiring.secret }), { status: 401, code: 'unauthorized' });
});

t.test('secret variables read as *** without secrets.read', async (t) => {
  const { world, http, key } = await startRealHttp(t);
  await world.joinAndConnect();
  const sent = composeBody('web', { variables: { DB_PASSWORD: 'hunter2hunter2' } });
  const { body: made } = await http.call<{ id: string }>('POST', '/api/services', { key, body: sent });
  const { secret } = await world.app.keys.create(ADMIN, { name: 'r', permissions: ['services.read'] });
  const shown = await http.get(`/api/services/${made.id}`, secret);
  t.notOk(shown.text.includes('hunter2hunter2'));
  t.match(shown.body, { variables: { DB_PASSWORD: '***' } });
});

t.test('a deploy is heard of on /api/ws', async (t) => {
  const { world, http, key } = await startRealHttp(t);
  const host = await world.joinAndConnect();
  const socket = new TestSocket(new WebSocket(`${http.url.replace('http', 'ws')}/api/ws?api_key=${key}`));
  await socket.opened;
  const { body: made } = await http.call<{ id: string; deploy_job_id: string }>('POST', '/api/services', {
    key,
    body: composeBody('web'),
  });
  await host.finish(made.deploy_job_id);
  const end = await socket.until(
    ({ type, step, state }) => type === 'deploy.progress' && step === 'job' && state === 'succeeded',
  );
  t.match(end, { service_id: made.id, job_id: made.deploy_job_id });
  t.match(await socket.until(({ type, status }) => type === 'service.status' && status === 'running'), {
    service_id: made.id,
  });
});

t.test('the templates of the catalogue are listed and shown', async (t) => {
  const { http, key } = await startRealHttp(t);
  const { body: list } = await http.get<{ total: number; data: { id: string }[] }>('/api/templates', key);
  t.ok(list.total >= 5);
  t.match(await http.get(`/api/templates/${list.data[0]?.id}`, key), { status: 200, body: { compose: /services:/ } });
});
