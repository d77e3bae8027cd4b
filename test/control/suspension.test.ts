// Suspending and resuming a customer over the real app, store and links: what hosts are asked for, what comes back, and
// what a crash or a host that is away changes about it (nothing).
import t, { type Test } from 'tap';
import type { JobKind } from '#shared/jobs.ts';
import { ADMIN, ControlWorld } from '../support/control-world.ts';
import { eventually } from '../support/eventually.ts';
import { reportOf, type FakeHost } from '../support/fake-host.ts';
import { faultCode } from '../support/fault-code.ts';
import { startRealHttp } from '../support/real-http.ts';

const STOPPED = { lifecycle: 'stopped', health: 'unknown' } as const;

async function start(t: Test, world = new ControlWorld(t)) {
  const host = await world.joinAndConnect();
  const customerId = await world.customer('Acme');
  return { world, host, customerId };
}

/** Kinds of the jobs a service has had, oldest first, with how they stand. */
const jobsOf = (world: ControlWorld, serviceId: string): [JobKind, string][] =>
  world.stores.jobs
    .list({ page: 1, perPage: 100, serviceId, visibility: { customerId: null, hostIds: null } })
    .items.toReversed()
    .map(({ kind, state }) => [kind, state]);

const statusOf = (world: ControlWorld, id: string) => world.app.services.require(ADMIN, id).lifecycle;

const messagesOf = (world: ControlWorld, id: string) =>
  world.app.services.events(ADMIN, id, { page: 1, perPage: 100, order: 'asc' }).items.map(({ message }) => message);

/** Ends each of these jobs as a host does that stops or starts containers. */
async function finishAll(world: ControlWorld, host: FakeHost, jobIds: readonly string[]): Promise<void> {
  for (const id of jobIds) {
    const isStop = world.stores.jobs.find(id)?.kind === 'stop';
    await host.finish(id, { finishedAt: world.clock.now() }, isStop ? STOPPED : {});
  }
}

t.test('suspending stops what runs; resuming brings back exactly that', async (t) => {
  const { world, host, customerId } = await start(t);
  const { customers, services } = world.app;
  const runs = await world.deployed(host, 'runs', { customerId });
  const stopped = await world.deployed(host, 'stopped', { customerId });
  const stop = await services.act(ADMIN, stopped, 'stop', 0);
  await host.finish(stop.job.id, {}, STOPPED);
  const failed = await world.create('failed', { customerId });
  await host.finish(
    failed.job.id,
    { state: 'failed', error: { code: 'unhealthy', message: 'It is ill' } },
    { lifecycle: 'failed', revision: null },
  );
  const foreign = await world.deployed(host, 'foreign', { customerId: await world.customer('Other') });

  const suspended = await customers.suspend(ADMIN, customerId);
  t.equal(suspended.jobIds.length, 1);
  t.match(customers.detail(ADMIN, customerId), { suspendedAt: world.clock.now() });
  await finishAll(world, host, suspended.jobIds);
  t.equal(statusOf(world, runs), 'stopped');
  t.same(jobsOf(world, foreign), [['deploy', 'succeeded']], 'nobody else is stopped');
  t.same(messagesOf(world, runs).slice(-2), ['Asked for: stop (customer suspended)', 'Stopped: customer suspended']);

  const resumed = await customers.resume(ADMIN, customerId);
  t.match(resumed, { customer: { suspendedAt: null }, jobIds: [String] });
  await finishAll(world, host, resumed.jobIds);
  t.equal(statusOf(world, runs), 'running');
  t.equal(statusOf(world, stopped), 'stopped');
  t.equal(statusOf(world, failed.service.id), 'failed');
  t.same(messagesOf(world, runs).slice(-2), ['Asked for: start (customer resumed)', 'Started: customer resumed']);
});

