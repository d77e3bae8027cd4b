// Sets of services over hosts that are joined in memory: waves, halts, hosts that come and go, and a control plane that dies.
import t from 'tap';
import { ADMIN, COMPOSE, ControlWorld } from '../support/control-world.ts';
import { reportOf } from '../support/fake-host.ts';
import { EU, SetWorld } from '../support/set-world.ts';

const conflict = (message: RegExp) => ({ code: 'state_conflict', message });
const change = { compose: COMPOSE.replace('busybox:1', 'busybox:2') };

t.test('a set begins with one host, then goes on in waves', async (t) => {
  const it = await SetWorld.start(t, ['a', 'b', 'c', 'd'], { maxParallel: 2 });
  t.match(it.set, { name: 'web', state: 'rolling_out', revision: 1, members: { total: 1, upToDate: 0 } });
  await it.running('a');
  t.strictSame(it.hosts['b']?.offers(), [], 'a file that does not work would have met one host');
  await it.finish('a');
  await it.running('b', 'c');
  await it.finish('c');
  t.match(it.target('d'), { state: 'pending', wave: null }, 'a wave is waited for as a whole');
  await it.finish('b');
  await it.running('d');
  await it.finish('d');
  t.match(it.set, { state: 'steady', members: { total: 4, running: 4, upToDate: 4 } });
  t.match(it.rollout, { kind: 'create', state: 'succeeded', counts: { succeeded: 4 } });
  t.strictSame(
    it.rollout.hosts.map(({ hostName, wave }) => `${hostName} ${wave}`),
    ['a 1', 'b 2', 'c 2', 'd 3'],
  );
});

t.test('each member is a service of that name whose jobs say which rollout they are of', async (t) => {
  const it = await SetWorld.start(t, ['a', 'b']);
  const { stores } = it.world;
  await it.finishAll();
  const members = stores.services.ofSet(it.id);
  t.strictSame(
    members.map(({ name, setId, setRevision }) => [name, setId, setRevision]),
    [
      ['web', it.id, 1],
      ['web', it.id, 1],
    ],
  );
  t.match(stores.jobs.find(it.target('a')?.jobId ?? ''), { kind: 'deploy', cause: `rollout ${it.rolloutId}` });
  const { items } = it.world.app.services.events(ADMIN, it.target('b')?.serviceId ?? '', { page: 1, perPage: 20 });
  t.match(items[0], { type: 'rollout', status: 'succeeded', message: 'Set "web" is rolled out: 2 of 2' });
});

t.test('a change rolls out in the same way, and says how far each member is', async (t) => {
  const it = await SetWorld.start(t, ['a', 'b', 'c'], { maxParallel: 5 });
  await it.finishAll();
  const { rolloutId, set } = await it.world.app.sets.update(ADMIN, it.id, change);
  t.match(set, { revision: 2, state: 'rolling_out', rollout: { id: rolloutId ?? '', kind: 'change' } });
  await it.running('a');
  t.match(await it.hosts['a']?.offered(it.target('a')?.jobId ?? ''), {
    spec: { revision: 2, compose: change.compose, setId: it.id },
  });
  await it.finish('a');
  t.match(it.set.memberList, [{ isUpToDate: true }, { isUpToDate: false }, { isUpToDate: false }]);
  await it.finishAll();
  t.match(it.set, { state: 'steady', members: { upToDate: 3 } });
});

t.test('a job that fails halts the rollout: who had no turn keeps what it has', async (t) => {
  const it = await SetWorld.start(t, ['a', 'b', 'c']);
  await it.finishAll();
  await it.world.app.sets.update(ADMIN, it.id, change);
  await it.fail('a');
  t.match(it.set, { state: 'halted', members: { upToDate: 0 } });
  const halt = { hostId: it.hosts['a']?.id, jobId: it.target('a')?.jobId, reason: 'web did not become healthy' };
  t.match(it.rollout, { state: 'halted', halt, counts: { failed: 1, pending: 2 } });
  t.equal(it.hosts['b']?.offers().length, 1, 'only its first deploy');
  const [event] = it.world.app.services.events(ADMIN, it.target('a')?.serviceId ?? '', { page: 1, perPage: 1 }).items;
  t.match(event, { type: 'rollout', status: 'halted', message: /^The rollout of set "web" halted here: web did not/ });
});

