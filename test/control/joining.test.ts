// Join tokens, API keys and what is forgotten.
import { readFileSync, statSync } from 'node:fs';
import t from 'tap';
import { hashJoinSecret, parseJoinToken } from '#shared/protocol/identity.ts';
import { ensureAdminKey } from '../../control/app/access/admin-key.ts';
import type { Caller } from '../../control/app/api/caller.ts';
import { Retention } from '../../control/app/retention.ts';
import { ADMIN, ControlWorld } from '../support/control-world.ts';
import { eventually } from '../support/eventually.ts';
import { FakeHost } from '../support/fake-host.ts';
import { faultCode } from '../support/fault-code.ts';

const PAGE = { page: 1, perPage: 20 };
const HOUR_MS = 3600 * 1000;

t.test('a join token says where and to whom, and only its hash is kept', async (t) => {
  const world = new ControlWorld(t);
  const made = await world.app.joinTokens.create(ADMIN, {});
  const token = parseJoinToken(made.token);
  t.match(token, { url: 'https://panel.example.com', tokenId: made.id, controlPin: 'A'.repeat(43) });
  t.equal(world.registry.findToken(made.id)?.secretHash, hashJoinSecret(token.secret));
  t.equal(made.expiresAt, world.clock.now() + HOUR_MS);
});

t.test('a join token comes with the line to run on the host', async (t) => {
  const world = new ControlWorld(t);
  const { command, token } = await world.app.joinTokens.create(ADMIN, { labels: { note: "'; id; $(id)" } });
  t.equal(
    command,
    `(curl -fsSL https://panel.example.com/install.sh || echo exit 1) | sudo sh -s -- agent --token ${token}`,
  );
});

t.test('a token tells who came in by it, and why it was refused', async (t) => {
  const world = new ControlWorld(t);
  const { id } = await world.app.joinTokens.create(ADMIN, { addressRange: '10.0.0.0/8', labels: { zone: 'eu' } });
  const host = new FakeHost('one');
  t.match(world.app.joinTokens.require(ADMIN, id), { status: 'open', uses: 0, hosts: [], refusal: null });
  await faultCode(host.enrol(world, id, '192.0.2.1'));
  t.match(world.app.joinTokens.require(ADMIN, id).refusal, { address: '192.0.2.1', reason: /not for this address/ });
  await host.enrol(world, id, '10.1.2.3');
  t.match(world.app.joinTokens.require(ADMIN, id), {
    status: 'used_up',
    uses: 1,
    labels: { zone: 'eu' },
    hosts: [{ name: 'one', status: 'offline' }],
  });
});

t.test('a token that was ended lets nobody in; who is in stays', async (t) => {
  const world = new ControlWorld(t);
  const { id } = await world.app.joinTokens.create(ADMIN, { uses: 2 });
  const [one, two] = [new FakeHost('one'), new FakeHost('two')];
  await one.enrol(world, id);
  await world.app.joinTokens.end(ADMIN, id);
  t.equal(await faultCode(two.enrol(world, id)), 'token_invalid');
  await one.enrol(world, id);
  t.match(world.app.joinTokens.list(ADMIN, PAGE), { total: 1, items: [{ id, status: 'expired' }] });
  t.equal(await faultCode(world.app.joinTokens.end(ADMIN, 'jtk_none')), 'not_found');
});

t.test('a key bound to labels of hosts sees and ends tokens with those labels only', async (t) => {
  const world = new ControlWorld(t);
  const bound: Caller = { ...ADMIN, hostLabels: { zone: 'eu' } };
  const other = await world.app.joinTokens.create(ADMIN, { labels: { zone: 'us' } });
  const { id } = await world.app.joinTokens.create(bound, { labels: { rack: '1' } });
  t.match(world.app.joinTokens.list(bound, PAGE), { total: 1, items: [{ id, labels: { zone: 'eu', rack: '1' } }] });
  t.throws(() => world.app.joinTokens.require(bound, other.id), { code: 'not_found' });
  t.equal(await faultCode(world.app.joinTokens.end(bound, other.id)), 'not_found');
});

t.test('a token is worth its uses; the same host again is no second one', async (t) => {
  const world = new ControlWorld(t);
  const { id } = await world.app.joinTokens.create(ADMIN, { uses: 2, labels: { zone: 'eu' } });
  const [one, two, three] = [new FakeHost('one'), new FakeHost('two'), new FakeHost('three')];
  await one.enrol(world, id);
  const first = one.id;
  await one.enrol(world, id);
  t.equal(one.id, first);
  await two.enrol(world, id);
  t.equal(await faultCode(three.enrol(world, id)), 'token_invalid');
  await one.enrol(world, id);
  t.equal(one.id, first, 'also when the token is used up');
  t.match(world.app.hosts.list(ADMIN, PAGE).items, [{ name: 'one', labels: { zone: 'eu' } }, { name: 'two' }]);
});

t.test('of many hosts that come at once a token lets in as many as it is for', async (t) => {
  const world = new ControlWorld(t);
  const { id } = await world.app.joinTokens.create(ADMIN, { uses: 3 });
  const codes = await Promise.all(Array.from({ length: 9 }, () => faultCode(new FakeHost('x').enrol(world, id))));
  t.equal(codes.filter((code) => code === 'nothing').length, 3);
});