t.test('over HTTP, both answer at once with what is under way', async (t) => {
  const { world, http, key } = await startRealHttp(t);
  const { host, customerId } = await start(t, world);
  await world.deployed(host, 'web', { customerId });
  const path = `/api/customers/${customerId}`;
  const suspended = await http.call<{ job_ids: string[] }>('POST', `${path}/suspend`, { key });
  t.match(suspended, {
    status: 200,
    body: {
      id: customerId,
      status: 'suspended',
      message: 'Customer suspended; 1 service is being stopped',
      job_ids: [/^job_/],
    },
  });
  t.match((await http.get(path, key)).body, { status: 'suspended', suspended_at: /Z$/ });
  t.match(await http.get(`/api/jobs/${suspended.body.job_ids[0]}`, key), { body: { cause: 'customer suspended' } });
  await finishAll(world, host, suspended.body.job_ids);
  t.match((await http.call('POST', `${path}/resume`, { key })).body, {
    status: 'active',
    message: 'Customer resumed; 1 service is being brought back',
  });
  t.match((await http.call('POST', `${path}/resume`, { key })).body, { message: 'Customer resumed', job_ids: [] });
});

t.test('a suspended customer reads, stops and deletes; everything else is refused', async (t) => {
  const { world, host, customerId } = await start(t);
  const { customers, services, jobs } = world.app;
  const id = await world.deployed(host, 'web', { customerId });
  const { jobIds } = await customers.suspend(ADMIN, customerId);
  const refused = [
    world.create('new', { customerId }),
    services.act(ADMIN, id, 'start', 0),
    services.act(ADMIN, id, 'restart', 0),
    services.redeploy(ADMIN, id, {}),
    jobs.cancel(ADMIN, jobIds[0] ?? ''),
  ];
  for (const attempt of refused) t.equal(await faultCode(attempt), 'customer_suspended');
  await finishAll(world, host, jobIds);
  t.equal(services.detail(ADMIN, id).name, 'web');
  const stop = await services.act(ADMIN, id, 'stop', 0);
  await host.finish(stop.job.id, {}, STOPPED);
  const { job } = await services.remove(ADMIN, id, 0);
  await host.finish(job.id, {}, null);
  t.throws(() => services.require(ADMIN, id), { code: 'not_found' });
  t.same((await customers.resume(ADMIN, customerId)).jobIds, []);
});

t.test('what its user stops while suspended stays stopped', async (t) => {
  const { world, host, customerId } = await start(t);
  const { customers, services } = world.app;
  const id = await world.deployed(host, 'web', { customerId });
  await finishAll(world, host, (await customers.suspend(ADMIN, customerId)).jobIds);
  await host.finish((await services.act(ADMIN, id, 'stop', 0)).job.id, {}, STOPPED);
  t.same((await customers.resume(ADMIN, customerId)).jobIds, []);
});

t.test('both may be asked for again: nothing is done twice, nothing is forgotten', async (t) => {
  const { world, host, customerId } = await start(t);
  const { customers } = world.app;
  const id = await world.deployed(host, 'web', { customerId });
  t.same((await customers.resume(ADMIN, customerId)).jobIds, [], 'resuming who is active does nothing');
  const { jobIds } = await customers.suspend(ADMIN, customerId);
  t.same((await customers.suspend(ADMIN, customerId)).jobIds, [], 'it is being stopped already');
  await finishAll(world, host, jobIds);
  const at = customers.detail(ADMIN, customerId).suspendedAt;
  world.clock.advance(1000);
  t.match(await customers.suspend(ADMIN, customerId), { jobIds: [], customer: { suspendedAt: at } });
  const resumed = await customers.resume(ADMIN, customerId);
  t.equal(resumed.jobIds.length, 1, 'the second suspension did not forget what ran at the first');
  t.same((await customers.resume(ADMIN, customerId)).jobIds, []);
  await finishAll(world, host, resumed.jobIds);
  t.equal(statusOf(world, id), 'running');
});