t.test('a member that turns bad after its job has succeeded halts it as well', async (t) => {
  const it = await SetWorld.start(t, ['a', 'b', 'c']);
  await it.finish('a', {}, { health: 'starting' });
  t.match(it.target('a'), { state: 'running' }, 'its health is waited for');
  const { serviceId = '' } = it.target('a') ?? {};
  const report = reportOf(serviceId ?? '');
  await it.hosts['a']?.tell({ kind: 'service.report', report: { ...report, health: 'healthy' } });
  await it.running('b');
  await it.hosts['a']?.tell({ kind: 'service.report', report: { ...report, health: 'unhealthy', reason: 'web: 500' } });
  await it.state('halted');
  t.match(it.rollout, { halt: { hostId: it.hosts['a']?.id, reason: 'web: 500' } });
  await it.finish('b');
  t.match(it.target('b'), { state: 'succeeded' }, 'what was under way is let finish');
  t.match(it.target('c'), { state: 'pending' });
});

t.test('resuming tries those that failed first, then goes on', async (t) => {
  const it = await SetWorld.start(t, ['a', 'b', 'c']);
  await it.finish('a');
  await it.fail('b');
  const first = it.target('b')?.jobId;
  t.match(await it.world.app.sets.resume(ADMIN, it.id, it.rolloutId), { state: 'running', halt: null });
  await it.running('b');
  t.not(it.target('b')?.jobId, first, 'a job of its own');
  await it.finish('b');
  await it.running('c');
  await t.rejects(it.world.app.sets.resume(ADMIN, it.id, it.rolloutId), conflict(/is running: it cannot be resumed/));
  await it.finish('c');
  t.match(it.rollout, { state: 'succeeded' });
  await t.rejects(it.world.app.sets.cancel(ADMIN, it.id, it.rolloutId), conflict(/is succeeded/));
});

t.test('what failed together is tried again together', async (t) => {
  const it = await SetWorld.start(t, ['a', 'b', 'c', 'd'], { maxParallel: 2 });
  await it.finish('a');
  await it.running('b', 'c');
  await it.fail('b');
  await it.fail('c');
  t.match(it.rollout, { state: 'halted', counts: { failed: 2, pending: 1 } });
  await it.world.app.sets.resume(ADMIN, it.id, it.rolloutId);
  await it.running('b', 'c');
  await it.finishAll();
  t.match(it.rollout, { state: 'succeeded' });
});

t.test('cancelling ends it, and no host is counted in behind its back', async (t) => {
  const it = await SetWorld.start(t, ['a', 'b', 'c']);
  await it.finish('a');
  t.match(await it.world.app.sets.cancel(ADMIN, it.id, it.rolloutId), { state: 'cancelled' });
  await it.finish('b');
  t.match(it.target('b'), { state: 'succeeded' }, 'its job was under way');
  await it.sweep();
  t.match(it.target('c'), { state: 'skipped', reason: 'The rollout was cancelled' });
  t.match(it.set, { state: 'steady', members: { total: 2, upToDate: 2 }, rollout: { kind: 'create' } });
  await it.world.app.sets.redeploy(ADMIN, it.id, undefined);
  await it.finishAll();
  t.match(it.set, { members: { total: 3, upToDate: 3 } }, 'the next rollout is for all');
});

t.test('a change supersedes what is under way; a member that is busy has its turn later', async (t) => {
  const it = await SetWorld.start(t, ['a', 'b', 'c']);
  await it.finishAll();
  const { rolloutId: old } = await it.world.app.sets.update(ADMIN, it.id, change);
  const busy = it.target('a')?.jobId ?? '';
  await it.world.app.sets.update(ADMIN, it.id, { compose: COMPOSE.replace('busybox:1', 'busybox:3') });
  t.match(it.world.app.sets.rollout(ADMIN, it.id, old ?? ''), {
    state: 'superseded',
    counts: { skipped: 2, running: 1 },
  });
  await it.running('b');
  await it.hosts['a']?.finish(busy);
  await it.settle();
  t.match(it.world.app.sets.rollout(ADMIN, it.id, old ?? ''), { counts: { succeeded: 1, skipped: 2 } });
  await it.finishAll();
  t.match(it.set, { revision: 3, members: { upToDate: 3 } });
  t.match(it.hosts['a']?.offers().at(-1), { spec: { compose: /busybox:3/ } });
});

