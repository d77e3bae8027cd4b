// All services of a lost host on another one: what is restored from what, what is left and why, and what the lost host finds
// when it returns.
import t from 'tap';
import { ADMIN } from '../support/control-world.ts';
import { eventually } from '../support/eventually.ts';
import { reportOf, type FakeHost } from '../support/fake-host.ts';
import { MoveWorld, SUMMARY } from '../support/move-world.ts';

async function backedUp(
  it: MoveWorld,
  serviceId: string,
  repositoryId: string | null = it.repositoryId,
): Promise<string> {
  const { id, jobId } = await it.world.app.backups.create(ADMIN, serviceId, { repositoryId });
  await it.a.finish(jobId, { backup: SUMMARY });
  it.world.clock.advance(1000);
  return id;
}

const restore = (it: MoveWorld) => it.world.app.moves.restoreHost(ADMIN, it.a.id, it.b.id);
const standing = (it: MoveWorld) => it.world.app.moves.requireRestore(ADMIN, it.a.id);

/** The deploy of a service, once its host is offered it. */
const deployOf = (host: FakeHost, serviceId: string) =>
  eventually(
    () => host.offers().findLast((offer) => offer.kind === 'deploy' && offer.serviceId === serviceId)?.jobId ?? '',
    { until: Boolean },
  );

async function lose(it: MoveWorld): Promise<void> {
  it.a.disconnect();
  await it.world.parts.moves.sweep();
}

t.test('every service comes back from its newest backup elsewhere, or is named with the reason', async (t) => {
  const it = await MoveWorld.start(t);
  const onlyHere = await it.world.deployed(it.a, 'here');
  const stopped = await it.world.deployed(it.a, 'rests');
  await backedUp(it, it.serviceId);
  const newest = await backedUp(it, it.serviceId);
  await backedUp(it, onlyHere, null);
  const rests = await backedUp(it, stopped);
  await it.a.tell({
    kind: 'service.report',
    report: reportOf(stopped, { lifecycle: 'stopped', health: 'unknown', at: 9 }),
  });
  await t.rejects(restore(it), { code: 'state_conflict', message: 'Host "a" is connected' });
  await lose(it);
  await restore(it);
  const deploy = await deployOf(it.b, it.serviceId);
  t.match(await it.b.offered(deploy), {
    backupId: newest,
    backupOf: it.serviceId,
    repository: { id: it.repositoryId },
  });
  t.match(standing(it), {
    state: 'running',
    services: [
      { serviceName: 'here', state: 'left', reason: 'There is no backup of it outside of its host' },
      { serviceName: 'rests', state: 'running', backupId: rests, backupAt: Number },
      { serviceName: 'shop', state: 'running', backupId: newest },
    ],
  });
  await it.b.finish(deploy, {}, { revision: 2 });
  await it.b.finish(await deployOf(it.b, stopped), {}, { revision: 2 });
  await it.world.parts.moves.sweep();
  const stop = await eventually(() => it.b.offers().find(({ kind }) => kind === 'stop')?.jobId ?? '', {
    until: Boolean,
  });
  await it.b.finish(stop, {}, { lifecycle: 'stopped', health: 'unknown' });
  await it.world.parts.moves.sweep();
  t.match(standing(it), { state: 'failed', finishedAt: Number }, 'one of three is not there');
  t.match(it.service, { hostId: it.b.id, lifecycle: 'running' });
  t.match(it.world.app.services.require(ADMIN, stopped), { hostId: it.b.id, lifecycle: 'stopped' }, 'as it was');
  t.equal(it.world.app.services.require(ADMIN, onlyHere).hostId, it.a.id);
});

