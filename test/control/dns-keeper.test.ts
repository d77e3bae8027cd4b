// DNS kept as services want it: through failures, restarts, and hosts that are away.
import t, { type Test } from 'tap';
import { LongshoreError } from '#shared/errors.ts';
import type { OpenDnsProvider } from '../../control/app/dns/provider.ts';
import { ADMIN, ControlWorld } from '../support/control-world.ts';
import { eventually } from '../support/eventually.ts';

const ZONE = 'apps.example.com';
const WEB = `web.${ZONE}`;
const SETTINGS = { provider: 'cloudflare' } as const;

/** Remembers what it was asked, and fails while there is a fault. */
class FakeDns {
  readonly names = new Map<string, readonly string[]>();
  readonly secrets = new Set<string>();
  fault: LongshoreError | undefined;
  hangs = false;

  readonly open: OpenDnsProvider = ({ secret }) => {
    this.secrets.add(secret);
    return {
      check: (signal) => this.#do(signal, () => undefined),
      put: (hostname, addresses, signal) => this.#do(signal, () => void this.names.set(hostname, addresses)),
      remove: (hostname, signal) => this.#do(signal, () => void this.names.delete(hostname)),
    };
  };

  #do(signal: AbortSignal, act: () => void): Promise<void> {
    if (this.hangs) {
      return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
    }
    if (this.fault) return Promise.reject(this.fault);
    act();
    return Promise.resolve();
  }
}

async function startScene(t: Test) {
  const dns = new FakeDns();
  const world = new ControlWorld(t, { openDnsProvider: dns.open });
  const host = await world.joinAndConnect();
  const serviceId = await world.deployed(host, 'web');
  await setAddresses(world, host.id, ['192.0.2.1']);
  await world.parts.edgeKeeper.sweep();
  const zone = await world.app.dnsZones.create(ADMIN, NEW_ZONE);
  return { dns, world, host, serviceId, zone };
}

const BY_HOSTNAME = { page: 1, perPage: 10, sort: 'hostname', order: 'asc' } as const;
const NEW_ZONE = { name: ZONE, settings: SETTINGS, secret: 'token-1', ttlS: 60 };

const setAddresses = (world: ControlWorld, hostId: string, addresses: string[]): Promise<void> =>
  world.stores.writer.write(() =>
    world.stores.hostEdges.put({ hostId, edge: 'caddy', baseDomain: ZONE, addresses, updatedAt: world.clock.now() }),
  );

const sweep = (world: ControlWorld) => world.parts.dnsKeeper.sweep();

const told = (world: ControlWorld, serviceId: string): string[] =>
  world.stores.events
    .list({ page: 1, perPage: 100, serviceId, type: 'dns', order: 'asc' })
    .items.map(({ status, message }) => `${status}: ${message}`);

const nameOf = (world: ControlWorld) => world.stores.dns.findName(WEB);

t.test(
  'the name of a service leads to its host, and is gone with the service, also while the host is away',
  async (t) => {
    const { dns, world, host, serviceId } = await startScene(t);
    await sweep(world);
    t.same(dns.names.get(WEB), ['192.0.2.1']);
    t.match(nameOf(world), { state: 'present', dueAt: null });
    host.disconnect();
    await world.app.services.remove(ADMIN, serviceId, 0);
    await sweep(world);
    t.same([dns.names.size, nameOf(world)], [0, undefined]);
    t.same(told(world, serviceId), [`updated: ${WEB} leads to 192.0.2.1`, `removed: ${WEB} is gone from DNS`]);
  },
);

t.test('a sweep that finds nothing to do asks nobody', async (t) => {
  const { dns, world } = await startScene(t);
  await sweep(world);
  dns.fault = new LongshoreError('egress_failed');
  await sweep(world);
  t.match(nameOf(world), { state: 'present', error: null });
});

t.test('other addresses of the host reach DNS', async (t) => {
  const { dns, world, host } = await startScene(t);
  await sweep(world);
  await setAddresses(world, host.id, ['192.0.2.7', '2001:db8::7']);
  await sweep(world);
  t.same(dns.names.get(WEB), ['192.0.2.7', '2001:db8::7']);
});

t.test('a failure is told once and tried again, no deploy waits for it', async (t) => {
  const { dns, world, serviceId } = await startScene(t);
  dns.fault = new LongshoreError('dns_conflict', { message: 'taken' });
  await sweep(world);
  await sweep(world);
  t.match(nameOf(world), { state: 'pending', tries: 1, error: { code: 'dns_conflict' } }, 'not before its time');
  world.clock.advance(10_000);
  await sweep(world);
  t.match(nameOf(world), { tries: 2 });
  t.equal(world.app.services.require(ADMIN, serviceId).lifecycle, 'running');
  dns.fault = undefined;
  world.clock.advance(20_000);
  await sweep(world);
  t.match(nameOf(world), { state: 'present', tries: 0, error: null });
  t.same(told(world, serviceId), [`failed: ${WEB}: taken`, `updated: ${WEB} leads to 192.0.2.1`]);
});

