// What a set may be and who may have it: names, hosts, plans, customers, keys, and what is not done to a single member.
import t from 'tap';
import { LongshoreError } from '#shared/errors.ts';
import { ADMIN, COMPOSE, ControlWorld } from '../support/control-world.ts';
import { SetWorld } from '../support/set-world.ts';

const conflict = (message: RegExp) => ({ code: 'state_conflict', message });
const change = { compose: COMPOSE.replace('busybox:1', 'busybox:2') };

t.test(
  'a member is not changed, redeployed, rolled back or deleted by itself; it is stopped and started',
  async (t) => {
    const it = await SetWorld.start(t, ['a']);
    await it.finishAll();
    const { services, revisions } = it.world.app;
    const id = it.target('a')?.serviceId ?? '';
    it.hosts['a']?.disconnect();
    const host = it.hosts['a'];
    if (host) host.answers = { 'service.revisions': async () => ({ current: 1, revisions: [] }) };
    await host?.connect(it.world);
    const named = conflict(new RegExp(`member of set ${it.id}`));
    await t.rejects(services.update(ADMIN, id, change), named);
    await t.rejects(services.redeploy(ADMIN, id, {}), named);
    await t.rejects(services.remove(ADMIN, id, 0), named);
    await t.rejects(revisions.rollback(ADMIN, id, undefined), { code: 'state_conflict' });
    const { job } = await services.act(ADMIN, id, 'stop', 0);
    await host?.finish(job.id, {}, { lifecycle: 'stopped' });
    t.match(services.require(ADMIN, id), { lifecycle: 'stopped', setId: it.id });
  },
);

t.test('a name that is taken on one of the hosts refuses the set as a whole', async (t) => {
  const it = new SetWorld(new ControlWorld(t));
  for (const name of ['a', 'b']) await it.join(name);
  const { b } = it.hosts;
  if (b) await it.world.deployed(b, 'web');
  await t.rejects(it.create(), { code: 'name_taken', message: 'Host "b" already has a service "web"' });
  t.strictSame(it.world.stores.sets.all(), []);
});

t.test('a name that is taken on a host by the time of its turn halts the rollout', async (t) => {
  const it = await SetWorld.start(t, ['a', 'b']);
  const { b } = it.hosts;
  if (b) await it.world.deployed(b, 'web');
  await it.finish('a');
  t.match(it.rollout, {
    state: 'halted',
    halt: { hostId: b?.id, serviceId: null, jobId: null, reason: /already has a/ },
  });
});

t.test('a set needs a host, and its hosts cannot be named', async (t) => {
  const it = new SetWorld(new ControlWorld(t));
  await t.rejects(it.create(), { code: 'no_host', message: 'No host has the labels zone=eu' });
  const a = await it.join('a');
  await t.rejects(it.create({}, { hostId: a.id }), { code: 'validation_error', fields: { host_id: /./ } });
});

t.test('the limits of a plan count every member, before the first is made', async (t) => {
  const it = new SetWorld(new ControlWorld(t));
  for (const name of ['a', 'b', 'c']) await it.join(name);
  const small = await it.world.customer('small', { services: 2 });
  await t.rejects(it.create({}, { customerId: small }), { code: 'plan_limit', message: /limits services to 2/ });
  const tight = await it.world.customer('tight', { services: 5, memoryMb: 1000 });
  await t.rejects(it.create({}, { customerId: tight, limits: { memoryMb: 400 } }), { code: 'plan_limit' });
  await it.create({}, { customerId: tight, limits: { memoryMb: 300 } });
  await it.finishAll();
  t.equal(it.world.stores.services.allotted(tight).memoryMb, 900);
});

t.test('while its customer is suspended a rollout waits, and goes on when it is resumed', async (t) => {
  const it = new SetWorld(new ControlWorld(t));
  for (const name of ['a', 'b']) await it.join(name);
  const customerId = await it.world.customer('Acme');
  await it.create({}, { customerId });
  const { customers } = it.world.app;
  const deploy = it.target('a')?.jobId ?? '';
  const { jobIds } = await customers.suspend(ADMIN, customerId);
  await it.hosts['a']?.finish(deploy, { state: 'superseded' }, null);
  await it.hosts['a']?.finish(jobIds[0] ?? '', {}, { lifecycle: 'stopped' });
  await it.sweep();
  t.match(it.rollout, { state: 'running', counts: { pending: 2 } });
  await t.rejects(it.world.app.sets.redeploy(ADMIN, it.id, undefined), { code: 'customer_suspended' });
  const resumed = await customers.resume(ADMIN, customerId);
  await it.hosts['a']?.finish(resumed.jobIds[0] ?? '');
  await it.sweep();
  await it.finishAll();
  t.match(it.set, { state: 'steady', members: { total: 2, upToDate: 2 } });
  await t.rejects(customers.remove(ADMIN, customerId), { code: 'in_use' });
});