t.test('what runs in spite of a suspension is stopped when it is asked for again, and not brought back', async (t) => {
  const { world, host, customerId } = await start(t);
  const { customers } = world.app;
  const id = await world.deployed(host, 'web', { customerId });
  const stop = await world.app.services.act(ADMIN, id, 'stop', 0);
  await host.finish(stop.job.id, {}, STOPPED);
  await customers.suspend(ADMIN, customerId);
  await host.tell({ kind: 'service.report', report: reportOf(id) }); // by hand
  const { jobIds } = await customers.suspend(ADMIN, customerId);
  await finishAll(world, host, jobIds);
  t.equal(statusOf(world, id), 'stopped');
  t.same((await customers.resume(ADMIN, customerId)).jobIds, []);
});

t.test('a deploy under way is called off and made again by resuming', async (t) => {
  const { world, host, customerId } = await start(t);
  const { customers } = world.app;
  const { service, job } = await world.create('web', { customerId });
  await host.offered(job.id);
  const suspended = await customers.suspend(ADMIN, customerId);
  await eventually(() => host.received.some(({ body }) => body.kind === 'job.cancel' && body.jobId === job.id));
  await host.finish(job.id, { state: 'superseded' }, { lifecycle: 'failed', revision: null });
  await finishAll(world, host, suspended.jobIds);
  t.equal(statusOf(world, service.id), 'stopped');
  const { jobIds } = await customers.resume(ADMIN, customerId);
  t.equal(statusOf(world, service.id), 'deploying');
  t.match(await host.offered(jobIds[0] ?? ''), { kind: 'deploy', spec: { revision: 1 } });
  await finishAll(world, host, jobIds);
  t.equal(statusOf(world, service.id), 'running');
});

t.test('a backup under way is let through, and the stop waits for it', async (t) => {
  const { world, host, customerId } = await start(t);
  const { customers, backups } = world.app;
  const id = await world.deployed(host, 'web', { customerId });
  const backup = await backups.create(ADMIN, id);
  await host.offered(backup.jobId);
  const { jobIds } = await customers.suspend(ADMIN, customerId);
  t.equal(jobIds.length, 1);
  t.same((await customers.suspend(ADMIN, customerId)).jobIds, [], 'the stop is not asked for twice');
  await host.finish(backup.jobId, { state: 'failed', error: { code: 'internal', message: 'No room' } }, null);
  await finishAll(world, host, jobIds);
  t.notOk(host.received.some(({ body }) => body.kind === 'job.cancel'));
  t.equal((await customers.resume(ADMIN, customerId)).jobIds.length, 1, 'it ran');
});

t.test('a stop that waits for its host never expires, and resuming calls it off', async (t) => {
  const { world, host, customerId } = await start(t);
  const { customers } = world.app;
  const id = await world.deployed(host, 'web', { customerId });
  host.disconnect();
  const { jobIds } = await customers.suspend(ADMIN, customerId);
  t.match(world.stores.jobs.find(jobIds[0] ?? ''), { state: 'queued', expiresAt: null });
  world.clock.advance(7 * 24 * 3600_000);
  await host.connect(world);
  const { expiresAt } = await host.offered(jobIds[0] ?? '');
  t.equal(expiresAt, undefined, 'a week later it is delivered');
  await finishAll(world, host, jobIds);
  await finishAll(world, host, (await customers.resume(ADMIN, customerId)).jobIds);

  host.disconnect();
  const second = await customers.suspend(ADMIN, customerId);
  const resumed = await customers.resume(ADMIN, customerId);
  await host.connect(world);
  await finishAll(world, host, resumed.jobIds);
  t.notOk(
    host.offers().some(({ jobId }) => second.jobIds.includes(jobId)),
    'the host never heard of the stop',
  );
  t.equal(statusOf(world, id), 'running');
});

