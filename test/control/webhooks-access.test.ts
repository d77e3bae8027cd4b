// Who may set up which webhooks, and what they then hear of.
import t from 'tap';
import type { Permission } from '../../control/app/access/permissions.ts';
import { ADMIN } from '../support/control-world.ts';
import type { ErrorBody } from '../support/http-server.ts';
import { openSession } from '../support/person.ts';
import { startRealHttp } from '../support/real-http.ts';
import { startReceiver } from '../support/webhook-receiver.ts';
import { startWebhooks, subscribe } from '../support/webhook-world.ts';

t.test("A07: a customer's key makes webhooks that hear of its own services, and sees no others", async (t) => {
  const { world, http, key } = await startRealHttp(t, { world: startWebhooks(t) });
  const [own, all] = [await startReceiver(t), await startReceiver(t)];
  const host = await world.joinAndConnect();
  const addCustomer = async (name: string) => (await world.app.customers.create(ADMIN, { name })).id;
  const [mine, theirs] = [await addCustomer('mine'), await addCustomer('theirs')];
  const bound = await world.app.keys.create(ADMIN, { name: 'b', permissions: ['*'], customerId: mine });
  const { body: made } = await http.call<{ id: string }>('POST', '/api/webhooks', {
    key: bound.secret,
    body: { url: own.url, events: ['*'] },
  });
  const { id: operators } = (await subscribe(world, all.url, { events: ['deploy.succeeded'] })).webhook;
  await world.deployed(host, 'theirs', { customerId: theirs });
  await world.deployed(host, 'nobodys');
  const id = await world.deployed(host, 'mine', { customerId: mine });
  await all.until(3);
  await own.until(3);
  for (const { payload } of own.received) t.match(payload.data, { service: { id, customer_id: mine } });

  t.match((await http.get('/api/webhooks', bound.secret)).body, {
    total: 1,
    data: [{ id: made.id, customer_id: mine }],
  });
  const { body: delivery } = await http.get<{ data: { id: string }[] }>(`/api/webhooks/${operators}/deliveries`, key);
  const foreign = `/api/webhooks/${operators}`;
  for (const [method, path] of [
    ['GET', foreign],
    ['PATCH', foreign],
    ['DELETE', foreign],
    ['POST', `${foreign}/test`],
    ['POST', `${foreign}/rotate-secret`],
    ['GET', `${foreign}/deliveries`],
    ['GET', `${foreign}/deliveries/${delivery.data[0]?.id}`],
    ['POST', `${foreign}/deliveries/${delivery.data[0]?.id}/redeliver`],
    ['GET', `/api/webhooks/${made.id}/deliveries/${delivery.data[0]?.id}`],
  ] as const) {
    const body = method === 'PATCH' ? { body: {} } : {};
    t.match(
      await http.error(method, path, { key: bound.secret, ...body }),
      { status: 404, code: 'not_found' },
      `${method} ${path}`,
    );
  }
});

t.test("a customer's webhook hears how its own schedules go, also those for several services", async (t) => {
  const { world, http, key: admin } = await startRealHttp(t, { world: startWebhooks(t) });
  const [own, all] = [await startReceiver(t), await startReceiver(t)];
  const host = await world.joinAndConnect();
  const customerId = await world.customer('acme');
  const { secret: key } = await world.app.keys.create(ADMIN, { name: 'b', permissions: ['*'], customerId });
  const events = ['schedule.*'];
  await http.call('POST', '/api/webhooks', { key, body: { url: own.url, events } });
  await subscribe(world, all.url, { events });
  const body = { name: 'nightly', cron: '@daily', kind: 'backup', targets: { all: true } };
  const make = async (by: string) =>
    (await http.call<{ id: string }>('POST', '/api/schedules', { key: by, body })).body.id;
  const [others, theirs] = [await make(admin), await make(key)];
  const times = { missed: 0, dueAt: 1, startedAt: 1, finishedAt: 2, targets: [] };
  const run = { ...times, trigger: 'schedule', state: 'succeeded', reason: null } as const;
  await host.tell({ kind: 'schedule.run', run: { ...run, id: 'run_1', scheduleId: others } });
  await host.tell({ kind: 'schedule.run', run: { ...run, id: 'run_2', scheduleId: theirs } });
  await all.until(2);
  await own.until(1);
  const heard = { service: null, schedule: { id: theirs, name: 'nightly' } };
  t.match(
    own.received.map(({ payload }) => payload),
    [{ type: 'schedule.succeeded', data: heard }],
  );
});