t.test('a set for a customer that is suspended is refused', async (t) => {
  const it = new SetWorld(new ControlWorld(t));
  await it.join('a');
  const customerId = await it.world.customer('Acme');
  await it.world.app.customers.suspend(ADMIN, customerId);
  await t.rejects(it.create({}, { customerId }), { code: 'customer_suspended' });
});

t.test('a change that is based on another revision is refused', async (t) => {
  const it = await SetWorld.start(t, ['a']);
  await it.finishAll();
  await it.world.app.sets.update(ADMIN, it.id, { ...change, revision: 1 });
  await t.rejects(it.world.app.sets.update(ADMIN, it.id, { variables: { A: 'b' }, revision: 1 }), {
    code: 'state_conflict',
    message: 'Set "web" has moved on: its revision is 2, not 1',
  });
});

t.test('A07: a set is for those who see every host it could come to, and it comes to no other', async (t) => {
  const it = new SetWorld(new ControlWorld(t));
  const [eu, web] = [{ zone: 'eu' }, { zone: 'eu', tier: 'web' }];
  const keyOf = async (hostLabels: Record<string, string> | undefined, customerId?: string) => {
    const { secret } = await it.world.app.keys.create(ADMIN, { name: 'k', permissions: ['*'], hostLabels, customerId });
    const caller = it.world.app.keys.identify(secret);
    if (!caller) throw new LongshoreError('internal');
    return caller;
  };
  it.hosts['a'] = await it.world.joinAndConnect(web, 'a');
  it.hosts['b'] = await it.world.joinAndConnect({ zone: 'us', tier: 'web' }, 'b');
  const european = await keyOf(eu);
  const placement = { labels: { tier: 'web' }, replicas: 'per_host' as const };
  const { service } = await it.world.create('web', { placement }, european);
  it.id = service.setId ?? '';
  t.strictSame(it.set.hostLabels, web, 'it is bound as its maker is');
  await it.finishAll();
  t.equal(it.hosts['b']?.offers().length, 0);

  const customer = await it.world.customer('Acme');
  const query = { page: 1, perPage: 20, sort: 'name', order: 'asc' } as const;
  const { sets } = it.world.app;
  for (const stranger of [
    await keyOf({ zone: 'us' }),
    await keyOf({ zone: 'eu', disk: 'ssd' }),
    await keyOf(undefined, customer),
  ]) {
    t.throws(() => sets.detail(stranger, it.id), { code: 'not_found' });
    t.throws(() => sets.rollout(stranger, it.id, it.rolloutId), { code: 'not_found' });
    await t.rejects(sets.update(stranger, it.id, change), { code: 'not_found' });
    await t.rejects(sets.redeploy(stranger, it.id, undefined), { code: 'not_found' });
    await t.rejects(sets.remove(stranger, it.id, 0), { code: 'not_found' });
    t.equal(sets.list(stranger, query).total, 0);
  }
  for (const caller of [european, await keyOf(web), await keyOf({ tier: 'web' })])
    t.equal(sets.list(caller, query).total, 1);
  const readmitted = await it.world.app.joinTokens.create(ADMIN, { labels: { zone: 'us' } });
  await it.world.app.hosts.revoke(ADMIN, it.hosts['a']?.id ?? '');
  it.world.clock.advance(1);
  const again = await it.world.app.joinTokens.create(ADMIN, { labels: { zone: 'us' } });
  t.ok(readmitted.id !== again.id);
  await it.hosts['a']?.enrol(it.world, again.id);
  t.throws(() => sets.detail(european, it.id), { code: 'not_found' }, 'a member on a host that it does not see');
  t.equal(sets.list(european, query).total, 0);
  t.equal(sets.list(ADMIN, query).total, 1);
});
