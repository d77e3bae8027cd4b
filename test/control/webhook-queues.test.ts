// The queue of each webhook: tries, breaker, pause and bounds, over real sockets with time moved by hand.
import t from 'tap';
import { MAX_PENDING } from '../../control/app/webhooks/spread.ts';
import { ADMIN } from '../support/control-world.ts';
import { eventually } from '../support/eventually.ts';
import { freePort } from '../support/free-port.ts';
import { accept, openWorld, startCourier, startReceiver, status } from '../support/webhook-receiver.ts';
import {
  ALL_DELIVERIES,
  deliveriesOf,
  happen,
  startWebhooks,
  subscribe,
  untilState,
} from '../support/webhook-world.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

t.test('F44: a receiver that fails is tried again with the same id, five times within a day', async (t) => {
  const world = startWebhooks(t);
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
  const world = startWebhooks(t);
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
  const world = startWebhooks(t);
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
  const world = startWebhooks(t);
  const receiver = await startReceiver(t);
  const { webhook } = await subscribe(world, receiver.url);
  await world.app.webhooks.change(ADMIN, webhook.id, { isPaused: true });
  const more = 3;
  await Promise.all(Array.from({ length: MAX_PENDING + more }, (_, i) => happen(world, `event ${i}`)));
  await eventually(() => world.stores.outbox.isEmpty);
  t.equal(world.app.webhooks.require(ADMIN, webhook.id).pending, MAX_PENDING);
  const dropped = world.app.webhooks.deliveries(ADMIN, webhook.id, { ...ALL_DELIVERIES, state: 'dropped' });
  t.equal(dropped.total, more);
  t.match(dropped.items[0]?.error, /oldest were dropped/);
  t.equal(receiver.received.length, 0, 'nothing is sent while it is paused');
});

t.test('a paused endpoint gets what it missed when it is resumed', async (t) => {
  const world = startWebhooks(t);
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
  const world = startWebhooks(t);
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
  const world = startWebhooks(t);
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
  const world = startWebhooks(t);
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
  const world = startWebhooks(t);
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

t.test('Retry-After is honoured', async (t) => {
  const world = startWebhooks(t);
  const receiver = await startReceiver(t, status(429, { 'retry-after': '7200' }));
  const { webhook } = await subscribe(world, receiver.url);
  await happen(world);
  await untilState(world, webhook.id, ([delivery]) => delivery?.tries === 1);
  t.equal(deliveriesOf(world, webhook.id)[0]?.nextAt, world.clock.now() + 2 * HOUR);
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
