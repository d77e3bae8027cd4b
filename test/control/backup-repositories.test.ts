// Repositories elsewhere and how services are backed up: who may say so, what hosts are told, and what becomes of backups
// by what hosts say.
import t, { type Test } from 'tap';
import type { BackupSummary } from '#shared/backup.ts';
import type { Backup } from '../../control/app/api/backups.ts';
import { ADMIN, ControlWorld } from '../support/control-world.ts';
import { eventually } from '../support/eventually.ts';
import type { FakeHost } from '../support/fake-host.ts';
import { startRealHttp } from '../support/real-http.ts';

const OF_OLD: BackupSummary = { snapshotId: 'f6561d62', files: 3, totalBytes: 4096, addedBytes: 1024 };
const SUMMARY: BackupSummary = { ...OF_OLD, consistency: 'live' };
const URL = 'rest:https://backup.example.com/shop/';
const SECRET = 'correct-horse-battery';
const SETTINGS = { repository_id: null, on_host: false, consistency: 'live', dumps: [], retention: null };

async function startHttp(t: Test) {
  const real = await startRealHttp(t);
  const host = await real.world.joinAndConnect();
  const call = (method: string, path: string, body?: object) => real.http.call(method, path, { key: real.key, body });
  return { ...real, host, call };
}

async function taken(world: ControlWorld, host: FakeHost, serviceId: string): Promise<Backup> {
  const { id, jobId } = await world.app.backups.create(ADMIN, serviceId);
  await host.finish(jobId, { backup: SUMMARY });
  return world.app.backups.require(ADMIN, id);
}

/** What the host was told last of how the service is backed up, by itself. */
const toldSettings = (host: FakeHost, serviceId: string) =>
  eventually(() => {
    const told = host.received.map(({ body }) => body).filter((body) => body.kind === 'backup.settings');
    return told.findLast((body) => body.serviceId === serviceId)?.settings;
  });

t.test('what opens a repository goes in, and out to hosts only', async (t) => {
  const { world, host, call } = await startHttp(t);
  const given = { url: URL, name: 'Shop', credentials: { RESTIC_REST_PASSWORD: SECRET } };
  const made = await call('POST', '/api/backup-repositories', given);
  t.match(made, { status: 201, body: { id: /^rep_/, type: 'rest', url: URL, customer_id: null, password: /^.{43}$/ } });
  const { id, password } = made.body as { id: string; password: string };
  const own = await call('POST', '/api/backup-repositories', { url: `${URL}own/`, password: SECRET });
  t.equal((own.body as { password: unknown }).password, null, 'who gave a password knows it');
  const changed = await call('PATCH', `/api/backup-repositories/${id}`, { name: 'Shops' });
  const shown = [
    await call('GET', `/api/backup-repositories/${id}`),
    await call('GET', '/api/backup-repositories'),
    changed,
  ];
  t.notMatch(JSON.stringify(shown), new RegExp(`${SECRET}|${password}`));
  t.match(changed.body, { name: 'Shops' });

  const serviceId = await world.deployed(host, 'shop');
  const settings = `/api/services/${serviceId}/backup-settings`;
  t.match((await call('GET', settings)).body, { ...SETTINGS, used_repository_id: null, updated_at: null });
  const chosen = await call('PUT', settings, { repository_id: id, consistency: 'pause', retention: { keep_daily: 7 } });
  t.match(chosen, { status: 200, body: { used_repository_id: id, retention: { keep_daily: 7, keep_last: 0 } } });
  const env = { RESTIC_REST_PASSWORD: SECRET };
  const repository = { id, url: URL, password, env };
  const retention = { last: 0, daily: 7, weekly: 0, monthly: 0 };
  const told = { consistency: 'pause', retention, repository };
  t.match(await toldSettings(host, serviceId), told, 'at once, for its schedules');

  const backup = await world.app.backups.create(ADMIN, serviceId);
  t.match(await host.offered(backup.jobId), { repository, backupSettings: told }, 'and with each backup');
  t.equal(backup.repositoryId, id);
  await host.finish(backup.jobId, { backup: { ...SUMMARY, consistency: 'pause', dumps: ['db'] } });
  const { body } = await call('GET', `/api/backups/${backup.id}`);
  t.match(body, { repository_id: id, consistency: 'pause', dumps: ['db'], drill: null });
  t.match(await call('DELETE', `/api/backup-repositories/${id}`), { status: 409, body: { error: { code: 'in_use' } } });
  const audit = world.app.audit.list(ADMIN, { page: 1, perPage: 50, order: 'desc' });
  t.notMatch(JSON.stringify(audit), new RegExp(`${SECRET}|${password}`));
});

