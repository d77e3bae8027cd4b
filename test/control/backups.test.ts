// Backups through the API: what a caller sees of them while the host, played by the test, takes, restores and deletes.
import t, { type Test } from 'tap';
import { LongshoreError } from '#shared/errors.ts';
import type { BackupSummary } from '#shared/backup.ts';
import type { Backup } from '../../control/app/api/backups.ts';
import { ADMIN, ControlWorld } from '../support/control-world.ts';
import type { FakeHost } from '../support/fake-host.ts';
import { toEventTypes } from '../../control/app/webhooks/event-types.ts';
import { eventually } from '../support/eventually.ts';
import { startRealHttp } from '../support/real-http.ts';

const SUMMARY: BackupSummary = { snapshotId: 'f6561d62', files: 3, totalBytes: 4096, addedBytes: 1024 };

type Made = { id: string; job_id: string };

async function startHttp(t: Test) {
  const real = await startRealHttp(t);
  const host = await real.world.joinAndConnect();
  const serviceId = await real.world.deployed(host, 'shop');
  const call = (method: string, path: string) => real.http.call(method, path, { key: real.key });
  return { ...real, host, serviceId, call };
}

/** A backup that went well. */
async function taken(world: ControlWorld, host: FakeHost, serviceId: string): Promise<Backup> {
  const { id, jobId } = await world.app.backups.create(ADMIN, serviceId);
  await host.finish(jobId, { backup: SUMMARY });
  return world.app.backups.require(ADMIN, id);
}

t.test('a backup is pending, then running, then what its host says it holds', async (t) => {
  const { world, host, serviceId, call } = await startHttp(t);
  const made = await call('POST', `/api/services/${serviceId}/backups`);
  t.equal(made.status, 201);
  const { id, job_id: jobId } = made.body as Made;
  const nothing = {
    size_bytes: null,
    added_bytes: null,
    files: null,
    snapshot_id: null,
    error: null,
    finished_at: null,
  };
  t.match(made.body, { id: /^bkp_/, service_id: serviceId, service_name: 'shop', status: 'pending', ...nothing });
  t.match(await host.offered(jobId), { kind: 'backup', backupId: id, spec: undefined });

  await host.tell({ kind: 'job.step', progress: { jobId, serviceId, step: 'backup', state: 'running', at: 1 } });
  t.match((await call('GET', `/api/backups/${id}`)).body, { status: 'running' });
  const bytes = { percent: 50, bytesDone: 2048, totalBytes: 4096 };
  host.peer?.notify('job.progress', { jobId, serviceId, step: 'backup', state: 'running', ...bytes, at: 2 });
  await host.finish(jobId, { backup: SUMMARY });
  const held = { status: 'succeeded', size_bytes: 4096, added_bytes: 1024, files: 3, snapshot_id: 'f6561d62' };
  t.match((await call('GET', `/api/backups/${id}`)).body, held);
  t.match((await call('GET', `/api/jobs/${jobId}`)).body, { kind: 'backup', state: 'succeeded', backup_id: id });

  const about = { type: 'backup.progress', serviceId, backupId: id, jobId, kind: 'backup' };
  t.match(
    world.live.filter(({ type }) => type === 'backup.progress'),
    [
      { ...about, state: 'running' },
      { ...about, state: 'running', percent: 50, bytesDone: 2048, totalBytes: 4096 },
      { ...about, state: 'succeeded', percent: 100, bytesDone: 4096, totalBytes: 4096, message: 'Backed up' },
    ],
  );
  t.notOk(
    world.live.some((event) => event.type === 'deploy.progress' && event.jobId === jobId),
    'it is no deploy',
  );
});

t.test('a backup changes nothing about what its service is, also when it fails', async (t) => {
  const world = new ControlWorld(t);
  const host = await world.joinAndConnect();
  const serviceId = await world.deployed(host, 'shop');
  const statusOf = () => {
    const { lifecycle, health, reason, revision, deployedAt } = world.app.services.require(ADMIN, serviceId);
    return { lifecycle, health, reason, revision, deployedAt };
  };
  const { id: stopJob } = (await world.app.services.act(ADMIN, serviceId, 'stop', 0)).job;
  await host.finish(stopJob, {}, { lifecycle: 'stopped', health: 'unknown' });
  const before = statusOf();
  const { id, jobId } = await world.app.backups.create(ADMIN, serviceId);
  const error = { code: 'volume_denied', message: 'Cannot back up "shop"' };
  await host.finish(jobId, { state: 'failed', error, failedStep: 'backup' }, null);
  t.strictSame(statusOf(), before);
  t.match(world.app.backups.require(ADMIN, id), { state: 'failed', error, summary: null });
  await taken(world, host, serviceId);
  t.match(world.app.services.require(ADMIN, serviceId), { lifecycle: 'running' }, "the host's own report counts");
});

