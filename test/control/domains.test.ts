// Names of services over the real app and store, and a host that is told of them.
import t, { type Test } from 'tap';
import type { EdgeState, EdgeStatus } from '#shared/protocol/edge-parts.ts';
import type { Caller } from '../../control/app/api/caller.ts';
import type { EdgeSettings } from '../../control/app/domains/edges.ts';
import { ADMIN, ControlWorld } from '../support/control-world.ts';
import { eventually } from '../support/eventually.ts';
import { FACTS, type FakeHost } from '../support/fake-host.ts';
import { faultCode } from '../support/fault-code.ts';

const BASE = 'apps.example.com';
const SHOP = 'shop.example.org';
const ACME: EdgeSettings['issuer'] = { kind: 'acme', email: null, directory: null };
const BY_AGE = { page: 1, perPage: 50, sort: 'created_at', order: 'asc' } as const;

async function startScene(t: Test, { baseDomain = BASE, issuer = ACME }: Partial<EdgeSettings> = {}) {
  const world = new ControlWorld(t, { edge: { baseDomain, issuer } });
  const host = await world.joinAndConnect();
  const serviceId = await world.deployed(host, 'web');
  await world.app.hostEdges.change(ADMIN, host.id, { addresses: ['192.0.2.1'] });
  return { world, host, serviceId };
}

const sweep = (world: ControlWorld) => world.parts.edgeKeeper.sweep();

/** What the host was told last. */
const toldOf = (host: FakeHost): EdgeState | undefined =>
  host.received.flatMap(({ body }) => (body.kind === 'edge.put' ? [body.state] : [])).at(-1);

const namesOf = (world: ControlWorld, serviceId: string, caller: Caller = ADMIN) =>
  world.app.domains.list(caller, serviceId, BY_AGE).items.map(({ hostname }) => hostname);

/** Waits until the host has this revision. */
const told = (host: FakeHost, revision: number): Promise<EdgeState | undefined> =>
  eventually(() => toldOf(host), { until: (state) => state?.revision === revision });

t.test('a service has a name below the base domain, in its url, and its host is told', async (t) => {
  const { world, host, serviceId } = await startScene(t);
  await sweep(world);
  t.same(namesOf(world, serviceId), [`web.${BASE}`]);
  t.equal(world.app.services.require(ADMIN, serviceId).hostname, `web.${BASE}`);
  t.match(await told(host, 1), { edge: 'caddy', issuer: ACME, routes: [{ hostname: `web.${BASE}`, serviceId }] });
  await sweep(world);
  t.equal(host.received.filter(({ body }) => body.kind === 'edge.put').length, 1, 'nothing new, nothing said');
});

t.test('without a base domain nobody has a name, and no host hears of an edge', async (t) => {
  const { world, host, serviceId } = await startScene(t, { baseDomain: null });
  await sweep(world);
  t.same(namesOf(world, serviceId), []);
  t.equal(toldOf(host), undefined);
  t.equal(await faultCode(world.app.domains.create(ADMIN, serviceId, { hostname: SHOP })), 'state_conflict');
});

t.test('a name of its own: added, aimed elsewhere, taken away', async (t) => {
  const { world, host, serviceId } = await startScene(t);
  world.addresses.set(SHOP, ['192.0.2.1']);
  const { domains } = world.app;
  const { id, dns } = await domains.create(ADMIN, serviceId, { hostname: SHOP, target: 'web', port: 8080 });
  t.match(dns, { state: 'here', addresses: ['192.0.2.1'] });
  await sweep(world);
  t.match((await told(host, 1))?.routes, [{ hostname: SHOP, service: 'web', port: 8080 }, { hostname: `web.${BASE}` }]);
  await domains.change(ADMIN, serviceId, id, { target: null, redirectTo: `web.${BASE}` });
  await sweep(world);
  t.match((await told(host, 2))?.routes[0], { hostname: SHOP, service: null, port: 8080, redirectTo: `web.${BASE}` });
  await domains.remove(ADMIN, serviceId, id);
  await sweep(world);
  t.match((await told(host, 3))?.routes, [{ hostname: `web.${BASE}` }]);
});

