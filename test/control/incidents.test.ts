// One fault is one incident, however many hosts it takes.
import t, { type Test } from 'tap';
import { HostPresence } from '../../control/app/hosts/host-presence.ts';
import { ADMIN, ControlWorld } from '../support/control-world.ts';
import type { FakeHost } from '../support/fake-host.ts';
import { deliveriesOf, startWebhooks, subscribe, untilState } from '../support/webhook-world.ts';
import { startReceiver } from '../support/webhook-receiver.ts';

const SECOND = 1000;
const PAGE = { page: 1, perPage: 50 };
const ZONE: Record<string, string>[] = [{ zone: 'eu' }, { zone: 'eu' }, { zone: 'us' }, { zone: 'us' }];

const watch = ({ stores, links, parts: { incidents }, clock }: ControlWorld) => {
  const presence = new HostPresence({ stores, links, incidents, clock });
  return async (seconds: number) => {
    await stores.writer.idle();
    clock.advance(seconds * SECOND);
    await presence.sweep();
  };
};

/** Four hosts that are connected, when the time for all to come in is over. */
async function fleet(t: Test, world = new ControlWorld(t)) {
  const after = watch(world);
  const hosts = await Promise.all(ZONE.map((labels, i) => world.joinAndConnect(labels, `h${i + 1}`)));
  await after(121);
  const told = (host: FakeHost) =>
    world.app.hosts.events(ADMIN, host.id, { ...PAGE, order: 'asc' }).items.map(({ status }) => status);
  const incidents = (caller = ADMIN) => world.app.incidents.list(caller, PAGE).items;
  const lose = (...lost: FakeHost[]) => lost.forEach((host) => host.disconnect());
  return { world, after, hosts: hosts as [FakeHost, FakeHost, FakeHost, FakeHost], told, incidents, lose };
}

t.test('hosts that go away together are one incident, which ends when the last is back', async (t) => {
  const { world, after, hosts, told, incidents, lose } = await fleet(t);
  const [a, b, c, d] = hosts;
  lose(a, b);
  await after(20);
  lose(c);
  await after(9);
  t.strictSame(incidents(), []);
  await after(1);
  t.match(incidents(), [{ kind: 'hosts.mass_disconnect', hostCount: 3, awayCount: 3, endedAt: null }]);
  for (const host of [a, b, c]) t.equal(told(host).at(-1), 'offline');
  t.equal(told(d).at(-1), 'connected');
  await after(100);
  t.equal(incidents().length, 1, 'it is told of once');
  await a.connect(world);
  await b.connect(world);
  t.match(incidents(), [{ hostCount: 3, awayCount: 1, endedAt: null }]);
  t.equal(told(a).at(-1), 'connected');
  await c.connect(world);
  t.match(incidents(), [{ hostCount: 3, awayCount: 0, endedAt: world.clock.now() }]);
});

t.test('two that go away are two hosts that went away', async (t) => {
  const { after, hosts, told, incidents, lose } = await fleet(t);
  lose(hosts[0], hosts[1]);
  await after(60);
  t.strictSame(incidents(), []);
  t.equal(told(hosts[0]).at(-1), 'offline');
});

t.test('what is lost soon after belongs to it, what is lost later does not', async (t) => {
  const { after, hosts, incidents, lose } = await fleet(t);
  const [a, b, c, d] = hosts;
  lose(a, b, c);
  await after(25);
  lose(d);
  await after(30);
  t.match(incidents(), [{ hostCount: 4 }]);
});

t.test('a later fault is another incident, though a host of the first never came back', async (t) => {
  const { world, after, hosts, incidents, lose } = await fleet(t);
  const [a, b, c, d] = hosts;
  lose(a, b, c);
  await after(30);
  await b.connect(world);
  await c.connect(world);
  await after(15 * 60);
  lose(b, c, d);
  await after(30);
  t.match(incidents(), [
    { hostCount: 3, awayCount: 3, endedAt: null },
    { hostCount: 3, awayCount: 1, endedAt: null },
  ]);
  for (const host of [b, c, d]) await host.connect(world);
  t.match(incidents(), [
    { awayCount: 0, endedAt: world.clock.now() },
    { awayCount: 1, endedAt: null },
  ]);
  await a.connect(world);
  t.match(incidents()[1], { awayCount: 0, endedAt: world.clock.now() });
});