t.test('a removal that fails is tried until it is done, over a crash as well', async (t) => {
  const { dns, world, host, serviceId } = await startScene(t);
  await sweep(world);
  dns.fault = new LongshoreError('egress_failed', { message: 'down' });
  const { job } = await world.app.services.remove(ADMIN, serviceId, 0);
  await host.finish(job.id);
  await sweep(world);
  const after = world.crash();
  t.match(nameOf(after), { state: 'removing', tries: 1 });
  dns.fault = undefined;
  after.clock.advance(10_000);
  await sweep(after);
  t.same([dns.names.size, nameOf(after)], [0, undefined]);
});

t.test('a host without a public address: the way out is said', async (t) => {
  const { dns, world, host, serviceId } = await startScene(t);
  await setAddresses(world, host.id, []);
  await sweep(world);
  t.equal(dns.names.size, 0);
  t.match(told(world, serviceId), [/^failed: web\.apps\.example\.com: Host "one" has no public address/]);
});

t.test('a provider that hangs is given up by our deadline, and holds up no stop', async (t) => {
  const { dns, world } = await startScene(t);
  dns.hangs = true;
  const swept = sweep(world);
  await eventually(() => {
    world.clock.advance(15_000);
    return nameOf(world)?.error?.code === 'timed_out';
  });
  await swept;
  world.clock.advance(60_000);
  const cut = sweep(world);
  await world.parts.dnsKeeper.close();
  await cut;
  t.match(nameOf(world), { state: 'pending', tries: 1 }, 'a stop is no failure');
});

t.test('what changes under way is not mistaken for what was done', async (t) => {
  const { dns, world, host } = await startScene(t);
  const put = dns.names.set.bind(dns.names);
  dns.names.set = (hostname, addresses) => {
    world.stores.dns.putName({ ...nameOf(world)!, addresses: ['192.0.2.9'] });
    return put(hostname, addresses);
  };
  await setAddresses(world, host.id, ['192.0.2.1']);
  await world.parts.dnsKeeper.sweep();
  t.match(nameOf(world), { state: 'pending', addresses: ['192.0.2.9'] });
});

t.test('a zone is asked before it is kept, and its secret stays with its settings', async (t) => {
  const { dns, world, zone } = await startScene(t);
  const { dnsZones } = world.app;
  await t.rejects(dnsZones.create(ADMIN, NEW_ZONE), { code: 'name_taken' });
  dns.fault = new LongshoreError('dns_refused', { message: 'wrong key' });
  await t.rejects(dnsZones.create(ADMIN, { ...NEW_ZONE, name: 'example.org' }), { message: 'wrong key' });
  const access = { settings: SETTINGS, secret: 'token-2' };
  await t.rejects(dnsZones.update(ADMIN, zone.id, { access }), { message: 'wrong key' });
  t.equal(world.stores.dns.secretOf(zone.id), 'token-1');
  dns.fault = undefined;
  await dnsZones.update(ADMIN, zone.id, { access, ttlS: 120 });
  t.equal(world.stores.dns.secretOf(zone.id), 'token-2');
  t.match(dnsZones.require(ADMIN, zone.id), { ttlS: 120 });
});

t.test('a mended zone is tried at once', async (t) => {
  const { dns, world, zone } = await startScene(t);
  dns.fault = new LongshoreError('dns_refused');
  await sweep(world);
  dns.fault = undefined;
  await world.app.dnsZones.update(ADMIN, zone.id, { access: { settings: SETTINGS, secret: 'token-2' } });
  await sweep(world);
  t.match(nameOf(world), { state: 'present' });
});

t.test('a zone with names of ours goes only when somebody says what becomes of them', async (t) => {
  const { dns, world, zone } = await startScene(t);
  await sweep(world);
  const { dnsZones } = world.app;
  t.match(dnsZones.names(ADMIN, zone.id, BY_HOSTNAME).items, [{ hostname: WEB, state: 'present' }]);
  await t.rejects(dnsZones.remove(ADMIN, zone.id, { keepsRecords: false }), { code: 'in_use' });
  await dnsZones.remove(ADMIN, zone.id, { keepsRecords: true });
  await sweep(world);
  t.same([dns.names.size, world.stores.dns.names().length], [1, 0]);
});

t.test('zones are for operators of the whole fleet', async (t) => {
  const { world, zone } = await startScene(t);
  const byName = { page: 1, perPage: 10, sort: 'name', order: 'asc' } as const;
  for (const bound of [{ customerId: 'cust_1' }, { hostLabels: { zone: 'eu' } }]) {
    const caller = { ...ADMIN, ...bound };
    const { dnsZones } = world.app;
    t.throws(() => dnsZones.list(caller, byName), { code: 'forbidden' });
    t.throws(() => dnsZones.require(caller, zone.id), { code: 'forbidden' });
    t.throws(() => dnsZones.names(caller, zone.id, BY_HOSTNAME), { code: 'forbidden' });
    await t.rejects(dnsZones.create(caller, { ...NEW_ZONE, name: 'example.org' }), { code: 'forbidden' });
    await t.rejects(dnsZones.update(caller, zone.id, { ttlS: 61 }), { code: 'forbidden' });
    await t.rejects(dnsZones.remove(caller, zone.id, { keepsRecords: true }), { code: 'forbidden' });
  }
});