t.test("a customer's services have its repository, else that of its plan, else their host", async (t) => {
  const { world, host, call } = await startHttp(t);
  const customerId = await world.customer('one', {});
  const planId = world.stores.customers.find(customerId)?.planId;
  const serviceId = await world.deployed(host, 'shop', { customerId });
  const used = async () =>
    ((await call('GET', `/api/services/${serviceId}/backup-settings`)).body as { used_repository_id: string | null })
      .used_repository_id;
  t.equal(await used(), null);
  const ofPlan = (await call('POST', '/api/backup-repositories', { url: URL, plan_id: planId })).body as { id: string };
  t.equal(await used(), ofPlan.id);
  t.match(await toldSettings(host, serviceId), { repository: { id: ofPlan.id } }, 'hosts hear of it at once');
  const own = { url: `${URL}one/`, customer_id: customerId };
  const ofCustomer = (await call('POST', '/api/backup-repositories', own)).body as { id: string };
  t.equal(await used(), ofCustomer.id);
  t.match(await call('POST', '/api/backup-repositories', own), {
    status: 409,
    body: { error: { code: 'name_taken' } },
  });
  await call('PUT', `/api/services/${serviceId}/backup-settings`, { on_host: true });
  t.equal(await used(), null, 'its own word counts most');
  const both = { url: URL, customer_id: customerId, plan_id: planId };
  t.match(await call('POST', '/api/backup-repositories', both), { status: 422 });
  t.equal((await call('DELETE', `/api/backup-repositories/${ofPlan.id}`)).status, 204);
});

t.test('A65: what is no repository, or must not be called, is refused with its field', async (t) => {
  const { call } = await startHttp(t);
  const bad: [object, string][] = [
    [{ url: 'file:///etc' }, 'url'],
    [{ url: 'rest:https://user:secret@backup.example.com/' }, 'url'],
    [{ url: 'rest:http://169.254.169.254/x/' }, 'url'],
    [{ url: 'sftp://backup@backup.example.com/x' }, 'known_hosts'],
    [{ url: URL, known_hosts: 'x' }, 'known_hosts'],
    [{ url: URL, private_key: 'x' }, 'private_key'],
    [{ url: URL, credentials: { LD_PRELOAD: '/tmp/x.so' } }, 'credentials'],
    [{ url: URL, credentials: { RESTIC_PASSWORD_COMMAND: 'id' } }, 'credentials'],
    [{ url: URL, customer_id: 'cust_unknown' }, 'customer_id'],
  ];
  for (const [body, field] of bad) {
    const answer = await call('POST', '/api/backup-repositories', body);
    t.match(answer, { status: 422, body: { error: { fields: { [field]: String } } } }, JSON.stringify(body));
  }
});