t.test('what is asked of a name', async (t) => {
  const { world, serviceId } = await startScene(t);
  await sweep(world);
  const { domains, services, customers } = world.app;
  const customerId = (await customers.create(ADMIN, { name: 'Acme' })).id;
  const theirs = (await world.create('theirs', { customerId })).service.id;
  await domains.create(ADMIN, serviceId, { hostname: SHOP });
  const faults: [service: string, hostname: string, code: string][] = [
    [serviceId, SHOP, 'name_taken'],
    [theirs, SHOP, 'name_taken'],
    [theirs, `bank.${BASE}`, 'validation_error'],
    [theirs, BASE, 'validation_error'],
    [serviceId, 'panel.example.com', 'validation_error'],
    ['svc_none', 'other.example.org', 'not_found'],
  ];
  for (const [service, hostname, code] of faults) {
    t.equal(await faultCode(domains.create(ADMIN, service, { hostname })), code, hostname);
  }
  const loop = { hostname: 'a.example.org', redirectTo: 'a.example.org' };
  t.equal(await faultCode(domains.create(ADMIN, serviceId, loop)), 'validation_error');
  const own = domains.list(ADMIN, serviceId, BY_AGE).items.find(({ kind }) => kind === 'default');
  t.equal(await faultCode(domains.remove(ADMIN, serviceId, own?.id ?? '')), 'state_conflict', 'its own name stays');
  t.ok(services.require(ADMIN, theirs));
});

t.test('names below a zone that Longshore writes are for operators to give', async (t) => {
  const { world, serviceId } = await startScene(t);
  const { domains, customers } = world.app;
  const settings = { provider: 'cloudflare' };
  const zone = { id: 'zone_1', name: 'zone.example', settings, ttlS: 300, createdAt: 1, updatedAt: 1 };
  await world.stores.writer.write(() => world.stores.dns.insertZone(zone, 'token'));
  const customerId = (await customers.create(ADMIN, { name: 'Acme' })).id;
  const theirs = (await world.create('theirs', { customerId })).service.id;
  for (const hostname of ['login.zone.example', 'zone.example']) {
    const code = await faultCode(domains.create({ ...ADMIN, customerId }, theirs, { hostname }));
    t.equal(code, 'validation_error', hostname);
  }
  t.ok(await domains.create(ADMIN, theirs, { hostname: 'shop.zone.example' }), 'by an operator, for a customer');
  t.ok(await domains.create(ADMIN, serviceId, { hostname: 'www.zone.example' }));
});

t.test('whoever does not see a service sees no names of it', async (t) => {
  const { world, serviceId } = await startScene(t);
  const { domains } = world.app;
  const { id } = await domains.create(ADMIN, serviceId, { hostname: SHOP });
  const customerId = (await world.app.customers.create(ADMIN, { name: 'Acme' })).id;
  const own = (await world.create('own', { customerId })).service.id;
  for (const caller of [
    { ...ADMIN, customerId },
    { ...ADMIN, hostLabels: { zone: 'eu' } },
  ]) {
    t.throws(() => domains.list(caller, serviceId, BY_AGE), { code: 'not_found' });
    t.throws(() => domains.require(caller, serviceId, id), { code: 'not_found' });
    t.equal(await faultCode(domains.create(caller, serviceId, { hostname: 'x.example.org' })), 'not_found');
    t.equal(await faultCode(domains.change(caller, serviceId, id, { port: 1 })), 'not_found');
    t.equal(await faultCode(domains.remove(caller, serviceId, id)), 'not_found');
    t.equal(await faultCode(domains.verify(caller, serviceId, id)), 'not_found');
    t.equal(await faultCode(domains.removeCertificate(caller, serviceId, id)), 'not_found');
  }
  t.throws(() => domains.require({ ...ADMIN, customerId }, own, id), { code: 'not_found' }, 'by a service of its own');
});

