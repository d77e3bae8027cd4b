// Webhooks from the change to the receiver: a real database, real sockets, time moved by hand.
import t, { type Test } from 'tap';
import type { NewWebhook } from '../../control/app/api/webhooks.ts';
import type { DeliveryRecord } from '../../control/store/records.ts';
import { MAX_PENDING } from '../../control/app/webhooks/spread.ts';
import type { Lookup } from '../../control/egress/guard.ts';
import { ADMIN, COMPOSE, ControlWorld } from '../support/control-world.ts';
import { eventually } from '../support/eventually.ts';
import { reportOf } from '../support/fake-host.ts';
import { freePort } from '../support/free-port.ts';
import { accept, openWorld, startCourier, startReceiver, status, verify } from '../support/webhook-receiver.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const ALL = { page: 1, perPage: 100, order: 'asc' as const };

const subscribe = (world: ControlWorld, url: string, input: Partial<NewWebhook> = {}) =>
  world.app.webhooks.create(ADMIN, { url, events: ['*'], ...input });

const deliveriesOf = (world: ControlWorld, id: string): DeliveryRecord[] =>
  world.app.webhooks.deliveries(ADMIN, id, ALL).items;

const untilState = (world: ControlWorld, id: string, fits: (all: DeliveryRecord[]) => boolean) =>
  eventually(() => deliveriesOf(world, id), { until: fits, intervalMs: 5 });

/** A timeline event of no service, as a host makes it. */
const happen = (world: ControlWorld, message = 'something') =>
  world.stores.writer.write(() =>
    world.stores.events.insert({ hostId: 'host_x', type: 'host', status: 'gap', message, at: world.clock.now() }),
  );

async function setUp(t: Test) {
  const world = openWorld(t);
  startCourier(t, world);
  return world;
}

t.test('a deploy is told of, in order, signed, with the facts of its service', async (t) => {
  const world = await setUp(t);
  const receiver = await startReceiver(t);
  const host = await world.joinAndConnect();
  const { secret } = await subscribe(world, receiver.url, { events: ['deploy.*'] });
  const serviceId = await world.deployed(host, 'web', {
    variables: { DB_PASSWORD: 'hunter2hunter2' },
    source: { method: 'compose', compose: `${COMPOSE}    environment: { API_TOKEN: hunter2hunter2 }\n` },
  });
  const [started, succeeded] = await receiver.until(2);
  t.strictSame(receiver.types, ['deploy.started', 'deploy.succeeded']);
  t.match(started?.payload.data, { service: { id: serviceId, name: 'web' }, job: { kind: 'deploy' } });
  t.match(succeeded?.payload.data, {
    event_id: /^evt_/,
    message: 'Deployed from compose',
    service: { status: 'running', health: 'healthy', customer_id: null },
    host: { id: host.id, name: 'one' },
    job: { kind: 'deploy', state: 'succeeded', error: null },
  });
  for (const message of receiver.received) {
    t.strictSame(verify(secret, message), message.payload);
    t.notMatch(message.body, 'hunter2');
  }
});

t.test('what happens to a service is told of: its making, its work, its end', async (t) => {
  const world = await setUp(t);
  const receiver = await startReceiver(t);
  const host = await world.joinAndConnect();
  await subscribe(world, receiver.url, { events: ['service.*'] });
  const id = await world.deployed(host, 'web');
  const act = async (work: Promise<unknown>, kind: string) => {
    const job = await eventually(() =>
      world.app.jobs.list(ADMIN, { page: 1, perPage: 100 }).items.find((it) => it.kind === kind),
    );
    await host.finish(job?.id ?? '', {}, { lifecycle: kind === 'stop' ? 'stopped' : 'running' });
    await work;
  };
  await act(world.app.services.act(ADMIN, id, 'stop', 5000), 'stop');
  await act(world.app.services.act(ADMIN, id, 'start', 5000), 'start');
  await act(world.app.services.remove(ADMIN, id, 5000), 'remove');
  const expected = ['created', 'stopping', 'stopped', 'starting', 'started', 'deleting', 'deleted'];
  await receiver.until(expected.length);
  t.strictSame(
    receiver.types,
    expected.map((word) => `service.${word}`),
  );
  t.match(receiver.received.at(-1)?.payload.data, { service: { id, name: 'web', status: null } });
});

