// Upgrades of hosts that are joined in memory: waves, halts, hosts that are away or too old, and a control plane that dies.
import t from 'tap';
import { LongshoreError } from '#shared/errors.ts';
import { SILENCE_LIMIT_MS } from '../../control/app/upgrades/standing.ts';
import { ADMIN } from '../support/control-world.ts';
import { FACTS, reportOf } from '../support/fake-host.ts';
import { UpgradeWorld } from '../support/upgrade-world.ts';

t.test('one host goes first, the others in waves, each after the one before is through', async (t) => {
  const it = await UpgradeWorld.start(t, ['a', 'b', 'c', 'd']);
  await it.begin({ wave: '2' });
  t.strictSame(it.shown, ['a 1 running', 'b - pending', 'c - pending', 'd - pending']);
  t.match(it.orders, { a: [{ version: '0.2.0', allowsDowngrade: false }] });
  t.equal(it.orders['b'], undefined, 'a release that does not work would have met one host');
  await it.finish('a');
  t.strictSame(it.shown, ['a 1 succeeded', 'b 2 running', 'c 2 running', 'd - pending']);
  await it.finish('b', 'c');
  await it.finish('d');
  t.match(it.upgrade, { state: 'succeeded', version: '0.2.0', counts: { succeeded: 4 } });
  t.strictSame(it.events('a'), ['upgrading: Being upgraded from 0.1.0 to 0.2.0'], 'that it came back is told as such');
});

t.test('a host that takes it back halts the upgrade; resuming tries it again under another order', async (t) => {
  const it = await UpgradeWorld.start(t, ['a', 'b']);
  await it.begin();
  await it.say('a', { phase: 'downloading', percent: 40 });
  t.match(it.at('a'), { phase: 'downloading', percent: 40, fromVersion: '0.1.0' });
  await it.say('a', { phase: 'reverted', reason: 'Its agent was not connected' });
  t.match(it.upgrade, { state: 'halted', halt: { hostId: it.hosts['a']?.id, reason: 'Its agent was not connected' } });
  t.equal(it.orders['b'], undefined);
  t.match(it.events('a')[0], 'upgrade_reverted: 0.2.0 was taken back: Its agent was not connected');
  it.words['a'] = {};
  await it.world.app.hostUpgrades.resume(ADMIN, it.id);
  await it.sweep();
  t.not(it.orders['a']?.[1]?.id, it.orders['a']?.[0]?.id);
  await it.finish('a');
  await it.finish('b');
  t.equal(it.upgrade.state, 'succeeded');
});

t.test('a service that was well and is not afterwards halts it as well', async (t) => {
  const it = await UpgradeWorld.start(t, ['a', 'b']);
  const { a } = it.hosts;
  const serviceId = a ? await it.world.deployed(a, 'web') : '';
  await it.begin();
  await a?.tell({
    kind: 'service.report',
    report: reportOf(serviceId, { lifecycle: 'failed', reason: 'web exited', at: 9 }),
  });
  await it.say('a', { phase: 'upgraded' });
  t.match(it.upgrade, { state: 'halted', halt: { reason: 'Service "web" was well before and is not: web exited' } });
});

t.test('hosts that are away are left for later, and hold nobody up', async (t) => {
  const it = await UpgradeWorld.start(t, ['a', 'b', 'c']);
  it.hosts['b']?.disconnect();
  await it.world.stores.writer.write(() => it.world.stores.hosts.setOnline(it.hosts['b']?.id ?? '', false));
  await it.begin();
  await it.finish('a');
  await it.finish('c');
  t.match(it.upgrade, { state: 'running', counts: { succeeded: 2, pending: 1 } });
  t.match(it.at('b'), { state: 'pending', reason: 'It is not connected' });
  await it.hosts['b']?.connect(it.world);
  await it.sweep();
  await it.finish('b');
  t.equal(it.upgrade.state, 'succeeded');
});

t.test('a fleet that is away waits as a whole', async (t) => {
  const it = await UpgradeWorld.start(t, ['a']);
  it.hosts['a']?.disconnect();
  await it.begin();
  it.world.clock.advance(SILENCE_LIMIT_MS * 2);
  await it.sweep();
  t.match(it.upgrade, { state: 'running', counts: { pending: 1 } });
  await it.hosts['a']?.connect(it.world);
  await it.sweep();
  await it.finish('a');
  t.equal(it.upgrade.state, 'succeeded');
});

t.test('there is one upgrade at a time; one that is halted, or only waits, gives way', async (t) => {
  const it = await UpgradeWorld.start(t, ['a', 'b']);
  await it.begin();
  await t.rejects(it.world.app.hostUpgrades.create(ADMIN, {}), { code: 'upgrade_under_way' });
  await it.say('a', { phase: 'failed', reason: 'no' });
  const halted = it.id;
  await it.begin();
  t.equal(it.world.app.hostUpgrades.require(ADMIN, halted).state, 'superseded');
  await it.world.app.hostUpgrades.cancel(ADMIN, it.id);
  await t.rejects(it.world.app.hostUpgrades.cancel(ADMIN, it.id), { code: 'state_conflict' });
});

