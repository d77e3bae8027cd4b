// What the timeline says of hosts that come and go.
import t, { type Test } from 'tap';
import { HostPresence } from '../../control/app/hosts/host-presence.ts';
import { ADMIN, ControlWorld } from '../support/control-world.ts';

const SECOND = 1000;

const watchHosts = ({ stores, links, parts: { incidents }, clock }: ControlWorld) =>
  new HostPresence({ stores, links, incidents, clock });

function watch(t: Test) {
  const world = new ControlWorld(t);
  const presence = watchHosts(world);
  const after = async (seconds: number) => {
    world.clock.advance(seconds * SECOND);
    await presence.sweep();
  };
  const told = (hostId: string) =>
    world.stores.events.list({ hostId, type: 'host', page: 1, perPage: 50, order: 'asc' }).items.map((it) => it.status);
  return { world, after, told, presence };
}

t.test('a host that connects and goes away is told of, each once', async (t) => {
  const { world, after, told } = watch(t);
  await after(200);
  const host = await world.join();
  world.clock.advance(SECOND);
  await host.connect(world);
  t.strictSame(told(host.id), ['joined', 'connected']);
  host.disconnect();
  await world.stores.writer.idle();
  await after(29);
  t.strictSame(told(host.id), ['joined', 'connected']);
  await after(1);
  await after(100);
  t.strictSame(told(host.id), ['joined', 'connected', 'offline']);
  await host.connect(world);
  t.strictSame(told(host.id), ['joined', 'connected', 'offline', 'connected']);
});

t.test('a link that breaks for a moment is no news', async (t) => {
  const { world, after, told } = watch(t);
  await after(200);
  const host = await world.join();
  world.clock.advance(SECOND);
  await host.connect(world);
  for (let i = 0; i < 3; i++) {
    host.disconnect();
    await world.stores.writer.idle();
    await after(10);
    await host.connect(world);
  }
  t.strictSame(told(host.id), ['joined', 'connected']);
});

t.test('our own restart is no news; a host that does not come back after it is', async (t) => {
  const { world } = watch(t);
  const [back, lost] = [await world.joinAndConnect({}, 'back'), await world.joinAndConnect({}, 'lost')];
  const next = world.crash();
  const presence = watchHosts(next);
  const told = (hostId: string) =>
    next.stores.events.list({ hostId, page: 1, perPage: 50 }).items.filter(({ status }) => status !== 'joined');
  next.clock.advance(100 * SECOND);
  await presence.sweep();
  await back.connect(next);
  next.clock.advance(30 * SECOND);
  await presence.sweep();
  t.same(
    told(back.id).map((it) => it.status),
    ['connected'],
  );
  t.same(
    told(lost.id)
      .map((it) => it.status)
      .toSorted(),
    ['connected', 'offline'],
  );
});

t.test('F36: a clock that is set while hosts come back after our start makes none of them lost', async (t) => {
  const { world } = watch(t);
  const hosts = await Promise.all(['a', 'b', 'c'].map((name) => world.joinAndConnect({}, name)));
  const next = world.crash();
  const presence = watchHosts(next);
  next.clock.jump(3600 * SECOND);
  await presence.sweep();
  t.equal(next.app.incidents.list(ADMIN, { page: 1, perPage: 50 }).total, 0);
  for (const host of hosts) await host.connect(next);
});

t.test('F36: a clock that is set back delays no news', async (t) => {
  const { world, after, told } = watch(t);
  const host = await world.joinAndConnect({}, 'a');
  await after(200);
  host.disconnect();
  await world.stores.writer.idle();
  world.clock.jump(-3600 * SECOND);
  await after(30);
  t.ok(told(host.id).includes('offline'));
});

t.test('F36: a clock that is set back after our start delays no news', async (t) => {
  const { world } = watch(t);
  const { id } = await world.joinAndConnect({}, 'a');
  const next = world.crash();
  const presence = watchHosts(next);
  next.clock.jump(-3600 * SECOND);
  next.clock.advance(150 * SECOND);
  await presence.sweep();
  const events = next.stores.events.list({ hostId: id, type: 'host', page: 1, perPage: 50, order: 'asc' }).items;
  t.ok(events.some(({ status }) => status === 'offline'));
});

t.test('a revoked host is revoked, not offline as well', async (t) => {
  const { world, after, told } = watch(t);
  await after(200);
  const host = await world.joinAndConnect();
  await world.app.hosts.revoke(ADMIN, host.id);
  await after(60);
  t.notOk(told(host.id).includes('offline'));
  t.ok(told(host.id).includes('revoked'));
});