t.test('an old rollout that is judged late does not make a member older than it is', async (t) => {
  const it = await SetWorld.start(t, ['a']);
  await it.finishAll();
  await it.world.app.sets.update(ADMIN, it.id, change);
  await it.finishAll();
  const { services, writer } = it.world.stores;
  await writer.write(() => services.setSetRevision(it.target('a')?.serviceId ?? '', 1));
  t.match(it.set, { revision: 2, members: { upToDate: 1 } });
});

t.test('a host that is away neither holds the others up nor counts as success; it is in when it is back', async (t) => {
  const it = await SetWorld.start(t, ['a', 'b', 'c']);
  await it.goAway('b');
  await it.finish('a');
  await it.running('c');
  await it.finish('c');
  t.match(it.rollout, { state: 'running', counts: { succeeded: 2, pending: 1 } });
  t.match(it.target('b'), { state: 'pending', reason: 'Its host is not connected' });
  it.world.clock.advance(90 * 24 * 3600_000);
  await it.sweep();
  t.match(it.rollout, { state: 'running' }, 'no time limit makes anything of silence');
  await it.comeBack('b');
  await it.running('b');
  await it.finish('b');
  t.match(it.rollout, { state: 'succeeded' });
});

t.test('a host that goes away with its job keeps it, and the others go on', async (t) => {
  const it = await SetWorld.start(t, ['a', 'b', 'c']);
  await it.finish('a');
  await it.running('b');
  const { jobId } = it.target('b') ?? {};
  await it.goAway('b');
  await it.running('b', 'c');
  await it.finish('c');
  t.match(it.rollout, { state: 'running' });
  await it.comeBack('b');
  await it.finish('b');
  t.match([it.rollout.state, it.target('b')?.jobId], ['succeeded', jobId]);
});

t.test('the first host that goes away at its work is waited for; a redeploy goes to the others first', async (t) => {
  const it = await SetWorld.start(t, ['a', 'b', 'c']);
  await it.running('a');
  await it.goAway('a');
  await it.sweep();
  t.match(it.rollout, { counts: { running: 1, pending: 2 } }, 'what has silenced one host meets no other');
  await it.world.app.sets.redeploy(ADMIN, it.id, undefined);
  await it.finish('b');
  await it.finish('c');
  t.match(it.rollout, { state: 'running', counts: { succeeded: 2, pending: 1 } });
});

t.test('when no host is connected the first job waits for its host', async (t) => {
  const it = new SetWorld(new ControlWorld(t));
  for (const name of ['a', 'b']) it.hosts[name] = await it.world.join(EU, name);
  const { job, service } = await it.create();
  t.match([job, service], [{ state: 'queued' }, { setId: /^set_/ }]);
  await it.sweep();
  t.match(it.rollout, { counts: { running: 1, pending: 1 } });
  await it.comeBack('a');
  await it.finish('a');
  await it.comeBack('b');
  await it.finishAll();
  t.match(it.rollout, { state: 'succeeded' });
});

t.test('a host that joins later gets a member as the set wants it now', async (t) => {
  const it = await SetWorld.start(t, ['a']);
  await it.finishAll();
  await it.world.app.sets.update(ADMIN, it.id, change);
  await it.finishAll();
  await it.join('b');
  await it.world.joinAndConnect({ zone: 'us' }, 'elsewhere');
  await it.sweep();
  await it.sweep();
  t.match(it.rollout, { kind: 'join', state: 'running', counts: { running: 1 } });
  t.match(await it.hosts['b']?.offered(it.target('b')?.jobId ?? ''), { spec: { compose: change.compose } });
  await it.finishAll();
  t.match(it.set, { members: { total: 2, upToDate: 2 } });
});