t.test('changes of settings, suspensions and what happens by itself are told of', async (t) => {
  const world = await setUp(t);
  const receiver = await startReceiver(t);
  const host = await world.joinAndConnect();
  const customer = await world.app.customers.create(ADMIN, { name: 'Acme' });
  const id = await world.deployed(host, 'web', { customerId: customer.id });
  const events = ['service.updated', 'service.suspended', 'service.resumed', 'service.status_changed', 'health.*'];
  await subscribe(world, receiver.url, { events });
  await world.app.services.update(ADMIN, id, { displayName: 'Web' });
  await host.tell({
    kind: 'service.report',
    report: reportOf(id, { lifecycle: 'failed', reason: 'web exited with 1' }),
  });
  await host.tell({ kind: 'service.event', serviceId: id, type: 'health', status: 'unhealthy', message: 'no', at: 1 });
  await world.app.customers.suspend(ADMIN, customer.id);
  await world.app.customers.resume(ADMIN, customer.id);
  await receiver.until(5);
  t.strictSame(receiver.types, [
    'service.updated',
    'service.status_changed',
    'health.unhealthy',
    'service.suspended',
    'service.resumed',
  ]);
  t.match(receiver.received[1]?.payload.data, { status: 'failed', message: 'web exited with 1' });
});

t.test('F44: a receiver that fails is tried again with the same id, five times within a day', async (t) => {
  const world = await setUp(t);
  const receiver = await startReceiver(t, status(500));
  const { webhook } = await subscribe(world, receiver.url);
  const asked = world.clock.now();
  await happen(world);
  for (let tries = 1; tries <= 5; tries++) {
    await untilState(world, webhook.id, ([delivery]) => delivery?.tries === tries);
    const [delivery] = deliveriesOf(world, webhook.id);
    if (tries < 5) t.equal(delivery?.state, 'pending');
    if (delivery?.nextAt) world.clock.advance(delivery.nextAt - world.clock.now());
  }
  t.match(deliveriesOf(world, webhook.id), [{ state: 'failed', tries: 5, error: /500; that was the last of 5 tries/ }]);
  t.equal(new Set(receiver.ids).size, 1);
  t.equal(receiver.received.length, 5);
  t.ok(world.clock.now() - asked > 20 * HOUR && world.clock.now() - asked <= 24 * HOUR);
});

t.test('F44: a receiver that hangs or redirects or is not there holds up itself alone', async (t) => {
  const world = await setUp(t);
  const good = await startReceiver(t);
  const stolen = await startReceiver(t);
  const hanging = await startReceiver(t, () => {});
  const dripping = await startReceiver(t, (response) => void response.writeHead(200).write('.'));
  const redirecting = await startReceiver(t, status(307, { location: stolen.url }));
  const urls = [hanging.url, dripping.url, redirecting.url, `http://127.0.0.1:${await freePort()}/`];
  const [hang, drip, redirect, absent] = await Promise.all(urls.map((url) => subscribe(world, url)));
  const { webhook: fine } = await subscribe(world, good.url);
  for (let i = 0; i < 3; i++) await happen(world, `event ${i}`);
  await good.until(3);
  await untilState(world, fine.id, (all) => all.every(({ state }) => state === 'delivered'));
  t.strictSame(
    good.received.map(({ payload }) => payload.data['message']),
    ['event 0', 'event 1', 'event 2'],
  );
  await hanging.until(1);
  await dripping.until(1);
  const errorOf = async (made: { webhook: { id: string } } | undefined) => {
    const all = await untilState(world, made?.webhook.id ?? '', ([delivery]) => (delivery?.tries ?? 0) > 0);
    return all[0]?.error;
  };
  t.match(await errorOf(redirect), /307; redirects are not followed/);
  t.match(await errorOf(absent), /refused/);
  world.clock.advance(10_000);
  t.match(await errorOf(hang), /No complete reply within 10000 ms/);
  t.match(await errorOf(drip), /No complete reply within 10000 ms/);
  t.equal(stolen.received.length, 0);
});

t.test('F44: after five failures in a row the breaker opens, tries one, and closes when that went well', async (t) => {
  const world = await setUp(t);
  const receiver = await startReceiver(t, status(503));
  const { webhook } = await subscribe(world, receiver.url);
  for (let i = 0; i < 8; i++) await happen(world, `event ${i}`);
  await receiver.until(5);
  await eventually(() => world.app.webhooks.require(ADMIN, webhook.id).breaker.position === 'open');
  t.match(world.app.webhooks.require(ADMIN, webhook.id), { pending: 8, breaker: { failures: 5 } });
  t.equal(receiver.received.length, 5);

  world.clock.advance(30_000);
  await receiver.until(6);
  await eventually(() => world.app.webhooks.require(ADMIN, webhook.id).breaker.failures === 6);
  t.equal(receiver.received.length, 6, 'one trial');

  receiver.answer = accept;
  world.clock.advance(MINUTE);
  await untilState(world, webhook.id, (all) => all.filter(({ state }) => state === 'delivered').length === 8);
  t.match(world.app.webhooks.require(ADMIN, webhook.id), {
    pending: 0,
    breaker: { position: 'closed', failures: 0, openUntil: null },
  });
  t.equal(new Set(receiver.ids).size, 8);
});

