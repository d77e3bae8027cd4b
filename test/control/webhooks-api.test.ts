// The routes of webhooks over the real app, with real receivers.
import t, { type Test } from 'tap';
import { Retention } from '../../control/app/retention.ts';
import { ADMIN } from '../support/control-world.ts';
import { eventually } from '../support/eventually.ts';
import { startRealHttp } from '../support/real-http.ts';
import { openWorld, startCourier, startReceiver, status, verify, type Receiver } from '../support/webhook-receiver.ts';

interface WebhookBody {
  id: string;
  url: string;
  status: string;
  paused: boolean;
  secret?: string;
  breaker: { state: string };
}
interface DeliveryBody {
  id: string;
  message_id: string;
  type: string;
  state: string;
}

/** Everything that may call this machine, with carriers. */
async function start(t: Test) {
  const world = openWorld(t);
  startCourier(t, world);
  const real = await startRealHttp(t, { world });
  const create = async (receiver: Receiver, events = ['*']) => {
    const body = { url: receiver.url, events };
    const made = await real.http.call<WebhookBody>('POST', '/api/webhooks', { key: real.key, body });
    return { ...made.body, secret: made.body.secret ?? '' };
  };
  const call = <T>(method: string, path: string, body?: unknown) =>
    real.http.call<T>(method, `/api/webhooks${path}`, { key: real.key, ...(body !== undefined && { body }) });
  return { ...real, create, call };
}

t.test('a webhook is made, listed, changed, paused, resumed and deleted', async (t) => {
  const { http, key, create, call } = await start(t);
  const receiver = await startReceiver(t);
  const { id, secret, ...shown } = await create(receiver, ['deploy.*', 'host.offline']);
  t.match(secret, /^whsec_[\w+/]{43}=$/);
  t.match(shown, {
    url: receiver.url,
    events: ['deploy.*', 'host.offline'],
    description: null,
    customer_id: null,
    status: 'active',
    paused: false,
    breaker: { state: 'closed', consecutive_failures: 0, open_until: null },
    pending: 0,
  });
  const listed = await http.get('/api/webhooks?sort=url&order=desc', key);
  t.match(listed.body, { total: 1, data: [{ id }] });
  t.notMatch(listed.text, secret, 'shown once');
  t.notMatch((await http.get(`/api/webhooks/${id}`, key)).text, 'whsec_');

  const changes = { events: ['*'], description: 'chat', paused: true };
  t.match(await call('PATCH', `/${id}`, changes), {
    status: 200,
    body: { events: ['*'], description: 'chat', status: 'paused', paused: true },
  });
  t.match(await call('PATCH', `/${id}`, { paused: false, description: null }), {
    body: { status: 'active', description: null, events: ['*'] },
  });
  t.equal((await call('DELETE', `/${id}`)).status, 204);
  t.match(await http.error('GET', `/api/webhooks/${id}`, { key }), { status: 404, code: 'not_found' });
});

t.test('a test event arrives, and its delivery shows request, response and attempts', async (t) => {
  const { http, key, create, call } = await start(t);
  const receiver = await startReceiver(t, (response) => response.writeHead(200, { 'x-seen': 'yes' }).end('thanks'));
  const { id, secret } = await create(receiver, ['deploy.failed']);
  const asked = await call<DeliveryBody>('POST', `/${id}/test`, {});
  t.match(asked, { status: 202, body: { type: 'webhook.test', state: 'pending', webhook_id: id } });
  const [message] = await receiver.until(1);
  if (message) t.match(verify(secret, message), { type: 'webhook.test', data: { webhook_id: id } });
  t.equal(message?.id, asked.body.message_id);

  const path = `/api/webhooks/${id}/deliveries`;
  const read = async () => (await http.get<DeliveryBody>(`${path}/${asked.body.id}`, key)).body;
  const detail = await eventually(read, { until: ({ state }) => state === 'delivered' });
  t.match(detail, {
    tries: 1,
    next_try_at: null,
    error: null,
    request: {
      url: receiver.url,
      headers: { 'webhook-id': message?.id, 'webhook-signature': /^v1,/ },
      body: message?.body,
    },
    response: { status: 200, headers: { 'x-seen': 'yes' }, body: 'thanks', truncated: false },
    attempts: [{ url: receiver.url, status: 200, error: null, duration_ms: Number }],
  });
  t.match((await http.get(`${path}?state=delivered`, key)).body, { total: 1, data: [{ id: asked.body.id }] });
  t.match((await http.get(`${path}?state=failed`, key)).body, { total: 0 });
  t.match(await http.error('GET', `${path}?state=strange`, { key }), { status: 400, code: 'invalid_query' });
});

t.test('a redelivery is the same message under the same id', async (t) => {
  const { create, call } = await start(t);
  const receiver = await startReceiver(t, status(410));
  const { id } = await create(receiver);
  const { body: asked } = await call<DeliveryBody>('POST', `/${id}/test`);
  const path = `/${id}/deliveries/${asked.id}`;
  await eventually(async () => (await call<WebhookBody>('GET', `/${id}`)).body.status === 'disabled');
  t.match(await call('POST', `${path}/redeliver`), { status: 409, body: { error: { code: 'state_conflict' } } });
  t.match(await call('POST', `/${id}/test`), { status: 409 });
  receiver.answer = status(204);
  await call('PATCH', `/${id}`, { paused: false });
  t.match(await call('POST', `${path}/redeliver`), { status: 202, body: { state: 'pending', tries: 0 } });
  await eventually(async () => (await call<DeliveryBody>('GET', path)).body.state === 'delivered');
  t.strictSame(receiver.ids, [asked.message_id, asked.message_id]);
  t.equal(receiver.received[1]?.body, receiver.received[0]?.body);
  t.match((await call<{ attempts: unknown[] }>('GET', path)).body.attempts, [{ status: 410 }, { status: 204 }]);
});