t.test('a lost host that returns stops what runs elsewhere by now, and keeps its data', async (t) => {
  const it = await MoveWorld.start(t);
  await backedUp(it, it.serviceId);
  await lose(it);
  await restore(it);
  await it.b.finish(await deployOf(it.b, it.serviceId), {}, { revision: 2 });
  await it.world.parts.moves.sweep();
  t.match(standing(it), { state: 'succeeded' });
  await it.a.connect(it.world);
  const stop = await eventually(() => it.a.offers().find(({ kind }) => kind === 'stop')?.jobId ?? '', {
    until: Boolean,
  });
  await it.a.tell({ kind: 'service.report', report: reportOf(it.serviceId, { reason: 'the old one' }) });
  await it.a.finish(stop, {}, { lifecycle: 'stopped' });
  t.match(it.service, { hostId: it.b.id, lifecycle: 'running', reason: null });
  t.notOk(
    it.a.offers().some(({ kind }) => kind === 'remove'),
    'it may hold what the backup has not got',
  );
  const [move] = it.world.app.moves.list(ADMIN, { page: 1, perPage: 10, order: 'desc' }).items;
  await it.world.app.moves.removeOld(ADMIN, move?.id ?? '');
  t.ok(
    await eventually(() => it.a.offers().some(({ kind }) => kind === 'remove'), { until: Boolean }),
    'when asked for',
  );
});

t.test('asked for again it goes on with what is not there yet', async (t) => {
  const it = await MoveWorld.start(t);
  await backedUp(it, it.serviceId);
  await lose(it);
  const first = await restore(it);
  t.equal((await restore(it)).id, first.id, 'while it is under way it is the same');
  const failed = { state: 'failed', error: { code: 'unhealthy', message: 'web is unhealthy' } } as const;
  const deploy = await deployOf(it.b, it.serviceId);
  await it.b.finish(deploy, failed, { lifecycle: 'failed' });
  await it.world.parts.moves.sweep();
  const clear = await eventually(() => it.b.offers().find(({ kind }) => kind === 'remove')?.jobId ?? '', {
    until: Boolean,
  });
  await it.b.finish(clear, {}, null);
  await it.world.parts.moves.sweep();
  t.match(standing(it), { state: 'failed', services: [{ state: 'failed', reason: 'deploy: web is unhealthy' }] });
  const second = await restore(it);
  t.not(second.id, first.id);
  const again = await eventually(
    () => it.b.offers().find(({ kind, jobId }) => kind === 'deploy' && jobId !== deploy)?.jobId ?? '',
    { until: Boolean },
  );
  await it.b.finish(again, {}, { revision: 3 });
  await it.world.parts.moves.sweep();
  t.match(standing(it), { id: second.id, state: 'succeeded' });
  t.equal((await restore(it)).id, second.id, 'and then there is nothing left to do');
});

t.test('what failed elsewhere is not stopped when the lost host returns', async (t) => {
  const it = await MoveWorld.start(t);
  await backedUp(it, it.serviceId);
  await lose(it);
  await restore(it);
  await it.b.finish(await deployOf(it.b, it.serviceId), { state: 'failed' }, { lifecycle: 'failed' });
  await it.world.parts.moves.sweep();
  const clear = await eventually(() => it.b.offers().find(({ kind }) => kind === 'remove')?.jobId ?? '', {
    until: Boolean,
  });
  await it.b.finish(clear, {}, null);
  await it.world.parts.moves.sweep();
  await it.a.connect(it.world);
  await it.world.dispatcher.idle();
  t.notOk(it.a.offers().some(({ kind }) => kind === 'stop'));
  t.equal(it.service.hostId, it.a.id);
});

t.test('many services come in waves, and all are left their stop at once', async (t) => {
  const it = await MoveWorld.start(t);
  const ids = [it.serviceId];
  for (const name of ['s1', 's2', 's3', 's4', 's5']) ids.push(await it.world.deployed(it.a, name));
  for (const id of ids) await backedUp(it, id);
  await lose(it);
  await restore(it);
  await it.world.parts.moves.sweep();
  const open = (kind: string) =>
    ids.flatMap((id) => it.world.stores.jobs.openOfService(id)).filter((job) => job.kind === kind);
  t.equal(open('stop').length, 6);
  t.equal(open('deploy').length, 4);
  const [first] = open('deploy');
  await it.b.finish(first?.id ?? '', {}, { revision: 2 });
  await it.world.parts.moves.sweep();
  t.equal(open('deploy').length, 4, 'the next one');
});