t.test('a fault that comes and goes is one incident', async (t) => {
  const { world, after, hosts, incidents, lose } = await fleet(t);
  const [a, b, c, d] = hosts;
  lose(a, b, c);
  await after(30);
  await b.connect(world);
  await c.connect(world);
  await after(60);
  lose(b, c, d);
  await after(30);
  t.match(incidents(), [{ hostCount: 4, awayCount: 4 }]);
});

t.test('a host that is shut out is waited for no longer', async (t) => {
  const { world, after, hosts, incidents, lose } = await fleet(t);
  const [a, b, c] = hosts;
  lose(a, b, c);
  await after(30);
  await a.connect(world);
  await b.connect(world);
  await world.app.hosts.revoke(ADMIN, c.id);
  t.match(incidents(), [{ awayCount: 0, endedAt: world.clock.now() }]);
});

t.test('our own restart is no incident; hosts that do not come back after it are one', async (t) => {
  const { world, hosts } = await fleet(t);
  const [a, ...rest] = hosts;
  const next = world.crash();
  const after = watch(next);
  await after(100);
  t.equal(next.app.incidents.list(ADMIN, PAGE).total, 0);
  await a.connect(next);
  await after(20);
  t.match(next.app.incidents.list(ADMIN, PAGE).items, [{ hostCount: rest.length }]);
  const again = next.crash();
  for (const host of rest) await host.connect(again);
  t.match(again.app.incidents.list(ADMIN, PAGE).items, [{ awayCount: 0, endedAt: again.clock.now() }]);
});

t.test('A07: a key that is bound to hosts sees its own hosts of an incident, and no incident of others', async (t) => {
  const { world, after, hosts, incidents, lose } = await fleet(t);
  const bound = (hostLabels: Record<string, string>) => ({ ...ADMIN, hostLabels });
  lose(hosts[0], hosts[2], hosts[3]);
  await after(30);
  t.match(incidents(bound({ zone: 'eu' })), [{ hostCount: 1, awayCount: 1 }]);
  t.match(incidents(bound({ zone: 'us' })), [{ hostCount: 2 }]);
  t.strictSame(incidents(bound({ zone: 'mars' })), []);
  const [{ id } = { id: '' }] = incidents();
  const { app } = world;
  t.strictSame(
    app.incidents.require(bound({ zone: 'eu' }), id).hosts.map(({ name }) => name),
    ['h1'],
  );
  t.notMatch(app.incidents.require(bound({ zone: 'eu' }), id).message, /3 hosts/);
  t.throws(() => app.incidents.require(bound({ zone: 'mars' }), id), { code: 'not_found' });
  t.throws(() => app.incidents.list({ ...ADMIN, customerId: 'cust_1' }, PAGE), { code: 'forbidden' });
});

t.test('lists by kind and by whether they are over', async (t) => {
  const { world, after, hosts, lose } = await fleet(t);
  const count = (query: object) => world.app.incidents.list(ADMIN, { ...PAGE, ...query }).total;
  lose(hosts[0], hosts[1], hosts[2]);
  await after(30);
  t.equal(count({ status: 'open' }), 1);
  t.equal(count({ status: 'resolved' }), 0);
  t.equal(count({ kind: 'host.identity_conflict' }), 0);
  t.equal(count({ kind: 'hosts.mass_disconnect', status: 'open' }), 1);
});

t.test('an endpoint hears of the incident instead of each host, unless it did not ask for incidents', async (t) => {
  const world = startWebhooks(t);
  const receiver = await startReceiver(t);
  const { after, hosts, lose } = await fleet(t, world);
  const everything = (await subscribe(world, receiver.url)).webhook.id;
  const hostsOnly = (await subscribe(world, receiver.url, { events: ['host.*'] })).webhook.id;
  const bound = { ...ADMIN, hostLabels: { zone: 'eu' } };
  const some = (await world.app.webhooks.create(bound, { url: receiver.url, events: ['*'] })).webhook.id;
  lose(hosts[0], hosts[1], hosts[2]);
  await after(30);
  for (const host of hosts.slice(0, 3)) await host.connect(world);
  const typesOf = (id: string) => deliveriesOf(world, id).map(({ type }) => type);
  for (const id of [everything, hostsOnly, some]) {
    await untilState(world, id, (all) => all.length > 1 && all.every(({ state }) => state === 'delivered'));
  }
  t.strictSame(typesOf(everything), ['incident.opened', 'incident.resolved']);
  t.strictSame(typesOf(hostsOnly).toSorted(), [...Array(3).fill('host.connected'), ...Array(3).fill('host.offline')]);
  t.strictSame(typesOf(some).toSorted(), [...Array(2).fill('host.connected'), ...Array(2).fill('host.offline')]);
  const opened = receiver.received.map(({ payload }) => payload).find(({ type }) => type === 'incident.opened');
  const parts = receiver.received.filter(({ payload }) => payload.type === 'host.offline');
  for (const { payload } of parts) t.strictSame(Object.keys(payload.data['incident'] ?? {}), ['id', 'kind']);
  t.equal(parts.length, 3 + 2);
  t.match(opened?.data, { status: 'opened', host: null, incident: { kind: 'hosts.mass_disconnect', ended_at: null } });
});