t.test('a token ends, and holds for its addresses only', async (t) => {
  const world = new ControlWorld(t);
  const old = await world.app.joinTokens.create(ADMIN, { expiresInS: 60 });
  const bound = await world.app.joinTokens.create(ADMIN, { uses: 5, addressRange: '10.0.0.0/8' });
  const v6 = await world.app.joinTokens.create(ADMIN, { addressRange: '2001:db8::/32' });
  world.clock.advance(60_000);
  t.equal(await faultCode(new FakeHost('x').enrol(world, old.id)), 'token_invalid');
  t.equal(await faultCode(new FakeHost('x').enrol(world, bound.id, '11.0.0.1')), 'token_invalid');
  await new FakeHost('x').enrol(world, bound.id, '10.1.2.3');
  await new FakeHost('y').enrol(world, bound.id, '::ffff:10.1.2.3');
  await new FakeHost('z').enrol(world, v6.id, '2001:db8::7');
});

t.test('limits of a token are checked by field', async (t) => {
  const world = new ControlWorld(t);
  for (const input of [
    { uses: 0 },
    { uses: 1001 },
    { expiresInS: 86_401 },
    { addressRange: '10.0.0.0/33' },
    { addressRange: 'x' },
  ]) {
    t.equal(await faultCode(world.app.joinTokens.create(ADMIN, input)), 'validation_error', JSON.stringify(input));
  }
});

t.test('F48: a revoked host is put out, its jobs end, its service can be removed here', async (t) => {
  const world = new ControlWorld(t);
  const host = await world.joinAndConnect();
  const id = await world.deployed(host, 'web');
  const { job } = await world.app.services.redeploy(ADMIN, id, {});
  const closed = host.peer?.closed;
  await world.app.hosts.revoke(ADMIN, host.id);
  t.equal((await closed)?.code, 4403);
  t.match(world.app.jobs.detail(ADMIN, job.id), { state: 'failed', error: { code: 'revoked' } });
  t.equal(world.app.hosts.require(ADMIN, host.id).status, 'revoked');
  t.same(world.registry.findHostByKey(host.agentKey), { hostId: host.id, isRevoked: true });
  t.equal(await faultCode(world.create('x', { hostId: host.id })), 'no_host');
  t.ok((await world.app.services.remove(ADMIN, id, 0)).isDone);
});

t.test('a revoked host comes back by a newer token only', async (t) => {
  const world = new ControlWorld(t);
  const old = await world.app.joinTokens.create(ADMIN, { uses: 5 });
  const host = await world.joinAndConnect();
  world.clock.advance(1000);
  await world.app.hosts.revoke(ADMIN, host.id);
  t.equal(await faultCode(host.enrol(world, old.id)), 'revoked');
  world.clock.advance(1000);
  const { id } = await world.app.joinTokens.create(ADMIN, {});
  const before = host.id;
  await host.enrol(world, id);
  t.equal(host.id, before);
  await host.connect(world);
  t.equal(world.app.hosts.require(ADMIN, host.id).status, 'connected');
});

t.test('the first key is made once, for the owner of the machine only', async (t) => {
  const world = new ControlWorld(t);
  const file = await ensureAdminKey(world.stores, world.dir, world.clock);
  const secret = readFileSync(file, 'utf8').trim();
  t.equal(statSync(file).mode & 0o777, 0o600);
  t.match(secret, /^lsk_[\w-]{43}$/);
  const caller = world.app.keys.identify(secret) as Caller;
  t.same(caller.permissions, ['*']);
  await world.app.keys.revoke(ADMIN, caller.keyId);
  await ensureAdminKey(world.stores, world.dir, world.clock);
  t.equal(world.app.keys.identify(secret), undefined, 'a revoked one does not come back');
});

t.test('A16: a key that is missing, malformed, unknown, revoked or expired is nobody', async (t) => {
  const world = new ControlWorld(t);
  const { keys } = world.app;
  const expiring = await keys.create(ADMIN, {
    name: 'e',
    permissions: ['services.read'],
    expiresAt: world.clock.now() + 1000,
  });
  const revoked = await keys.create(ADMIN, { name: 'r', permissions: ['services.read'] });
  t.ok(keys.identify(expiring.secret));
  const gone: string[] = [];
  keys.onRevoked((id) => gone.push(id));
  await keys.revoke(ADMIN, revoked.key.id);
  world.clock.advance(1000);
  await keys.endExpired();
  for (const secret of ['', 'x'.repeat(9999), 'lsk_unknown', revoked.secret, expiring.secret])
    t.equal(keys.identify(secret), undefined);
  t.same(gone, [revoked.key.id, expiring.key.id], 'who holds sockets open is told of both ends');
  t.equal(await faultCode(keys.revoke(ADMIN, revoked.key.id)), 'not_found');
});

