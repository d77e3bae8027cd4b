// What the lists keep: never anything but what the database says.
import t from 'tap';
import { LongshoreError } from '#shared/errors.ts';
import { sha256 } from '#shared/secrets.ts';
import { ADMIN, ControlWorld } from '../support/control-world.ts';

const QUERY = { page: 1, perPage: 20, sort: 'name' as const, order: 'asc' as const };
const names = (world: ControlWorld, more: object = {}) => {
  const { items, total } = world.app.services.list(ADMIN, { ...QUERY, ...more });
  return [items.map(({ name }) => name).join(' '), total];
};

t.test('a list gives the same objects until a service changes', async (t) => {
  const world = new ControlWorld(t);
  const host = await world.joinAndConnect();
  const [a] = [await world.deployed(host, 'a'), await world.deployed(host, 'b')];
  const [first, second] = world.app.services.list(ADMIN, QUERY).items;
  t.equal(world.app.services.list(ADMIN, QUERY).items[0], first);
  const report = world.stores.services.find(a)?.report ?? null;
  const status = { lifecycle: 'stopped' as const, health: 'unknown' as const, reason: null, report, deployedAt: null };
  await world.stores.writer.write(() => world.stores.services.setStatus(a, status, 1));
  const after = world.app.services.list(ADMIN, QUERY).items;
  t.equal(after[0]?.lifecycle, 'stopped');
  t.not(after[0], first);
  t.equal(after[1], second, 'the other one is what it was');
});

t.test('lists and totals follow what comes, goes and changes its status', async (t) => {
  const world = new ControlWorld(t);
  const host = await world.joinAndConnect();
  t.strictSame(names(world), ['', 0]);
  const [a, b] = [await world.deployed(host, 'a'), await world.deployed(host, 'b')];
  t.strictSame(names(world), ['a b', 2]);
  t.strictSame(names(world, { status: 'running' }), ['a b', 2]);
  const report = { ...world.stores.services.find(a)?.report, lifecycle: 'stopped' as const };
  await host.tell({ kind: 'service.report', report: report as never });
  t.strictSame(
    [names(world), names(world, { status: 'running' })],
    [
      ['a b', 2],
      ['b', 1],
    ],
  );
  await world.stores.writer.write(() => world.stores.services.remove(b));
  t.strictSame(
    [names(world), names(world, { status: 'running' })],
    [
      ['a', 1],
      ['', 0],
    ],
  );
});

t.test('what a write reads and then takes back was never there', async (t) => {
  const world = new ControlWorld(t);
  const host = await world.joinAndConnect();
  const id = await world.deployed(host, 'a');
  t.strictSame(names(world), ['a', 1]);
  const { services, writer, hosts } = world.stores;
  const undone = writer.write(() => {
    services.setRevision(id, 9);
    hosts.setFacts(host.id, { ...host.proof().facts, addresses: ['198.51.100.9'] }, 1);
    t.equal(services.find(id)?.revision, 9, 'it sees its own change');
    t.strictSame(hosts.findCard(host.id)?.facts?.addresses, ['198.51.100.9']);
    services.remove(id);
    t.strictSame(names(world), ['', 0]);
    throw new LongshoreError('state_conflict');
  });
  await t.rejects(undone, { code: 'state_conflict' });
  t.equal(services.find(id)?.revision, 1);
  t.strictSame(hosts.findCard(host.id)?.facts?.addresses, []);
  t.strictSame(names(world), ['a', 1]);
});

t.test('a revoked key is a stranger at once, however often it has called', async (t) => {
  const world = new ControlWorld(t);
  const { key, secret } = await world.app.keys.create(ADMIN, { name: 'x', permissions: ['services.read'] });
  for (let i = 0; i < 3; i++) t.equal(world.app.keys.identify(secret)?.keyId, key.id);
  await world.app.keys.revoke(ADMIN, key.id);
  t.equal(world.app.keys.identify(secret), undefined);
});

t.test('a key that has expired is a stranger from that moment on', async (t) => {
  const world = new ControlWorld(t);
  const expiresAt = world.clock.now() + 1000;
  const { secret } = await world.app.keys.create(ADMIN, { name: 'x', permissions: ['services.read'], expiresAt });
  t.ok(world.app.keys.identify(secret));
  world.clock.advance(1000);
  t.equal(world.app.keys.identify(secret), undefined);
});

t.test('a revocation that is rolled back leaves the key as it was', async (t) => {
  const world = new ControlWorld(t);
  const { key, secret } = await world.app.keys.create(ADMIN, { name: 'x', permissions: ['services.read'] });
  t.ok(world.app.keys.identify(secret));
  const { keys, writer } = world.stores;
  const undone = writer.write(() => {
    keys.remove(key.id);
    t.equal(keys.findByHash(sha256(secret)), undefined);
    throw new LongshoreError('state_conflict');
  });
  await t.rejects(undone, { code: 'state_conflict' });
  t.equal(world.app.keys.identify(secret)?.keyId, key.id);
});

t.test('what is kept by a long filter is kept by that filter alone', async (t) => {
  const world = new ControlWorld(t);
  const host = await world.joinAndConnect();
  await world.deployed(host, 'a');
  const seenBy = (hostIds: string[]) =>
    world.stores.services.list({ ...QUERY, visibility: { customerId: null, hostIds } }).total;
  const others = Array.from({ length: 100 }, (_, i) => `host_${i}`);
  t.strictSame([seenBy(others), seenBy([...others, host.id]), seenBy(others)], [0, 1, 0]);
});