t.test('a test does not wait for an open breaker', async (t) => {
  const { world, create, call } = await start(t);
  const receiver = await startReceiver(t, status(500));
  const { id } = await create(receiver);
  const state = async () => (await call<WebhookBody>('GET', `/${id}`)).body.breaker.state;
  for (let i = 0; i < 5; i++) await call('POST', `/${id}/test`);
  await eventually(state, { until: (it) => it === 'open' });
  world.clock.advance(1000);
  receiver.answer = status(204);
  await call('POST', `/${id}/test`);
  t.equal(await eventually(state, { until: (it) => it === 'closed' }), 'closed');
});

t.test('a new secret and the old one are both good for a day', async (t) => {
  const { world, create, call } = await start(t);
  const receiver = await startReceiver(t);
  const { id, secret: old } = await create(receiver);
  const rotated = await call<{ secret: string; old_secret_expires_at: string }>('POST', `/${id}/rotate-secret`);
  const { secret } = rotated.body;
  t.not(secret, old);
  t.equal(Date.parse(rotated.body.old_secret_expires_at), world.clock.now() + 24 * 3_600_000);
  await call('POST', `/${id}/test`);
  const [both] = await receiver.until(1);
  if (both) t.same(verify(old, both), verify(secret, both));
  t.equal(String(both?.headers['webhook-signature']).split(' ').length, 2);
  world.clock.advance(24 * 3_600_000);
  await call('POST', `/${id}/test`);
  const [, alone] = await receiver.until(2);
  t.equal(String(alone?.headers['webhook-signature']).split(' ').length, 1);
});

t.test('A13: writes are made once under an Idempotency-Key, with the same secret in the answer', async (t) => {
  const { http, key, call } = await start(t);
  const receiver = await startReceiver(t);
  const headers = { 'idempotency-key': 'hook-1' };
  const body = { url: receiver.url, events: ['*'] };
  const create = () => http.call<WebhookBody>('POST', '/api/webhooks', { key, headers, body });
  const [first, again] = [await create(), await create()];
  t.strictSame(again.body, first.body);
  t.match((await call('GET', '')).body, { total: 1 });
  const test = () =>
    http.call<DeliveryBody>('POST', `/api/webhooks/${first.body.id}/test`, {
      key,
      headers: { 'idempotency-key': 'test-1' },
    });
  t.equal((await test()).body.id, (await test()).body.id);
  t.match((await call('GET', `/${first.body.id}/deliveries`)).body, { total: 1 });
});

t.test('A59: a URL that must not be called is refused when the webhook is made or changed', async (t) => {
  const { http, key } = await startRealHttp(t); // private addresses are not allowed here
  const create = (url: string) => http.error('POST', '/api/webhooks', { key, body: { url, events: ['*'] } });
  const urls = [
    'http://127.1/',
    'http://0x7f000001/',
    'http://2130706433/',
    'http://[::ffff:169.254.169.254]/',
    'http://①②⑦.⓪.⓪.①/',
    'http://localhost./',
    'http://example.com:2375/',
    'gopher://example.com/',
    'https://user:word@example.com/',
    'no url',
  ];
  for (const url of urls) t.match(await create(url), { status: 422, code: 'egress_denied', fields: { url: /./ } }, url);
  const made = await http.call<WebhookBody>('POST', '/api/webhooks', {
    key,
    body: { url: 'https://example.com', events: ['*'] },
  });
  t.match(made, { status: 201, body: { url: 'https://example.com/' } });
  const changed = http.error('PATCH', `/api/webhooks/${made.body.id}`, { key, body: { url: 'http://10.0.0.1/' } });
  t.match(await changed, { status: 422, code: 'egress_denied', fields: { url: /not public/ } });
  t.match((await http.get('/api/webhooks', key)).body, { total: 1 });
});

t.test('fields that are wrong are named', async (t) => {
  const { http, key } = await startRealHttp(t);
  const refused = async (body: object) => (await http.error('POST', '/api/webhooks', { key, body })).fields;
  const url = 'https://example.com/';
  t.match(await refused({ url, events: ['deploy'] }), { 'events.0': /Not an event/ });
  t.match(await refused({ url, events: [] }), { events: /./ });
  t.match(await refused({ events: ['*'] }), { url: /./ });
  t.match(await refused({ url, events: ['*'], secret: 'mine' }), { secret: /Unknown field/ });
});

t.test('deliveries are forgotten after a week', async (t) => {
  const { world, create, call } = await start(t);
  const receiver = await startReceiver(t);
  const { id } = await create(receiver);
  await call('POST', `/${id}/test`);
  await receiver.until(1);
  const retention = new Retention(world.stores, world.clock);
  const total = async () => (await call<{ total: number }>('GET', `/${id}/deliveries`)).body.total;
  world.clock.advance(6 * 24 * 3_600_000);
  await retention.sweep();
  t.equal(await total(), 1);
  world.clock.advance(2 * 24 * 3_600_000);
  await retention.sweep();
  t.equal(await total(), 0);
});

t.test('no more than a hundred webhooks', async (t) => {
  const { world } = await startRealHttp(t);
  const input = { url: 'https://example.com/', events: ['*'] };
  for (let i = 0; i < 100; i++) await world.app.webhooks.create(ADMIN, input);
  await t.rejects(world.app.webhooks.create(ADMIN, input), { code: 'state_conflict' });
});