t.test('only who runs the fleet makes repositories; a customer sees its own and that of its plan', async (t) => {
  const { world, http, call, host } = await startHttp(t);
  const [one, two] = [await world.customer('one', {}), await world.customer('two')];
  const planId = world.stores.customers.find(one)?.planId;
  const make = async (more: object) =>
    ((await call('POST', '/api/backup-repositories', { url: URL, ...more })).body as { id: string }).id;
  const [mine, theirs, ofPlan, operators] = [
    await make({ customer_id: one }),
    await make({ customer_id: two }),
    await make({ plan_id: planId }),
    await make({}),
  ];
  const permissions = ['backup_repositories.*' as const, 'services.update' as const, 'backups.*' as const];
  const { secret: key } = await world.app.keys.create(ADMIN, { name: 'one', permissions, customerId: one });
  const asOne = (method: string, path: string, body?: object) => http.call(method, path, { key, body });
  const { body } = await asOne('GET', '/api/backup-repositories');
  t.strictSame(new Set((body as { data: { id: string }[] }).data.map(({ id }) => id)), new Set([mine, ofPlan]));
  for (const id of [theirs, operators]) t.equal((await asOne('GET', `/api/backup-repositories/${id}`)).status, 404);
  t.equal((await asOne('GET', `/api/backup-repositories/${ofPlan}`)).status, 200);
  t.equal((await asOne('POST', '/api/backup-repositories', { url: URL })).status, 403);
  t.equal((await asOne('PATCH', `/api/backup-repositories/${mine}`, { name: 'x' })).status, 403);
  t.equal((await asOne('DELETE', `/api/backup-repositories/${mine}`)).status, 403);

  const serviceId = await world.deployed(host, 'mine', { customerId: one });
  const settings = `/api/services/${serviceId}/backup-settings`;
  t.equal((await asOne('PUT', settings, { repository_id: theirs })).status, 404);
  t.match(await call('PUT', settings, { repository_id: theirs }), { status: 422 }, "nor by an operator's mistake");
  t.equal((await asOne('PUT', settings, { repository_id: ofPlan })).status, 200);
  const dumps = [{ service: 'db', type: 'command', command: ['sh'] }];
  t.equal((await asOne('PUT', settings, { dumps })).status, 403, 'a program of its own needs services.exec');
  const unfit = [{ service: 'db', type: 'postgres', command: ['sh'] }];
  t.equal((await asOne('PUT', settings, { dumps: unfit })).status, 422);
  const other = await world.deployed(host, 'theirs', { customerId: two });
  t.equal((await asOne('GET', `/api/services/${other}/backup-settings`)).status, 404);
});

t.test('backups that retention took away are gone here, too; those of other services are not', async (t) => {
  const world = new ControlWorld(t);
  const host = await world.joinAndConnect();
  const [shop, blog] = [await world.deployed(host, 'shop'), await world.deployed(host, 'blog')];
  const [old, others] = [await taken(world, host, shop), await taken(world, host, blog)];
  const { jobId } = await world.app.backups.create(ADMIN, shop);
  await host.finish(jobId, { backup: SUMMARY, forgotten: [old.id, others.id, 'bkp_unknown0000'] });
  const { items } = world.app.backups.list(ADMIN, { page: 1, perPage: 9, order: 'asc' });
  t.strictSame(items.map(({ serviceName }) => serviceName).toSorted(), ['blog', 'shop']);
  t.ok(items.every(({ id }) => id !== old.id));
});

t.test('a host of before repositories has put it on its own disk, whatever was asked', async (t) => {
  const { world, host, call } = await startHttp(t);
  const { id: repositoryId } = (await call('POST', '/api/backup-repositories', { url: URL })).body as { id: string };
  const serviceId = await world.deployed(host, 'shop');
  const { id, jobId } = await world.app.backups.create(ADMIN, serviceId, { repositoryId });
  await host.finish(jobId, { backup: OF_OLD });
  t.match((await call('GET', `/api/backups/${id}`)).body, { repository_id: null, consistency: 'live' });
});

t.test('how a drill went is written down at its backup, also when its host gave itself the job', async (t) => {
  const { world, host, call } = await startHttp(t);
  const serviceId = await world.deployed(host, 'shop');
  const { id } = await taken(world, host, serviceId);
  const asked = await call('POST', `/api/backups/${id}/drill`);
  t.match(asked, { status: 202, body: { id, service_id: serviceId, job_id: /^job_/ } });
  const { job_id: jobId } = asked.body as { job_id: string };
  t.match(await host.offered(jobId), { kind: 'drill', backupId: id });
  await host.finish(jobId, { drilled: id });
  t.match((await call('GET', `/api/backups/${id}`)).body, { drill: { good: true, message: null } });
  t.match(world.app.services.require(ADMIN, serviceId), { lifecycle: 'running' }, 'the service is what it was');

  world.clock.advance(60_000);
  const at = world.clock.now();
  const local = { jobId: 'job_01nightly0000', serviceId, kind: 'drill' as const, cause: 'by schedule nightly', at };
  await host.tell({ kind: 'job.local', job: local });
  const error = { code: 'not_healthy', message: 'Container "db" is unhealthy' };
  const result = { jobId: local.jobId, serviceId, state: 'failed' as const, error, drilled: id };
  await host.tell({ kind: 'job.finished', result: { ...result, startedAt: at, finishedAt: at + 1 }, report: null });
  t.match((await call('GET', `/api/backups/${id}`)).body, { drill: { good: false, message: error.message } });
  const { body } = await call('GET', `/api/services/${serviceId}/events?type=drill`);
  t.match(body, { data: [{ status: 'failed', message: error.message }, { status: 'started' }] });
});

