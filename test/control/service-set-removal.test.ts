// A set that is deleted: its members go first, host by host, and it goes with the last.
import t from 'tap';
import { ADMIN, COMPOSE } from '../support/control-world.ts';
import { SetWorld } from '../support/set-world.ts';

const conflict = (message: RegExp) => ({ code: 'state_conflict', message });
const change = { compose: COMPOSE.replace('busybox:1', 'busybox:2') };

t.test('deleting a set removes every member, and then the set', async (t) => {
  const it = await SetWorld.start(t, ['a', 'b', 'c']);
  await it.finishAll();
  const removing = it.world.app.sets.remove(ADMIN, it.id, 60_000);
  await it.running('a', 'b', 'c');
  t.match(it.set, { state: 'removing' });
  await t.rejects(it.world.app.sets.update(ADMIN, it.id, change), conflict(/is being removed/));
  t.match(await it.world.app.sets.remove(ADMIN, it.id, 0), { rolloutId: it.rolloutId, isDone: false }, 'the same one');
  const jobs = it.rollout.hosts;
  for (const { hostName, jobId } of jobs) await it.hosts[hostName]?.finish(jobId ?? '', {}, null);
  t.match(await removing, { isDone: true });
  t.throws(() => it.set, { code: 'not_found' });
  t.strictSame(it.world.stores.services.ofSet(it.id), []);
});

t.test('a member whose removal fails stays, and deleting again tries it again', async (t) => {
  const it = await SetWorld.start(t, ['a', 'b']);
  await it.finishAll();
  await it.world.app.sets.remove(ADMIN, it.id, 0);
  await it.hosts['a']?.finish(it.target('a')?.jobId ?? '', {}, null);
  await it.finish('b', { state: 'failed', error: { code: 'docker_error', message: 'Docker refused' } });
  t.match(it.set, { state: 'halted', members: { total: 1 } });
  await it.world.app.sets.remove(ADMIN, it.id, 0);
  await it.hosts['b']?.finish(it.target('b')?.jobId ?? '', {}, null);
  await it.settle();
  t.throws(() => it.set, { code: 'not_found' });
});

t.test('cancelling a removal answers who waits for it, and keeps the members that are left', async (t) => {
  const it = await SetWorld.start(t, ['a', 'b']);
  await it.finishAll();
  const removing = it.world.app.sets.remove(ADMIN, it.id, 60_000);
  await it.running('a', 'b');
  await it.hosts['a']?.finish(it.target('a')?.jobId ?? '', {}, null);
  await it.world.app.sets.cancel(ADMIN, it.id, it.rolloutId);
  t.match(await removing, { isDone: false });
  await it.sweep();
  t.match(it.set, { state: 'steady', members: { total: 1 }, rollout: { kind: 'remove', state: 'cancelled' } });
});

t.test('a set without members is gone at once', async (t) => {
  const it = await SetWorld.start(t, ['a']);
  const { serviceId, hostId = '' } = it.target('a') ?? {};
  await it.world.app.hosts.revoke(ADMIN, hostId);
  await it.world.app.services.remove(ADMIN, serviceId ?? '', 0);
  await it.sweep();
  t.match(it.set, { state: 'steady', members: { total: 0 }, rollout: { state: 'succeeded' } });
  await t.rejects(it.world.app.sets.redeploy(ADMIN, it.id, undefined), { code: 'no_host' });
  t.match(await it.world.app.sets.remove(ADMIN, it.id, 60_000), { isDone: true });
});

t.test('a removal does not wait for hosts that are away; they remove when they return', async (t) => {
  const it = await SetWorld.start(t, ['a', 'b']);
  await it.finishAll();
  await it.goAway('b');
  t.match(await it.world.app.sets.remove(ADMIN, it.id, 60_000), { isDone: false });
  await it.hosts['a']?.finish(it.target('a')?.jobId ?? '', {}, null);
  t.match(it.set, { state: 'removing', members: { total: 1 } });
  const { jobId } = it.target('b') ?? {};
  await it.comeBack('b');
  await it.hosts['b']?.finish(jobId ?? '', {}, null);
  await it.settle();
  t.throws(() => it.set, { code: 'not_found' });
});