t.test('F44: a queue holds 1000; the oldest beyond are dropped, and say so', async (t) => {
  const world = await setUp(t);
  const receiver = await startReceiver(t);
  const { webhook } = await subscribe(world, receiver.url);
  await world.app.webhooks.change(ADMIN, webhook.id, { isPaused: true });
  const more = 3;
  await Promise.all(Array.from({ length: MAX_PENDING + more }, (_, i) => happen(world, `event ${i}`)));
  await eventually(() => world.stores.outbox.isEmpty);
  t.equal(world.app.webhooks.require(ADMIN, webhook.id).pending, MAX_PENDING);
  const dropped = world.app.webhooks.deliveries(ADMIN, webhook.id, { ...ALL, state: 'dropped' });
  t.equal(dropped.total, more);
  t.match(dropped.items[0]?.error, /oldest were dropped/);
  t.equal(receiver.received.length, 0, 'nothing is sent while it is paused');
});

t.test('A59: a name that resolves to a private address is not called, and the delivery says why', async (t) => {
  const receiver = await startReceiver(t);
  const lookup: Lookup = (_name, _options, done) => done(null, [{ address: '127.0.0.1', family: 4 }]);
  const world = new ControlWorld(t, { egress: { lookup } });
  startCourier(t, world);
  const { webhook } = await subscribe(world, receiver.url.replace('127.0.0.1', '127.0.0.1.nip.io'));
  await happen(world);
  const [delivery] = await untilState(world, webhook.id, ([first]) => first?.tries === 1);
  t.match(delivery, { state: 'pending', error: 'Cannot call "127.0.0.1.nip.io": it has no public address' });
  t.equal(receiver.received.length, 0);
});

t.test('A60: an endless reply is cut, and counts by its status', async (t) => {
  const world = await setUp(t);
  const receiver = await startReceiver(t, (response) => {
    const pour = () => void (response.destroyed || (response.write('x'.repeat(16_384)) && setImmediate(pour)));
    response.on('drain', pour);
    pour();
  });
  const { webhook } = await subscribe(world, receiver.url);
  await happen(world);
  const [delivery] = await untilState(world, webhook.id, ([first]) => first?.state === 'delivered');
  const [attempt] = world.app.webhooks.delivery(ADMIN, webhook.id, delivery?.id ?? '').attempts;
  t.match(attempt, { status: 200, isCut: true, error: null });
  t.equal(attempt?.replyBody?.length, 4096);
});

t.test('a paused endpoint gets what it missed when it is resumed', async (t) => {
  const world = await setUp(t);
  const receiver = await startReceiver(t);
  const { webhook } = await subscribe(world, receiver.url);
  await world.app.webhooks.change(ADMIN, webhook.id, { isPaused: true });
  await happen(world);
  await eventually(() => world.app.webhooks.require(ADMIN, webhook.id).pending === 1);
  t.equal(receiver.received.length, 0);
  await world.app.webhooks.change(ADMIN, webhook.id, { isPaused: false });
  t.equal((await receiver.until(1)).length, 1);
});

t.test('410 disables the endpoint; it hears nothing until it is resumed', async (t) => {
  const world = await setUp(t);
  const receiver = await startReceiver(t, status(410));
  const { webhook } = await subscribe(world, receiver.url);
  await Promise.all([happen(world, 'one'), happen(world, 'two')]);
  await eventually(() => world.app.webhooks.require(ADMIN, webhook.id).state === 'disabled');
  t.match(deliveriesOf(world, webhook.id), [
    { state: 'failed', tries: 1 },
    { state: 'failed', tries: 0, error: /410/ },
  ]);
  await happen(world, 'three');
  await eventually(() => world.stores.outbox.isEmpty);
  t.equal(deliveriesOf(world, webhook.id).length, 2);
  receiver.answer = accept;
  await world.app.webhooks.change(ADMIN, webhook.id, { isPaused: false });
  await happen(world, 'four');
  await receiver.until(2);
  t.strictSame(
    receiver.received.map(({ payload }) => payload.data['message']),
    ['one', 'four'],
  );
});