t.test('a stop that was sent but not done is followed by a start', async (t) => {
  const { world, host, customerId } = await start(t);
  const { customers } = world.app;
  const id = await world.deployed(host, 'web', { customerId });
  const suspended = await customers.suspend(ADMIN, customerId);
  const [stop = ''] = suspended.jobIds;
  await host.offered(stop);
  const [again = ''] = (await customers.resume(ADMIN, customerId)).jobIds;
  await host.offered(again);
  const order = host.received.flatMap(({ body }) => {
    if (body.kind === 'job.offer') return [`${body.offer.kind} ${body.offer.jobId}`];
    return body.kind === 'job.cancel' ? [`cancel ${body.jobId}`] : [];
  });
  t.same(order.slice(-3), [`stop ${stop}`, `cancel ${stop}`, `start ${again}`]);
  await host.finish(stop, { state: 'superseded' }, STOPPED);
  await host.finish(again);
  t.equal(statusOf(world, id), 'running');
});

t.test('a service its host never heard of is called off without it', async (t) => {
  const { world, host, customerId } = await start(t);
  const { customers } = world.app;
  host.disconnect();
  const { service } = await world.create('web', { customerId });
  t.same((await customers.suspend(ADMIN, customerId)).jobIds, []);
  t.match(world.app.services.require(ADMIN, service.id), {
    lifecycle: 'stopped',
    reason: 'The customer is suspended',
  });
  t.same(messagesOf(world, service.id).at(-1), 'Stopped: customer suspended');
  const { jobIds } = await customers.resume(ADMIN, customerId);
  await host.connect(world);
  await finishAll(world, host, jobIds);
  t.equal(statusOf(world, service.id), 'running');
  t.same(
    host.offers().map(({ kind }) => kind),
    ['deploy'],
  );
});

t.test('a service that is deleted while suspended is gone when its customer is resumed', async (t) => {
  const { world, host, customerId } = await start(t);
  const { customers, services } = world.app;
  const id = await world.deployed(host, 'web', { customerId });
  host.disconnect();
  await customers.suspend(ADMIN, customerId);
  const { job } = await services.remove(ADMIN, id, 0);
  t.same((await customers.suspend(ADMIN, customerId)).jobIds, []);
  t.same((await customers.resume(ADMIN, customerId)).jobIds, [], 'its removal waits for the host');
  await host.connect(world);
  await host.finish(job.id, {}, null);
  t.throws(() => services.require(ADMIN, id), { code: 'not_found' });
});

t.test('a crash right after either answer loses nothing of it', async (t) => {
  const { world, host, customerId } = await start(t);
  const ids = [];
  for (const name of ['a', 'b']) ids.push(await world.deployed(host, name, { customerId }));
  host.disconnect();
  const { jobIds } = await world.app.customers.suspend(ADMIN, customerId);
  const second = world.crash();
  await host.connect(second);
  await finishAll(second, host, jobIds);
  t.same(
    ids.map((id) => statusOf(second, id)),
    ['stopped', 'stopped'],
  );
  host.disconnect();
  const resumed = await second.app.customers.resume(ADMIN, customerId);
  const third = second.crash();
  await host.connect(third);
  await finishAll(third, host, resumed.jobIds);
  t.same(
    ids.map((id) => statusOf(third, id)),
    ['running', 'running'],
  );
});

t.test('a revoked host stops what it has if it is ever let in again', async (t) => {
  const { world, host, customerId } = await start(t);
  const id = await world.deployed(host, 'web', { customerId });
  await world.app.hosts.revoke(ADMIN, host.id);
  const { jobIds } = await world.app.customers.suspend(ADMIN, customerId);
  world.clock.advance(1); // a token from before the revocation lets nobody back in
  const { id: tokenId } = await world.app.joinTokens.create(ADMIN, {});
  await host.enrol(world, tokenId);
  await host.connect(world);
  await finishAll(world, host, jobIds);
  t.equal(statusOf(world, id), 'stopped');
});
