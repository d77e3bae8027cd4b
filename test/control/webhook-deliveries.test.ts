// Webhooks from the change to the receiver: a real database, real sockets, time moved by hand.
import t from 'tap';
import type { Lookup } from '#shared/guarded-lookup.ts';
import { ADMIN, COMPOSE, ControlWorld } from '../support/control-world.ts';
import { eventually } from '../support/eventually.ts';
import { reportOf } from '../support/fake-host.ts';
import { accept, openWorld, startCourier, startReceiver, verify } from '../support/webhook-receiver.ts';
import { deliveriesOf, happen, startWebhooks, subscribe, untilState } from '../support/webhook-world.ts';

t.test('a deploy is told of, in order, signed, with the facts of its service', async (t) => {
  const world = startWebhooks(t);
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
  const world = startWebhooks(t);
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
  const world = startWebhooks(t);
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
  const world = startWebhooks(t);
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

t.test('what was rolled back is not told of', async (t) => {
  const world = startWebhooks(t);
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
  const world = startWebhooks(t);
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
  const world = startWebhooks(t);
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