t.test('a certificate is asked for only under names of this host that DNS leads here', async (t) => {
  const { world, host, serviceId } = await startScene(t);
  const { domains } = world.app;
  const { id } = await domains.create(ADMIN, serviceId, { hostname: SHOP });
  const other = await world.joinAndConnect({}, 'two');
  t.match(await domains.mayIssue(host.id, SHOP), { isAllowed: false });
  world.addresses.set(SHOP, ['192.0.2.1']);
  t.match(await domains.mayIssue(host.id, SHOP), { isAllowed: true });
  t.match(domains.require(ADMIN, serviceId, id).dns, { state: 'here' }, 'what was found is kept');
  t.match(await domains.mayIssue(other.id, SHOP), { isAllowed: false });
  world.silent.add(SHOP);
  t.match(await domains.mayIssue(host.id, SHOP), { isAllowed: true }, 'DNS is silent: what it said last counts');
  world.silent.delete(SHOP);
  t.match(await domains.mayIssue(host.id, 'none.example.org'), { isAllowed: false });
  const answer = await host.peer?.request('edge.may_issue', { hostname: SHOP });
  t.match(answer, { isAllowed: true }, 'asked by the host itself');
});

t.test('what the host says of its names is shown', async (t) => {
  const { world, host, serviceId } = await startScene(t);
  const { id } = await world.app.domains.create(ADMIN, serviceId, { hostname: SHOP });
  await sweep(world);
  const certificate = { state: 'issued' as const, issuer: 'CN=R3', notAfter: 99, error: null };
  const status: EdgeStatus = { revision: 1, fault: null, names: [{ hostname: SHOP, fault: null, certificate }], at: 5 };
  await host.tell({ kind: 'edge.status', status });
  t.match(world.app.domains.require(ADMIN, serviceId, id), { certificate: { ...certificate, source: 'acme' } });
  t.match(world.app.hostEdges.require(ADMIN, host.id), { wantedRevision: 1, status: { revision: 1, at: 5 } });
});

t.test('an edge that is switched off: no names, no url by name, and the host is told', async (t) => {
  const { world, host, serviceId } = await startScene(t);
  await sweep(world);
  await told(host, 1);
  await world.app.hostEdges.change(ADMIN, host.id, { edge: 'none' });
  await sweep(world);
  t.match(await told(host, 2), { edge: 'none', routes: [], certificates: [] });
  t.same([namesOf(world, serviceId), world.app.services.require(ADMIN, serviceId).hostname], [[], null]);
});

t.test('a deleted service has no name any more, also while its host is away', async (t) => {
  const { world, host, serviceId } = await startScene(t);
  await sweep(world);
  host.disconnect();
  await world.app.services.remove(ADMIN, serviceId, 0);
  await sweep(world);
  t.same(world.stores.domains.routed(), []);
});

t.test('a host that is away hears the latest when it is back, and nothing of what was before', async (t) => {
  const { world, host, serviceId } = await startScene(t);
  await sweep(world);
  await told(host, 1);
  host.disconnect();
  await eventually(() => world.app.hosts.require(ADMIN, host.id).status === 'offline');
  for (const hostname of ['a.example.org', 'b.example.org']) {
    await world.app.domains.create(ADMIN, serviceId, { hostname });
    await sweep(world);
  }
  await host.connect(world);
  await sweep(world);
  const routes = (await told(host, 2))?.routes.map(({ hostname }) => hostname);
  t.same(routes, ['a.example.org', 'b.example.org', `web.${BASE}`]);
});

t.test('only operators change the edge of a host', async (t) => {
  const { world, host } = await startScene(t);
  const { hostEdges } = world.app;
  const customerId = (await world.app.customers.create(ADMIN, { name: 'Acme' })).id;
  t.equal(await faultCode(hostEdges.change({ ...ADMIN, customerId }, host.id, { edge: 'none' })), 'forbidden');
  const elsewhere = { ...ADMIN, hostLabels: { zone: 'eu' } };
  t.throws(() => hostEdges.require(elsewhere, host.id), { code: 'not_found' });
  t.equal(await faultCode(hostEdges.change(elsewhere, host.id, { edge: 'none' })), 'not_found');
});

t.test('a host that is upgraded, or comes back with an older memory, is told anew', async (t) => {
  const { world, host } = await startScene(t);
  await sweep(world);
  await told(host, 1);
  await host.tell({ kind: 'host.facts', facts: { ...FACTS, agentVersion: '9.0.0' }, at: 1 });
  await sweep(world);
  t.ok(await told(host, 2));
  host.disconnect();
  host.memory.commandSeq = 0;
  await host.connect(world);
  await sweep(world);
  t.ok(await told(host, 3));
});