t.test('one that was cancelled or whose host was shut out has failed', async (t) => {
  const world = new ControlWorld(t);
  const host = await world.joinAndConnect();
  const [shop, blog] = [await world.deployed(host, 'shop'), await world.deployed(host, 'blog')];
  const cancelled = await world.app.backups.create(ADMIN, shop);
  await host.finish(cancelled.jobId, { state: 'cancelled', error: { code: 'cancelled', message: 'x' } });
  const cut = await world.app.backups.create(ADMIN, blog);
  await world.app.hosts.revoke(ADMIN, host.id);
  for (const { id } of [cancelled, cut]) t.match(world.app.backups.require(ADMIN, id), { state: 'failed' });
});

t.test('only one thing at a time is done to a service', async (t) => {
  const { world, host, serviceId, call } = await startHttp(t);
  const { jobId } = await world.app.backups.create(ADMIN, serviceId);
  const busy = { status: 409, body: { error: { code: 'service_busy', details: new RegExp(jobId) } } };
  t.match(await call('POST', `/api/services/${serviceId}/backups`), busy);
  t.match(await call('POST', `/api/services/${serviceId}/restart`), busy);
  await host.finish(jobId, { backup: SUMMARY });
  host.disconnect();
  t.match(await call('POST', `/api/services/${serviceId}/backups`), {
    status: 409,
    body: { error: { code: 'host_offline' } },
  });
  t.equal(world.app.backups.list(ADMIN, { page: 1, perPage: 9, order: 'desc' }).total, 1, 'refused ones leave no row');
});

t.test('backups are listed by age, the newest first unless asked otherwise, and by page', async (t) => {
  const { world, host, serviceId, call } = await startHttp(t);
  const ids: string[] = [];
  for (let i = 0; i < 3; i++) {
    world.clock.advance(1_000);
    ids.push((await taken(world, host, serviceId)).id);
  }
  const list = async (query: string) => {
    const { body } = await call('GET', `/api/services/${serviceId}/backups${query}`);
    const { data, total } = body as { data: { id: string }[]; total: number };
    return [total, ...data.map(({ id }) => id)];
  };
  t.strictSame(await list(''), [3, ...ids.toReversed()]);
  t.strictSame(await list('?order=asc&sort=created_at'), [3, ...ids]);
  t.strictSame(await list('?per_page=2&page=2'), [3, ids[0]]);
  t.strictSame(await list('?status=failed'), [0]);
  t.match(await call('GET', '/api/services/svc_unknown/backups'), { status: 404 });
  t.match(await call('GET', '/api/backups?sort=size'), { status: 400 });
});

t.test('a restore is a job that names its backup; what did not succeed cannot be restored', async (t) => {
  const { world, host, serviceId, call } = await startHttp(t);
  const { id } = await taken(world, host, serviceId);
  const answer = await call('POST', `/api/backups/${id}/restore`);
  t.match(answer, { status: 202, body: { id, service_id: serviceId, job_id: /^job_/ } });
  const { job_id: jobId } = answer.body as { job_id: string };
  t.match(await host.offered(jobId), { kind: 'restore', backupId: id });
  await host.finish(jobId);
  t.match(world.app.backups.require(ADMIN, id), { state: 'succeeded', summary: SUMMARY }, 'it can be restored again');

  const failed = await world.app.backups.create(ADMIN, serviceId);
  await host.finish(failed.jobId, { state: 'failed', error: { code: 'backup_failed', message: 'x' } });
  t.match(await call('POST', `/api/backups/${failed.id}/restore`), {
    status: 409,
    body: { error: { code: 'state_conflict', message: `Cannot restore backup "${failed.id}": it is failed` } },
  });
});