t.test('a host that joins while a rollout is under way becomes part of it', async (t) => {
  const it = await SetWorld.start(t, ['a', 'b']);
  await it.finish('a');
  await it.join('c');
  await it.sweep();
  t.match(it.rollout, { kind: 'create', counts: { succeeded: 1, running: 1, pending: 1 } });
  await it.finishAll();
  t.match(it.set, { members: { total: 3 } });
});

t.test('a revoked host is passed over, and its member goes by itself', async (t) => {
  const it = await SetWorld.start(t, ['a', 'b']);
  await it.finishAll();
  const gone = it.target('b')?.serviceId ?? '';
  await it.world.app.hosts.revoke(ADMIN, it.hosts['b']?.id ?? '');
  await it.world.app.sets.update(ADMIN, it.id, change);
  await it.finishAll();
  t.match(it.rollout, { state: 'succeeded', counts: { succeeded: 1 } });
  t.match(it.world.stores.services.find(gone), { setRevision: 1 }, 'it is as it was');
  t.match(await it.world.app.services.remove(ADMIN, gone, 0), { isDone: true });
  t.match(it.set, { members: { total: 1 } });
});

t.test('a host that is let in again becomes what its set wants by then', async (t) => {
  const it = await SetWorld.start(t, ['a', 'b']);
  await it.finishAll();
  await it.revoke('b');
  await it.world.app.sets.update(ADMIN, it.id, change);
  await it.finishAll();
  await it.letIn('b');
  t.match(it.rollout, { kind: 'join', counts: { running: 1 } });
  t.match(await it.hosts['b']?.offered(it.target('b')?.jobId ?? ''), { spec: { compose: change.compose } });
  await it.finishAll();
  t.match(it.set, { members: { total: 2, upToDate: 2 } });
});

t.test('a host that is let in again while the rollout that passed it over goes on has its turn', async (t) => {
  const it = await SetWorld.start(t, ['a', 'b', 'c']);
  await it.finish('a');
  await it.running('b');
  await it.revoke('b');
  await it.running('c');
  t.match(it.target('b'), { state: 'skipped' });
  await it.letIn('b');
  t.match([it.rollout.kind, it.target('b')?.state], ['create', 'pending']);
  await it.finishAll();
  t.match(it.set, { members: { total: 3, upToDate: 3 } });
});

t.test('one that comes back as it was is let alone', async (t) => {
  const it = await SetWorld.start(t, ['a', 'b']);
  await it.finishAll();
  await it.revoke('b');
  await it.letIn('b');
  t.match(it.rollout, { kind: 'create', state: 'succeeded' });
});

t.test('a host that is revoked in its turn does not halt the rollout', async (t) => {
  const it = await SetWorld.start(t, ['a', 'b', 'c']);
  await it.finish('a');
  await it.running('b');
  await it.world.app.hosts.revoke(ADMIN, it.hosts['b']?.id ?? '');
  await it.running('c');
  t.match(it.target('b'), { state: 'skipped', reason: /revoked/ });
  await it.finish('c');
  const [event] = it.world.app.services.events(ADMIN, it.target('c')?.serviceId ?? '', { page: 1, perPage: 1 }).items;
  t.match(event, { type: 'rollout', message: 'Set "web" is rolled out: 2 of 3' });
});

t.test('what the control plane had begun when it died goes on when it is back, and nothing twice', async (t) => {
  const before = await SetWorld.start(t, ['a', 'b', 'c', 'd'], { maxParallel: 2 });
  await before.finish('a');
  await before.running('b', 'c');
  const jobs = before.rollout.hosts.map(({ jobId }) => jobId);
  const it = new SetWorld(before.world.crash());
  Object.assign(it.hosts, before.hosts);
  it.id = before.id;
  await it.sweep();
  await it.sweep();
  t.strictSame(
    it.rollout.hosts.map(({ jobId }) => jobId),
    jobs,
  );
  for (const name of ['a', 'b', 'c', 'd']) await it.comeBack(name);
  await it.finish('b');
  await it.finish('c');
  await it.running('d');
  await it.finishAll();
  t.match(it.rollout, { state: 'succeeded', counts: { succeeded: 4 } });
  for (const host of Object.values(it.hosts)) t.equal(new Set(host.offers().map(({ jobId }) => jobId)).size, 1);
});

