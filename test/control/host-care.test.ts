// What operators do to hosts: names, labels, cordons, removal.
import t from 'tap';
import { ADMIN, ControlWorld } from '../support/control-world.ts';
import { eventually } from '../support/eventually.ts';
import { reportOf, type FakeHost } from '../support/fake-host.ts';

const PAGE = { page: 1, perPage: 50 };
const bound = (hostLabels: Record<string, string>) => ({ ...ADMIN, hostLabels });

const told = (world: ControlWorld, { id }: FakeHost): string[] =>
  world.app.hosts.events(ADMIN, id, { ...PAGE, order: 'asc' }).items.map(({ status }) => status);

t.test('machines of one name are hosts of different names', async (t) => {
  const world = new ControlWorld(t);
  for (const hostname of ['Web', 'web', 'web']) await world.join({}, hostname);
  t.strictSame(
    world.app.hosts.list(ADMIN, PAGE).items.map(({ name }) => name),
    ['web', 'web-2', 'web-3'],
  );
});

t.test('a machine that was set up anew takes the name of the one that was shut out', async (t) => {
  const world = new ControlWorld(t);
  const old = await world.join({}, 'web');
  await world.app.hosts.revoke(ADMIN, old.id);
  const anew = await world.join({}, 'web');
  t.equal(world.app.hosts.require(ADMIN, anew.id).name, 'web');
  world.clock.advance(1000);
  await old.enrol(world, (await world.app.joinTokens.create(ADMIN, {})).id);
  t.match(world.app.hosts.require(ADMIN, old.id), { name: 'web-2', status: 'offline' });
});

t.test('a host is renamed and labelled; a key that is bound to labels keeps them on', async (t) => {
  const world = new ControlWorld(t);
  const host = await world.joinAndConnect({ zone: 'eu', old: 'x' }, 'one');
  await world.join({}, 'two');
  const { hostCare } = world.app;
  const changed = await hostCare.change(ADMIN, host.id, { name: 'web-1', labels: { tier: 'front', old: null } });
  t.match(changed, { name: 'web-1', labels: { zone: 'eu', tier: 'front' } });
  t.notOk('old' in changed.labels);
  await hostCare.change(ADMIN, host.id, { name: 'web-1', labels: { tier: 'front' } });
  t.strictSame(told(world, host), ['joined', 'connected', 'renamed', 'labelled'], 'what changes nothing is not told');
  await t.rejects(hostCare.change(ADMIN, host.id, { name: 'two' }), { code: 'name_taken' });
  await t.rejects(hostCare.change(ADMIN, host.id, { name: '-rf' }), { code: 'validation_error' });
  await t.rejects(hostCare.change(bound({ zone: 'us' }), host.id, { name: 'x' }), { code: 'not_found' });
  await t.rejects(hostCare.change(bound({ zone: 'eu' }), host.id, { labels: { zone: null } }), { code: 'forbidden' });
  await t.rejects(hostCare.change({ ...ADMIN, customerId: 'cust_1' }, host.id, { name: 'x' }), { code: 'forbidden' });
  const many = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`l${i}`, 'x']));
  await t.rejects(hostCare.change(ADMIN, host.id, { labels: many }), { code: 'validation_error' });
  t.equal((await hostCare.change(bound({ zone: 'eu' }), host.id, { labels: { a: 'b' } })).labels['a'], 'b');
});

t.test('a cordoned host gets no new service and keeps what it has', async (t) => {
  const world = new ControlWorld(t);
  const host = await world.joinAndConnect();
  const id = await world.deployed(host, 'there');
  const { hostCare } = world.app;
  t.match(await hostCare.cordon(ADMIN, host.id), { cordonedAt: world.clock.now(), drainedAt: null });
  await hostCare.cordon(ADMIN, host.id);
  await t.rejects(world.create('asked', { hostId: host.id }), { code: 'host_cordoned', status: 409 });
  await t.rejects(world.create('placed'), { code: 'no_host' });
  const other = await world.joinAndConnect({}, 'other');
  t.equal((await world.create('placed')).service.hostId, other.id);
  const { job } = await world.app.services.redeploy(ADMIN, id, { pull: 'missing' });
  await host.finish(job.id);
  await hostCare.uncordon(ADMIN, host.id);
  t.equal((await world.create('asked', { hostId: host.id })).service.hostId, host.id);
  t.strictSame(told(world, host).slice(2), ['cordoned', 'uncordoned']);
});

t.test('sets make no members on a cordoned host until it is uncordoned', async (t) => {
  const world = new ControlWorld(t);
  const first = await world.joinAndConnect({ zone: 'eu' }, 'first');
  const closed = await world.joinAndConnect({ zone: 'eu' }, 'closed');
  await world.app.hostCare.cordon(ADMIN, closed.id);
  const { service } = await world.create('every', { placement: { labels: { zone: 'eu' }, replicas: 'per_host' } });
  await world.parts.rollouts.idle();
  t.equal(service.hostId, first.id);
  await first.finish(await eventually(() => first.offers().at(-1)?.jobId ?? '', { until: Boolean }));
  await world.parts.rollouts.sweep();
  t.strictSame(world.stores.services.ofHost(closed.id), []);
  await world.app.hostCare.uncordon(ADMIN, closed.id);
  await world.parts.rollouts.sweep();
  t.match(world.stores.services.ofHost(closed.id), [{ name: 'every' }]);
});