t.test('a deleted backup is gone when its host says so, and only then', async (t) => {
  const { world, host, serviceId, call } = await startHttp(t);
  const [first, second] = [await taken(world, host, serviceId), await taken(world, host, serviceId)];
  const waiting = await call('DELETE', `/api/backups/${first.id}?wait=0`);
  t.match(waiting, { status: 202, body: { job_id: /^job_/ } });
  const { job_id: jobId } = waiting.body as { job_id: string };
  t.match((await call('DELETE', `/api/backups/${first.id}?wait=0`)).body, { job_id: jobId }, 'asked twice, done once');
  t.match(await call('GET', `/api/backups/${first.id}`), { status: 200 });
  await host.finish(jobId, { state: 'failed', error: { code: 'backup_failed', message: 'locked' } });
  t.match(await call('GET', `/api/backups/${first.id}`), { status: 200, body: { status: 'succeeded' } });

  const gone = call('DELETE', `/api/backups/${second.id}`);
  const asked = await eventually(() =>
    host.offers().find(({ backupId, kind }) => kind === 'forget_backup' && backupId === second.id),
  );
  await host.finish(asked?.jobId ?? '');
  t.equal((await gone).status, 204);
  t.match(await call('GET', `/api/backups/${second.id}`), { status: 404 });
});

t.test('backups outlive their service: they are found and deleted, not restored', async (t) => {
  const { world, host, serviceId, call } = await startHttp(t);
  const { id } = await taken(world, host, serviceId);
  const { job } = await world.app.services.remove(ADMIN, serviceId, 0);
  await host.finish(job.id, {}, null);
  t.match(await call('GET', `/api/services/${serviceId}/backups`), { status: 404 });
  t.match(await call('GET', `/api/backups?service_id=${serviceId}`), { body: { total: 1, data: [{ id }] } });
  t.match(await call('POST', `/api/backups/${id}/restore`), {
    status: 409,
    body: { error: { message: /its service "shop" is gone/ } },
  });
  host.disconnect();
  const waiting = await call('DELETE', `/api/backups/${id}`);
  t.equal(waiting.status, 202, 'nobody waits for a host that is away');
  await host.connect(world);
  await host.finish((waiting.body as { job_id: string }).job_id, {}, null);
  t.match(await call('GET', `/api/backups/${id}`), { status: 404 });
});

t.test('a backup that is being deleted still is when its service is deleted as well', async (t) => {
  const world = new ControlWorld(t);
  const host = await world.joinAndConnect();
  const serviceId = await world.deployed(host, 'shop');
  const { id } = await taken(world, host, serviceId);
  const { job: forgetting } = await world.app.backups.remove(ADMIN, id, 0);
  const { job: removal } = await world.app.services.remove(ADMIN, serviceId, 0);
  await host.offered(removal.id);
  t.notOk(host.received.some(({ body }) => body.kind === 'job.cancel'));
  await host.finish(forgetting.id);
  await host.finish(removal.id);
  t.equal(world.app.backups.list(ADMIN, { page: 1, perPage: 20, order: 'desc' }).total, 0);
});

t.test('the backups of a host that was shut out can be forgotten here', async (t) => {
  const { world, host, serviceId, call } = await startHttp(t);
  const { id } = await taken(world, host, serviceId);
  await world.app.hosts.revoke(ADMIN, host.id);
  t.equal((await call('DELETE', `/api/backups/${id}`)).status, 204);
});

t.test("a customer's key sees its own backups, and no others exist for it", async (t) => {
  const { world, http, host } = await startHttp(t);
  const [own, other] = [await world.customer('one'), await world.customer('two')];
  const mine = await taken(world, host, await world.deployed(host, 'mine', { customerId: own }));
  const theirs = await taken(world, host, await world.deployed(host, 'theirs', { customerId: other }));
  const permissions = ['backups.*' as const, 'services.read' as const];
  const { secret: key } = await world.app.keys.create(ADMIN, { name: 'one', permissions, customerId: own });
  const call = (method: string, path: string) => http.call(method, path, { key });
  t.match((await call('GET', '/api/backups')).body, { total: 1, data: [{ id: mine.id }] });
  t.equal((await call('GET', `/api/backups/${theirs.id}`)).status, 404);
  t.equal((await call('POST', `/api/backups/${theirs.id}/restore`)).status, 404);
  t.equal((await call('DELETE', `/api/backups/${theirs.id}`)).status, 404);
  t.equal((await call('POST', `/api/services/${theirs.serviceId}/backups`)).status, 404);
});