t.test('a wave that was opened and not begun is begun after a crash', async (t) => {
  const before = await SetWorld.start(t, ['a', 'b', 'c'], { maxParallel: 2 });
  await before.world.parts.rollouts.close(); // it dies between opening the wave and the first job of it
  await before.hosts['a']?.finish(before.target('a')?.jobId ?? '');
  const { stores } = before.world;
  await stores.writer.write(() => stores.rollouts.openWave(before.rolloutId, 2, [before.hosts['b']?.id ?? '']));
  const it = new SetWorld(before.world.crash());
  Object.assign(it.hosts, before.hosts);
  it.id = before.id;
  for (const name of ['a', 'b', 'c']) await it.comeBack(name);
  await it.running('b');
  t.match(it.target('b'), { wave: 2 });
});

t.test('labels and names reach all members without a deploy; a wave takes its size from now', async (t) => {
  const it = await SetWorld.start(t, ['a', 'b', 'c', 'd']);
  await it.finish('a');
  const { rolloutId } = await it.world.app.sets.update(ADMIN, it.id, { labels: { tier: 'web' }, maxParallel: 3 });
  t.equal(rolloutId, null);
  t.match(it.world.stores.services.ofSet(it.id), [{ labels: { tier: 'web' } }, { labels: { tier: 'web' } }]);
  await it.finish('b');
  await it.running('c', 'd');
});

t.test('a rollout that halts or ends is told by webhooks', async (t) => {
  const it = await SetWorld.start(t, ['a', 'b']);
  const { webhooks } = it.world.app;
  await webhooks.create(ADMIN, { url: 'https://example.com/hook', events: ['rollout.*'] });
  await it.fail('a');
  await it.world.app.sets.resume(ADMIN, it.id, it.rolloutId);
  await it.finishAll();
  await it.world.parts.deliveries.spread();
  const query = { page: 1, perPage: 20, sort: 'created_at', order: 'asc' } as const;
  const [hook] = webhooks.list(ADMIN, { page: 1, perPage: 1, sort: 'created_at', order: 'asc' } as never).items;
  const types = webhooks.deliveries(ADMIN, hook?.id ?? '', query as never).items.map(({ type }) => type);
  t.strictSame(types, ['rollout.halted', 'rollout.succeeded']);
});

t.test('only the last rollouts are kept', async (t) => {
  const it = await SetWorld.start(t, ['a']);
  for (let i = 0; i < 25; i++) await it.world.app.sets.redeploy(ADMIN, it.id, undefined);
  const { total } = it.world.app.sets.rollouts(ADMIN, it.id, { page: 1, perPage: 100 });
  t.equal(total, 20);
});

t.test('a thousand hosts are no giant write', async (t) => {
  const it = new SetWorld(new ControlWorld(t));
  const { stores } = it.world;
  const insert = (i: number) => {
    const host = { id: `host_${i}`, name: `n${i}`, agentKey: `k${i}`, labels: EU, createdAt: i };
    stores.hosts.insert(host);
  };
  for (let i = 0; i < 1000; i += 100) {
    await stores.writer.write(() => Array.from({ length: 100 }, (_, k) => insert(i + k)));
  }
  await it.join('connected');
  await t.rejects(it.create(), { code: 'no_host', message: 'A set is for at most 1000 hosts: 1001 have these labels' });
  await it.world.app.hosts.revoke(ADMIN, 'host_0');
  await it.create();
  t.match(it.rollout, { counts: { running: 1, pending: 999 } });
  t.equal(stores.services.ofSet(it.id).length, 1);
  await it.finish('connected');
  t.match(it.rollout, { state: 'running', counts: { succeeded: 1, pending: 999 } });
  await stores.writer.write(() => insert(1000));
  await it.world.app.sets.redeploy(ADMIN, it.id, undefined);
  t.match(it.rollout, { counts: { running: 1, pending: 999 } }, 'a set that outgrew the limit can still be changed');
});