t.test('a host with services is removed only by force, and its containers are not touched', async (t) => {
  const world = new ControlWorld(t);
  const host = await world.joinAndConnect({ zone: 'eu' });
  const id = await world.deployed(host, 'a');
  const { hostCare, hosts, services, jobs } = world.app;
  await t.rejects(hostCare.remove(ADMIN, host.id, false), { code: 'in_use', message: /"a"/ });
  await t.rejects(hostCare.remove(bound({ zone: 'us' }), host.id, true), { code: 'not_found' });
  const { job } = await services.act(ADMIN, id, 'restart', 0);
  const before = host.received.length;
  await hostCare.remove(ADMIN, host.id, true);
  t.throws(() => hosts.require(ADMIN, host.id), { code: 'not_found' });
  t.equal(hosts.list(ADMIN, PAGE).total, 0);
  t.throws(() => services.require(ADMIN, id), { code: 'not_found' });
  t.match(jobs.detail(ADMIN, job.id), { state: 'failed', error: { code: 'revoked' } });
  t.equal(world.sessions.find(host.id), undefined);
  t.notOk(world.stores.tombstones.find(id), 'nothing tells the host to forget it');
  const sent = host.received
    .slice(before)
    .filter(({ body }) => body.kind !== 'job.offer' || body.offer.jobId !== job.id);
  t.strictSame(sent, []);
  await t.rejects(hostCare.remove(ADMIN, host.id, true), { code: 'not_found' });
});

t.test(
  'F48: a removed host that returns is revoked; a newer token lets it in, with its services unknown',
  async (t) => {
    const world = new ControlWorld(t);
    const host = await world.joinAndConnect({}, 'web');
    const id = await world.deployed(host, 'a');
    host.memory.services = [{ serviceId: id, revision: 1 }] as typeof host.memory.services;
    host.disconnect();
    await world.app.hostCare.remove(ADMIN, host.id, true);
    t.match(world.registry.findHostByKey(host.agentKey), { isRevoked: true });
    await world.join({}, 'web');
    t.equal(world.app.hosts.list(ADMIN, PAGE).items[0]?.name, 'web', 'its name is free');
    const hostId = host.id;
    world.clock.advance(1000);
    const { id: tokenId } = await world.app.joinTokens.create(ADMIN, {});
    await host.enrol(world, tokenId);
    await host.connect(world);
    t.equal(host.id, hostId);
    t.match(world.app.hosts.require(ADMIN, hostId), { name: 'web-2', status: 'connected', cordonedAt: null });
    await host.tell({ kind: 'service.report', report: reportOf(id) });
    t.notOk(told(world, host).includes('protocol_violation'), 'what it tells of them is not its fault');
    t.notOk(
      host.received.some(({ body }) => body.kind === 'service.forget'),
      'and they run on',
    );
  },
);

t.test('what was shut out has nothing left to change, but is removed', async (t) => {
  const world = new ControlWorld(t);
  const host = await world.joinAndConnect();
  await world.app.hosts.revoke(ADMIN, host.id);
  const { hostCare } = world.app;
  await t.rejects(hostCare.cordon(ADMIN, host.id), { code: 'state_conflict' });
  await t.rejects(hostCare.drain(ADMIN, host.id), { code: 'state_conflict' });
  await t.rejects(hostCare.undrain(ADMIN, host.id), { code: 'state_conflict' });
  await hostCare.remove(ADMIN, host.id, false);
  t.equal(world.app.hosts.list(ADMIN, PAGE).total, 0);
});

t.test('says since when a host is what it is, and how old its facts are', async (t) => {
  const world = new ControlWorld(t);
  const host = await world.joinAndConnect();
  const at = world.clock.now();
  world.clock.advance(5000);
  t.match(world.app.hosts.require(ADMIN, host.id), { status: 'connected', statusSince: at, factsAt: at });
  await host.tell({ kind: 'host.facts', facts: { ...host.proof().facts, memoryFreeBytes: 1 }, at: 1 });
  t.equal(world.app.hosts.require(ADMIN, host.id).factsAt, world.clock.now());
  host.disconnect();
  await world.stores.writer.idle();
  const lost = world.clock.now();
  world.clock.advance(5000);
  t.match(world.app.hosts.require(ADMIN, host.id), { status: 'offline', statusSince: lost, lastSeenAt: lost });
});

t.test('an agent that comes back with another version was upgraded', async (t) => {
  const world = new ControlWorld(t);
  const host = await world.joinAndConnect();
  host.disconnect();
  const facts = { ...host.proof().facts, agentVersion: '9.9.9' };
  host.proof = ((proof) => () => ({ ...proof, facts }))(host.proof());
  await host.connect(world);
  t.ok(told(world, host).includes('upgraded'));
});