/** What the gateway tells of two machines with one key. */
const clash = (world: ControlWorld, hostId: string, bootIds = ['boot-here', 'boot-clone']) =>
  world.stores.writer.write((tx) => {
    const machines = { bootIds, addresses: ['192.0.2.1', '192.0.2.2'] };
    return world.parts.incidents.noteConflict(tx, hostId, machines, world.clock.now());
  });

t.test('F26: a host that is two machines is given no work until it is one again', async (t) => {
  const { world, hosts, incidents, told } = await fleet(t);
  const [a] = hosts;
  const id = await world.deployed(a, 'web');
  await clash(world, a.id);
  t.match(world.app.hosts.require(ADMIN, a.id), { status: 'fenced', statusSince: world.clock.now() });
  t.match(incidents(), [{ kind: 'host.identity_conflict', hostCount: 1, endedAt: null }]);
  t.match(incidents()[0]?.message, /192\.0\.2\.1 and 192\.0\.2\.2/);
  await t.rejects(world.app.services.act(ADMIN, id, 'restart', 0), { code: 'host_offline' });
  await world.create('elsewhere').then(({ service }) => t.not(service.hostId, a.id));
  const waiting = (await world.create('waits', { hostId: a.id })).job;
  world.dispatcher.nudge(a.id);
  await world.dispatcher.idle();
  t.notOk(
    a.offers().some(({ jobId }) => jobId === waiting.id),
    'one of the two is connected, and gets nothing',
  );

  const newcomer = await world.join({}, 'copy');
  newcomer.proof = ((proof) => () => ({ ...proof, bootId: 'boot-clone' }))(newcomer.proof());
  await newcomer.connect(world);
  t.match(incidents(), [{ endedAt: world.clock.now(), awayCount: 0 }], 'the copy is a host of its own');
  t.equal(world.app.hosts.require(ADMIN, a.id).status, 'connected');
  world.dispatcher.nudge(a.id);
  t.ok(await a.offered(waiting.id));
  t.ok(told(a).includes('identity_settled'));
});

t.test('F26: alone for a while, it is one machine again; the same clash is another incident then', async (t) => {
  const { world, after, hosts, incidents } = await fleet(t);
  const [a] = hosts;
  a.disconnect();
  await clash(world, a.id);
  await after(600);
  t.match(incidents(), [{ endedAt: null }], 'neither is here');
  await a.connect(world);
  await after(89);
  t.match(incidents(), [{ endedAt: null }]);
  await after(1);
  t.match(incidents(), [{ endedAt: world.clock.now() }]);
  await clash(world, a.id);
  t.equal(incidents().length, 2);
});

t.test('F26: machines that come and go as one host are told of once, and not as offline', async (t) => {
  const { world, after, hosts, told, incidents } = await fleet(t);
  const [a] = hosts;
  for (let i = 0; i < 3; i++) {
    a.disconnect();
    if (i === 0) await clash(world, a.id);
    await after(60);
    await a.connect(world);
    await after(5);
  }
  t.equal(incidents().length, 1);
  t.notOk(told(a).includes('offline'));
});

t.test('F26: a fence outlives a restart of control, revoking ends it', async (t) => {
  const { world, hosts } = await fleet(t);
  await clash(world, hosts[0].id);
  const next = world.crash();
  t.equal(next.app.hosts.require(ADMIN, hosts[0].id).status, 'fenced');
  await next.app.hosts.revoke(ADMIN, hosts[0].id);
  t.match(next.app.incidents.list(ADMIN, PAGE).items, [{ endedAt: next.clock.now() }]);
});