t.test('a webhook tells no more than whoever sets it up may read', async (t) => {
  const { world, http, key } = await startRealHttp(t);
  const keyWith = async (more: Permission[], customerId?: string) =>
    (await world.app.keys.create(ADMIN, { name: 'k', permissions: ['webhooks.*', ...more], customerId })).secret;
  const url = 'https://example.com/';
  const make = async (own: string, events: string[]) => {
    const { status, body } = await http.call<Partial<ErrorBody>>('POST', '/api/webhooks', {
      key: own,
      body: { url, events },
    });
    return body.error?.details ?? status;
  };
  const [blind, services] = [await keyWith([]), await keyWith(['services.read'])];
  t.equal(await make(blind, ['deploy.failed']), 'Needs services.read, or fewer events');
  t.equal(await make(services, ['deploy.*', 'health.*']), 201);
  t.equal(await make(services, ['service.*', 'host.offline']), 'Needs hosts.read, or fewer events');
  t.equal(await make(services, ['*']), 'Needs hosts.read, or fewer events');
  const customer = await world.customer('one');
  t.equal(await make(await keyWith(['services.read'], customer), ['host.*', 'deploy.*']), 201, 'it hears of no hosts');

  const { body: foreign } = await http.call<{ id: string }>('POST', '/api/webhooks', {
    key,
    body: { url, events: ['*'] },
  });
  const change = async (body: object) =>
    (await http.call('PATCH', `/api/webhooks/${foreign.id}`, { key: services, body })).status;
  t.equal(await change({ url: 'https://elsewhere.example.com/' }), 403);
  t.equal(await change({ events: ['*'] }), 403);
  t.equal(await change({ paused: true, description: 'held' }), 200);
  t.equal(await change({ events: ['deploy.*'], url: 'https://elsewhere.example.com/' }), 200);
});

t.test('a key bound to host labels makes webhooks that hear of those hosts alone', async (t) => {
  const { world, http } = await startRealHttp(t, { world: startWebhooks(t) });
  const receiver = await startReceiver(t);
  const [eu, us] = [await world.join({ zone: 'eu' }, 'eu'), await world.join({ zone: 'us' }, 'us')];
  const bound = await world.app.keys.create(ADMIN, { name: 'b', permissions: ['*'], hostLabels: { zone: 'eu' } });
  await http.call('POST', '/api/webhooks', {
    key: bound.secret,
    body: { url: receiver.url, events: ['host.connected'] },
  });
  await us.connect(world);
  await eu.connect(world);
  await receiver.until(1);
  t.match(
    receiver.received.map(({ payload }) => payload.data),
    [{ host: { id: eu.id, name: 'eu' } }],
  );
});

t.test('a deleted customer leaves neither webhooks nor sessions', async (t) => {
  const { world, http, key } = await startRealHttp(t);
  const customerId = await world.customer('one');
  const { secret } = await world.app.keys.create(ADMIN, { name: 'b', permissions: ['*'], customerId });
  const body = { url: 'https://example.com/', events: ['*'] };
  const { id } = (await http.call<{ id: string }>('POST', '/api/webhooks', { key: secret, body })).body;
  await http.call('POST', `/api/webhooks/${id}/test`, { key: secret });
  const theirs = await openSession(world, http, { subject: 'eve', customerId });
  const other = await openSession(world, http);
  const socket = theirs.socket('/api/ws', { origin: http.url });
  t.equal(await socket.opened, true);
  t.equal((await http.call('DELETE', `/api/customers/${customerId}`, { key })).status, 204);
  t.match(await http.error('GET', `/api/webhooks/${id}`, { key }), { status: 404 });
  t.match(await theirs.error('GET', '/api/auth/session'), { status: 401 });
  t.match(await socket.closed, { code: 4401 });
  t.match(await other.session(), { subject: 'ada' });
});