t.test('to restore is a permission of its own: who takes backups cannot put old data back', async (t) => {
  const { world, http, host, serviceId } = await startHttp(t);
  const { id } = await taken(world, host, serviceId);
  const permissions = ['backups.create' as const, 'backups.read' as const, 'services.update' as const];
  const { secret: key } = await world.app.keys.create(ADMIN, { name: 'cron', permissions });
  t.equal((await http.call('POST', `/api/backups/${id}/restore`, { key })).status, 403);
});

t.test('the services of a suspended customer are neither backed up nor restored', async (t) => {
  const world = new ControlWorld(t);
  const host = await world.joinAndConnect();
  const customerId = await world.customer('one');
  const serviceId = await world.deployed(host, 'shop', { customerId });
  const { id } = await taken(world, host, serviceId);
  const under = await world.app.backups.create(ADMIN, serviceId);
  const { jobIds } = await world.app.customers.suspend(ADMIN, customerId);
  t.equal(jobIds.length, 1, 'it is stopped although a backup was under way');
  await host.finish(under.jobId, { state: 'superseded', error: { code: 'superseded', message: 'x' } });
  await host.finish(jobIds[0] ?? '', {}, { lifecycle: 'stopped' });
  const code = (work: Promise<unknown>) => work.catch((error: LongshoreError) => error.code);
  t.equal(await code(world.app.backups.create(ADMIN, serviceId)), 'customer_suspended');
  t.equal(await code(world.app.backups.restore(ADMIN, id)), 'customer_suspended');
});

t.test('the timeline and the audit log tell of backups', async (t) => {
  const { world, host, serviceId, call } = await startHttp(t);
  const { id, job_id: jobId } = (await call('POST', `/api/services/${serviceId}/backups`)).body as Made;
  await host.finish(jobId, { backup: SUMMARY, finishedAt: world.clock.now() });
  const { body } = await call('GET', `/api/services/${serviceId}/events?type=backup`);
  t.match(body, { data: [{ status: 'success', message: 'Backed up' }, { status: 'started' }] });
  const [row] = world.app.audit.list(ADMIN, { page: 1, perPage: 1, order: 'desc' }).items;
  t.match(row, { action: 'backups.create', targetId: serviceId, jobId, result: 'ok' });
  await call('POST', `/api/backups/${id}/restore`);
  const [restored] = world.app.audit.list(ADMIN, { page: 1, perPage: 1, order: 'desc' }).items;
  t.match(restored, { action: 'backups.restore', targetId: id, hostId: host.id, result: 'ok' });
});

t.test('webhooks hear when a backup begins and how it ended, whatever its end is called', async (t) => {
  const typesOf = (status: string) => toEventTypes({ type: 'backup', status, serviceId: 'svc_1' }, undefined);
  t.strictSame(typesOf('started'), ['backup.started']);
  t.strictSame(typesOf('success'), ['backup.succeeded']);
  for (const status of ['failed', 'cancelled', 'superseded', 'expired']) {
    t.strictSame(typesOf(status), ['backup.failed'], status);
  }
});

t.test('a restore that its host lost track of is not done a second time; a backup is', async (t) => {
  const world = new ControlWorld(t);
  const host = await world.joinAndConnect();
  const [shop, blog] = [await world.deployed(host, 'shop'), await world.deployed(host, 'blog')];
  const { id } = await taken(world, host, shop);
  const { jobId: restore } = await world.app.backups.restore(ADMIN, id);
  const { jobId: backup } = await world.app.backups.create(ADMIN, blog);
  for (const jobId of [restore, backup]) {
    const { serviceId } = await host.offered(jobId);
    const step = jobId === restore ? ('restore' as const) : ('backup' as const);
    await host.tell({ kind: 'job.step', progress: { jobId, serviceId, step, state: 'running', at: 1 } });
  }
  host.disconnect();
  host.memory.openJobs = [];
  await host.connect(world);
  await host.tell({ kind: 'host.facts', facts: host.proof().facts, at: 1 });
  t.match(world.app.jobs.detail(ADMIN, restore), { state: 'failed', error: { code: 'interrupted' } });
  t.match(world.app.jobs.detail(ADMIN, backup), { finishedAt: null });
});