t.test('a key shows its use, its hint and never its secret', async (t) => {
  const world = new ControlWorld(t);
  const { key, secret } = await world.app.keys.create(ADMIN, { name: 'ci', permissions: ['services.*'] });
  world.app.keys.identify(secret);
  const [listed] = world.app.keys.list(ADMIN, PAGE).items;
  t.match(listed, { name: 'ci', hint: secret.slice(0, 10), lastUsedAt: world.clock.now() });
  t.notMatch(JSON.stringify(listed), secret);
  await world.app.keys.noteUses();
  t.equal(world.stores.keys.find(key.id)?.lastUsedAt, world.clock.now());
});

t.test('A18: nobody gives what it does not hold', async (t) => {
  const world = new ControlWorld(t);
  const [own, other] = [await world.customer('own'), await world.customer('other')];
  const giver: Caller = {
    ...ADMIN,
    keyId: 'key_g',
    permissions: ['services.*', 'keys.create'],
    customerId: own,
    rateLimit: 100,
  };
  const give = (input: object) =>
    faultCode(world.app.keys.create(giver, { name: 'x', permissions: ['services.read'], ...input }));
  t.equal(await give({ permissions: ['*'] }), 'forbidden');
  t.equal(await give({ permissions: ['hosts.read'] }), 'forbidden');
  t.equal(await give({ permissions: ['keys.*'] }), 'forbidden');
  t.equal(await give({ customerId: other }), 'forbidden');
  t.equal(await give({ rateLimit: 101 }), 'forbidden');
  t.equal(await give({ expiresAt: world.clock.now() }), 'validation_error');
  t.equal(await give({ permissions: ['services.*', 'keys.create'] }), 'nothing');
  t.match(world.app.keys.list(giver, PAGE).items, [{ customerId: own, rateLimit: 100 }]);
  t.equal(world.app.keys.list({ ...giver, customerId: other }, PAGE).total, 0);
});

t.test('A18: a key bound to labels neither sees nor revokes keys of other hosts', async (t) => {
  const world = new ControlWorld(t);
  const bound: Caller = { ...ADMIN, keyId: 'key_g', hostLabels: { zone: 'eu' } };
  const make = (name: string, hostLabels?: Record<string, string>) =>
    world.app.keys.create(ADMIN, { name, permissions: ['*'], hostLabels });
  const admin = await make('admin');
  const american = await make('us', { zone: 'us' });
  const own = await make('eu', { zone: 'eu', tier: 'db' });
  t.match(world.app.keys.list(bound, PAGE), { total: 1, items: [{ name: 'eu' }] });
  for (const { key } of [admin, american]) t.equal(await faultCode(world.app.keys.revoke(bound, key.id)), 'not_found');
  t.equal(await faultCode(world.app.keys.revoke(bound, own.key.id)), 'nothing');
});

t.test('A18: a key bound to a customer lets no host in or out', async (t) => {
  const world = new ControlWorld(t);
  const host = await world.join();
  const tenant: Caller = { ...ADMIN, keyId: 'key_t', customerId: 'cust_1' };
  t.equal(await faultCode(world.app.joinTokens.create(tenant, {})), 'forbidden');
  t.equal(await faultCode(world.app.hosts.revoke(tenant, host.id)), 'forbidden');
  t.equal(world.app.hosts.require(tenant, host.id).status, 'offline');
});

t.test('F48: work asked for while its host is being revoked is refused, not left open', async (t) => {
  const world = new ControlWorld(t);
  const host = await world.joinAndConnect();
  const id = await world.deployed(host, 'web');
  const [, restarted, redeployed, created] = await Promise.all([
    world.app.hosts.revoke(ADMIN, host.id),
    faultCode(world.app.services.act(ADMIN, id, 'restart', 0)),
    faultCode(world.app.services.redeploy(ADMIN, id, {})),
    faultCode(world.create('late', { hostId: host.id })),
  ]);
  t.same([restarted, redeployed, created], ['host_offline', 'host_offline', 'no_host']);
  t.same(world.stores.jobs.openOfHost(host.id), []);
});

t.test('a key bound to labels lists the services of a revoked host, as one bound to nothing does', async (t) => {
  const world = new ControlWorld(t);
  const host = await world.joinAndConnect({ zone: 'eu' });
  const id = await world.deployed(host, 'web');
  await world.app.hosts.revoke(ADMIN, host.id);
  const bound: Caller = { ...ADMIN, keyId: 'key_g', hostLabels: { zone: 'eu' } };
  const query = { ...PAGE, sort: 'name', order: 'asc' } as const;
  t.match(world.app.services.list(bound, query), { items: [{ id }] });
});

t.test('what is old is forgotten, what is open stays', async (t) => {
  const world = new ControlWorld(t);
  const host = await world.joinAndConnect();
  const id = await world.deployed(host, 'web');
  world.clock.advance(100 * 24 * HOUR_MS);
  const open = await world.app.services.redeploy(ADMIN, id, {});
  await new Retention(world.stores, world.clock).sweep();
  t.same(
    world.app.jobs.list(ADMIN, PAGE).items.map((job) => job.id),
    [open.job.id],
  );
  t.same(
    world.app.services.events(ADMIN, id, PAGE).items.map(({ status }) => status),
    ['started'],
  );
  await eventually(() => host.offers().length === 2);
});