t.test('hosts that are at the version, too old, or not installed by us are passed over and say so', async (t) => {
  const it = await UpgradeWorld.start(t, ['a', 'b', 'c', 'd']);
  const facts = { ...FACTS, agentVersion: '0.2.0' };
  await it.world.stores.writer.write(() => it.world.stores.hosts.setFacts(it.hosts['a']?.id ?? '', facts, 0));
  it.words['b'] = new LongshoreError('unsupported');
  it.words['c'] = new LongshoreError('not_supported');
  await it.begin();
  await it.finish('d');
  t.match(it.upgrade, { state: 'succeeded', counts: { skipped: 3, succeeded: 1 } });
  t.match(it.at('a'), { state: 'skipped', reason: 'It has 0.2.0 already' });
  t.match(it.at('b'), { state: 'skipped', reason: /too old to be upgraded from here/ });
  t.match(it.at('c'), { state: 'skipped', reason: /was not installed by/ });
});

t.test('a control plane that dies goes on where it was', async (t) => {
  const it = await UpgradeWorld.start(t, ['a', 'b']);
  await it.begin();
  await it.say('a', { phase: 'restarting' });
  const [order] = it.orders['a'] ?? [];
  it.world = it.world.crash();
  for (const host of Object.values(it.hosts)) await host.connect(it.world);
  await it.sweep();
  t.strictSame(it.orders['a'], [order], 'the same order, not another one');
  await it.finish('a');
  await it.finish('b');
  t.equal(it.upgrade.state, 'succeeded');
});

t.test('a host that says nothing any more has failed', async (t) => {
  const it = await UpgradeWorld.start(t, ['a', 'b']);
  await it.begin();
  it.hosts['a']?.disconnect();
  it.world.clock.advance(SILENCE_LIMIT_MS + 1);
  await it.sweep();
  t.match(it.upgrade, { state: 'halted', halt: { reason: /Nothing was heard of it for 5 minutes/ } });
});

t.test('who is bound to hosts upgrades those, and sees no upgrade of others', async (t) => {
  const it = await UpgradeWorld.start(t, ['a'], { zone: 'eu' });
  await it.join('b', { zone: 'us' });
  const bound = { ...ADMIN, hostLabels: { zone: 'eu' } };
  await it.begin();
  t.throws(() => it.world.app.hostUpgrades.require(bound, it.id), { code: 'not_found' });
  t.equal(it.world.app.hostUpgrades.list(bound, { page: 1, perPage: 20 }).total, 0);
  await it.say('a', { phase: 'failed', reason: 'no' });
  t.equal(it.upgrade.state, 'halted');
  await t.rejects(it.world.app.hostUpgrades.create(bound, {}), { code: 'upgrade_under_way', details: undefined });
  await it.world.app.hostUpgrades.cancel(ADMIN, it.id);
  const made = await it.world.app.hostUpgrades.create(bound, {});
  t.strictSame(
    made.hosts.map(({ hostName }) => hostName),
    ['a'],
  );
  t.equal(it.world.app.hostUpgrades.list(bound, { page: 1, perPage: 20 }).total, 1);
  await it.world.app.hostUpgrades.cancel(bound, made.id);
  const hostIds = [it.hosts['b']?.id ?? ''];
  await t.rejects(it.world.app.hostUpgrades.create(bound, { hostIds }), { code: 'not_found' });
  await t.rejects(it.world.app.hostUpgrades.create({ ...ADMIN, customerId: 'cust_1' }, {}), { code: 'forbidden' });
});

t.test('what is asked for must be there', async (t) => {
  const it = await UpgradeWorld.start(t, ['a'], { zone: 'eu' });
  const create = (input: object) => it.world.app.hostUpgrades.create(ADMIN, input);
  await t.rejects(create({ version: '0.3.0' }), { code: 'validation_error', fields: { version: /must be 0.2.0/ } });
  await t.rejects(create({ labels: { zone: 'mars' } }), { code: 'no_host' });
  await t.rejects(create({ hostIds: ['host_none'] }), { code: 'not_found' });
  it.offer('0.0.9');
  await it.begin({ version: '0.0.9' });
  t.match(it.upgrade, { state: 'succeeded', counts: { skipped: 1 } });
  t.match(it.at('a'), { reason: 'It has 0.1.0, which is newer' });
  await it.begin({ allowsDowngrade: true });
  t.match(it.orders['a'], [{ version: '0.0.9', allowsDowngrade: true }]);
});