t.test('a webhook that was paused for days has all its tries before it when it is resumed', async (t) => {
  const world = await setUp(t);
  const receiver = await startReceiver(t, status(500));
  const { webhook } = await subscribe(world, receiver.url);
  await happen(world, 'tried');
  await untilState(world, webhook.id, ([delivery]) => delivery?.tries === 1);
  await world.app.webhooks.change(ADMIN, webhook.id, { isPaused: true });
  await happen(world, 'never tried');
  await eventually(() => world.app.webhooks.require(ADMIN, webhook.id).pending === 2);
  world.clock.advance(72 * HOUR);
  await world.app.webhooks.change(ADMIN, webhook.id, { isPaused: false });
  await receiver.until(3);
  const all = await untilState(world, webhook.id, (them) => them.every(({ tries }) => tries === 1));
  t.match(all, [{ state: 'pending' }, { state: 'pending' }]);
  t.strictSame(
    receiver.received.map(({ payload }) => payload.data['message']),
    ['tried', 'tried', 'never tried'],
  );
});

t.test('what the address answers that a webhook had before says nothing of the one it has', async (t) => {
  const world = await setUp(t);
  const [old, other] = [await startReceiver(t, () => {}), await startReceiver(t)];
  const { webhook } = await subscribe(world, old.url);
  let answerLate = () => {};
  old.answer = (response, received) => (answerLate = () => status(410)(response, received));
  await happen(world);
  await old.until(1);
  await world.app.webhooks.change(ADMIN, webhook.id, { url: other.url });
  answerLate();
  await untilState(world, webhook.id, ([delivery]) => delivery?.state === 'delivered');
  t.strictSame(other.ids, old.ids);
  t.match(world.app.webhooks.require(ADMIN, webhook.id), { state: 'active', breaker: { failures: 0 } });
  const { attempts } = world.app.webhooks.delivery(ADMIN, webhook.id, deliveriesOf(world, webhook.id)[0]?.id ?? '');
  t.match(attempts, [
    { url: old.url, status: 410 },
    { url: other.url, status: 204 },
  ]);
});

t.test('tests fill a queue no further than events do', async (t) => {
  const world = openWorld(t);
  const { webhook } = await subscribe(world, 'https://example.com/');
  await Promise.all(Array.from({ length: MAX_PENDING + 2 }, () => world.app.webhooks.test(ADMIN, webhook.id)));
  t.equal(world.app.webhooks.require(ADMIN, webhook.id).pending, MAX_PENDING);
});

t.test('a receiver that hangs up in the middle is tried again', async (t) => {
  const world = await setUp(t);
  const receiver = await startReceiver(t, (response) => {
    response.writeHead(200, { 'content-length': '10' }).write('half');
    setImmediate(() => response.destroy());
  });
  const { webhook } = await subscribe(world, receiver.url);
  await happen(world);
  const [delivery] = await untilState(world, webhook.id, ([first]) => first?.tries === 1);
  t.match(delivery, { state: 'pending', error: 'The connection was closed before the end of the reply' });
  receiver.answer = accept;
  world.clock.advance(MINUTE);
  await untilState(world, webhook.id, ([first]) => first?.state === 'delivered');
  t.equal(new Set(receiver.ids).size, 1);
});

t.test('stopping cuts a call that is under way; the next start makes it again', async (t) => {
  const world = openWorld(t);
  const courier = startCourier(t, world);
  const receiver = await startReceiver(t, () => {});
  const { webhook } = await subscribe(world, receiver.url);
  await happen(world);
  await receiver.until(1);
  await courier.stop();
  t.match(deliveriesOf(world, webhook.id), [{ state: 'pending', tries: 0 }]);
  receiver.answer = accept;
  startCourier(t, world);
  await untilState(world, webhook.id, ([first]) => first?.state === 'delivered');
  t.equal(new Set(receiver.ids).size, 1);
});

t.test('Retry-After is honoured', async (t) => {
  const world = await setUp(t);
  const receiver = await startReceiver(t, status(429, { 'retry-after': '7200' }));
  const { webhook } = await subscribe(world, receiver.url);
  await happen(world);
  await untilState(world, webhook.id, ([delivery]) => delivery?.tries === 1);
  t.equal(deliveriesOf(world, webhook.id)[0]?.nextAt, world.clock.now() + 2 * HOUR);
});