t.test(
  'a new service is made from a backup, also when its own is gone, and on another host from elsewhere',
  async (t) => {
    const { world, host, call } = await startHttp(t);
    const other = await world.joinAndConnect({}, 'two');
    const source = { method: 'compose' as const, compose: 'services: {web: {image: "busybox:1"}}' };
    const serviceId = await world.deployed(host, 'shop', { source, variables: { KEY: SECRET } });
    const onHost = await taken(world, host, serviceId);
    const { id: repositoryId } = (await call('POST', '/api/backup-repositories', { url: URL })).body as { id: string };
    await call('PUT', `/api/services/${serviceId}/backup-settings`, { repository_id: repositoryId });
    const elsewhere = await taken(world, host, serviceId);
    const as = (id: string, body: object) => call('POST', `/api/backups/${id}/restore-as`, body);
    t.match(await as(onHost.id, { name: 'copy', host_id: other.id }), {
      status: 409,
      body: { error: { code: 'state_conflict', message: /it lies on host/ } },
    });
    t.match(await as(elsewhere.id, { name: 'shop' }), { status: 409, body: { error: { code: 'name_taken' } } });
    const { job } = await world.app.services.remove(ADMIN, serviceId, 0);
    await host.finish(job.id, {}, null);

    const made = await as(elsewhere.id, { name: 'copy', host_id: other.id });
    t.match(made, { status: 201, body: { service_id: /^svc_/, job_id: /^job_/ } });
    const { job_id: jobId } = made.body as { job_id: string };
    t.match(await other.offered(jobId), {
      kind: 'deploy',
      backupId: elsewhere.id,
      backupOf: serviceId,
      repository: { id: repositoryId },
      spec: { name: 'copy', variables: { KEY: SECRET } },
    });
    t.match(await as(onHost.id, { name: 'beside' }), { status: 201 }, 'on its own host from what lies there');
  },
);

t.test('a backup is restored into another service only where the caller sees both', async (t) => {
  const { world, http, host, call } = await startHttp(t);
  const [one, two] = [await world.customer('one'), await world.customer('two')];
  const mine = await world.deployed(host, 'mine', { customerId: one });
  const theirs = await world.deployed(host, 'theirs', { customerId: two });
  const { id } = await taken(world, host, mine);
  const permissions = ['backups.*' as const, 'services.read' as const];
  const { secret: key } = await world.app.keys.create(ADMIN, { name: 'one', permissions, customerId: one });
  const body = { service_id: theirs };
  t.equal((await http.call('POST', `/api/backups/${id}/restore`, { key, body })).status, 404);
  const noCreate = await http.call('POST', `/api/backups/${id}/restore-as`, { key, body: { name: 'copy' } });
  t.equal(noCreate.status, 403, 'a new service needs services.create');
  const answer = await call('POST', `/api/backups/${id}/restore`, body);
  t.match(answer, { status: 202, body: { service_id: theirs } });
  const { job_id: jobId } = answer.body as { job_id: string };
  t.match(await host.offered(jobId), { kind: 'restore', serviceId: theirs, backupId: id, backupOf: mine });
});

t.test('what a deploy took before it changed anything is a backup like any other, however it ended', async (t) => {
  const world = new ControlWorld(t);
  const host = await world.joinAndConnect();
  const serviceId = await world.deployed(host, 'shop');
  const { job } = await world.app.services.redeploy(ADMIN, serviceId, { pull: 'missing' });
  const backupBefore = { id: `bkp_${job.id.slice(4)}`, repositoryId: null, summary: SUMMARY };
  await host.finish(job.id, { state: 'failed', error: { code: 'not_healthy', message: 'x' }, backupBefore });
  t.match(world.app.backups.require(ADMIN, backupBefore.id), { state: 'succeeded', serviceId, jobId: job.id });
});