t.test('F44: a crash between commit and delivery loses nothing, and a receiver can tell a repeat', async (t) => {
  const world = openWorld(t);
  const receiver = await startReceiver(t, () => {});
  const { webhook, secret } = await subscribe(world, receiver.url);
  await happen(world, 'unspread');
  const early = world.crash();
  t.notOk(early.stores.outbox.isEmpty, 'the event is in the outbox and nowhere else');

  startCourier(t, early);
  const [cut] = await receiver.until(1);
  const late = early.crash(); // while the receiver has the message and has not answered
  receiver.answer = accept;
  startCourier(t, late);
  await untilState(late, webhook.id, ([delivery]) => delivery?.state === 'delivered');
  t.strictSame(receiver.ids, [cut?.id, cut?.id]);
  t.strictSame(receiver.received[1]?.payload, cut?.payload);
  for (const message of receiver.received) t.ok(verify(secret, message));
  t.equal(deliveriesOf(late, webhook.id).length, 1);
});

t.test('a crash while events are spread leaves each spread once', async (t) => {
  const world = openWorld(t);
  const receiver = await startReceiver(t);
  const { webhook } = await subscribe(world, receiver.url);
  for (let i = 0; i < 5; i++) await happen(world, `event ${i}`);
  await world.parts.deliveries.spread();
  const next = world.crash();
  await next.parts.deliveries.spread();
  startCourier(t, next);
  await untilState(next, webhook.id, (all) => all.every(({ state }) => state === 'delivered'));
  t.equal(receiver.received.length, 5);
  t.equal(new Set(receiver.ids).size, 5);
});

t.test('waits and an open breaker survive a restart', async (t) => {
  const world = openWorld(t);
  const courier = startCourier(t, world);
  const receiver = await startReceiver(t, status(500));
  const { webhook } = await subscribe(world, receiver.url);
  for (let i = 0; i < 5; i++) await happen(world, `event ${i}`);
  await eventually(() => world.app.webhooks.require(ADMIN, webhook.id).breaker.failures === 5);
  await courier.stop();
  const next = world.crash();
  startCourier(t, next);
  await happen(next, 'one more');
  await eventually(() => next.app.webhooks.require(ADMIN, webhook.id).pending === 6);
  t.equal(next.app.webhooks.require(ADMIN, webhook.id).breaker.position, 'open');
  t.equal(receiver.received.length, 5);
});

t.test('what was rolled back is not told of', async (t) => {
  const world = await setUp(t);
  const receiver = await startReceiver(t);
  await subscribe(world, receiver.url);
  const failing = world.stores.writer.write(() => {
    world.stores.events.insert({ type: 'host', status: 'gap', message: 'never', at: world.clock.now() });
    throw new Error('rolled back');
  });
  await t.rejects(failing);
  await happen(world, 'after');
  await receiver.until(1);
  t.strictSame(
    receiver.received.map(({ payload }) => payload.data['message']),
    ['after'],
  );
});

t.test('an endpoint hears of what comes after it, and of what its patterns say', async (t) => {
  const world = await setUp(t);
  const [all, some] = [await startReceiver(t), await startReceiver(t)];
  await subscribe(world, some.url, { events: ['deploy.failed', 'health.*'] });
  await happen(world, 'before');
  await subscribe(world, all.url);
  await happen(world, 'after');
  await all.until(1);
  t.strictSame(
    all.received.map(({ payload }) => payload.data['message']),
    ['after'],
  );
  t.equal(some.received.length, 0);
});

t.test('a failed deploy that was rolled back is both', async (t) => {
  const world = await setUp(t);
  const receiver = await startReceiver(t);
  const host = await world.joinAndConnect();
  await world.deployed(host, 'web');
  await subscribe(world, receiver.url, { events: ['deploy.failed', 'deploy.rolled_back'] });
  const { items } = world.app.services.list(ADMIN, { page: 1, perPage: 1, sort: 'name', order: 'asc' });
  const { job } = await world.app.services.redeploy(ADMIN, items[0]?.id ?? '', {});
  const error = { code: 'unhealthy', message: 'web did not become healthy' };
  await host.finish(job.id, { state: 'failed', error, failedStep: 'wait', rolledBackTo: 1 });
  await receiver.until(2);
  t.strictSame(receiver.types, ['deploy.failed', 'deploy.rolled_back']);
  t.match(receiver.received[0]?.payload.data, { job: { error, failed_step: 'wait', rolled_back_to: 1 } });
  t.equal(new Set(receiver.ids).size, 2);
});
