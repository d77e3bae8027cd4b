// Drift as control sees it: what is asked of the host, what is wanted once it is accepted, what is refused.
import t, { type Test } from 'tap';
import { LongshoreError, toLongshoreError } from '#shared/errors.ts';
import type { DriftNote } from '#shared/model.ts';
import type { ShownDrift } from '#shared/protocol/drift-parts.ts';
import { ADMIN, COMPOSE, ControlWorld } from '../support/control-world.ts';
import { eventually } from '../support/eventually.ts';
import type { FakeHost } from '../support/fake-host.ts';
import { faultCode } from '../support/fault-code.ts';
import { startRealHttp } from '../support/real-http.ts';

const ACCEPTED = 'services: {web: {image: busybox, mem_limit: 5}}\n';
const DRIFT: ShownDrift = {
  state: 'drifted',
  revision: 1,
  checkedAt: 1_000,
  services: [
    {
      service: 'web',
      container: 'web-web-1',
      change: 'changed',
      fields: [{ path: 'mem_limit', expected: null, actual: '5' }],
    },
  ],
  files: [],
};

/** Whose containers have drifted to what `compose` says. */
function drifting(host: FakeHost, compose = ACCEPTED): void {
  host.answers = {
    'service.drift': async () => ({ drift: DRIFT }),
    'service.drift_draft': async () => ({ draft: { compose } }),
  };
}

async function drifted(t: Test) {
  const world = new ControlWorld(t);
  const host = await world.join();
  drifting(host);
  await host.connect(world);
  return { world, host, id: await world.deployed(host, 'web') };
}

t.test("the host looks, of a service that is the caller's", async (t) => {
  const { world, host, id } = await drifted(t);
  t.same(await world.app.drift.detail(ADMIN, id), DRIFT);
  t.equal(await faultCode(world.app.drift.detail({ ...ADMIN, customerId: 'cust_a' }, id)), 'not_found');
  host.disconnect();
  t.equal(await faultCode(world.app.drift.detail(ADMIN, id)), 'host_offline');
});

t.test('a revert is a job without a spec: no new revision, nothing else is wanted', async (t) => {
  const { world, host, id } = await drifted(t);
  const { job } = await world.app.drift.revert(ADMIN, id);
  const offer = await host.offered(job.id);
  t.match(offer, { kind: 'revert', serviceId: id });
  t.equal(offer.spec, undefined);
  t.equal(await faultCode(world.app.drift.revert(ADMIN, id)), 'service_busy');
  await host.finish(job.id);
  t.match(world.app.services.detail(ADMIN, id), { revision: 1, compose: COMPOSE, lifecycle: 'running' });
  const { items } = world.app.services.events(ADMIN, id, { page: 1, perPage: 50 });
  const end = items.find(({ jobId }) => jobId === job.id);
  t.match(end, { type: 'revert', status: 'success', message: 'Reverted drift' });
});

t.test('what is accepted is wanted once the host has taken it, and not before', async (t) => {
  const { world, host, id } = await drifted(t);
  const { job, service } = await world.app.drift.accept(ADMIN, id);
  t.match(service, { revision: 2 });
  t.match(await host.offered(job.id), { kind: 'accept', spec: { revision: 2, compose: ACCEPTED } });
  t.match(world.app.services.detail(ADMIN, id), { compose: COMPOSE });
  await host.finish(job.id, {}, { revision: 2 });
  t.match(world.app.services.detail(ADMIN, id), { compose: ACCEPTED, lifecycle: 'running' });
  t.match(world.stores.revisions.ofService(id), [{ revision: 2, kind: 'accept', madeBy: ADMIN.name }, { revision: 1 }]);
  const redeploy = await world.app.services.redeploy(ADMIN, id, {});
  t.match((await host.offered(redeploy.job.id)).spec, { compose: ACCEPTED }, 'a redeploy does not undo it');
});

t.test('what the host refuses leaves what was wanted, and can be accepted again', async (t) => {
  const { world, host, id } = await drifted(t);
  const { job } = await world.app.drift.accept(ADMIN, id);
  const error = { code: 'compose_policy', message: 'no' };
  await host.finish(job.id, { state: 'failed', error, failedStep: 'check' }, { revision: 1 });
  t.match(world.app.services.detail(ADMIN, id), { compose: COMPOSE });
  const again = await world.app.drift.accept(ADMIN, id);
  t.match(await host.offered(again.job.id), { spec: { revision: 3, compose: ACCEPTED } });
});

t.test('an acceptance that its host has lost is offered again with its file', async (t) => {
  const { world, host, id } = await drifted(t);
  const { job } = await world.app.drift.accept(ADMIN, id);
  await host.offered(job.id);
  const record = world.stores.jobs.find(job.id);
  await world.stores.writer.write((tx) => {
    const service = world.stores.services.find(id);
    if (service && record) world.parts.starts.offerAgain(tx, service, record);
  });
  const offers = () => host.offers().filter(({ jobId }) => jobId === job.id);
  const [, again] = await eventually(offers, { until: ({ length }) => length === 2 });
  t.match(again, { kind: 'accept', spec: { compose: ACCEPTED } });
});

t.test('a container that somebody made privileged is not accepted for a customer', async (t) => {
  const world = new ControlWorld(t);
  const host = await world.join();
  drifting(host, 'services: {web: {image: busybox, privileged: true}}\n');
  await host.connect(world);
  const customerId = await world.customer('acme');
  const id = await world.deployed(host, 'web', { customerId });
  const refusal = await world.app.drift.accept(ADMIN, id).then(() => undefined, toLongshoreError);
  t.match(refusal, { code: 'compose_policy', fields: { 'services.web.privileged': String } });
  t.match(world.app.services.detail(ADMIN, id), { revision: 1, compose: COMPOSE });
  await world.app.customers.suspend(ADMIN, customerId);
  t.equal(await faultCode(world.app.drift.accept(ADMIN, id)), 'customer_suspended');
  t.equal(await faultCode(world.app.drift.revert(ADMIN, id)), 'customer_suspended');
});

t.test('a change that was asked for and has not come to run is not undone by accepting', async (t) => {
  const { world, host, id } = await drifted(t);
  const { jobId } = await world.app.services.update(ADMIN, id, { variables: { TAG: '2' } });
  const error = { code: 'unhealthy', message: 'x' };
  await host.finish(jobId ?? '', { state: 'failed', error, rolledBackTo: 1 }, { revision: 1 });
  const refusal = await world.app.drift.accept(ADMIN, id).then(() => undefined, toLongshoreError);
  t.match(refusal, { code: 'state_conflict', message: 'Service "web" does not run what is wanted of it' });
});

t.test('what the host cannot say in the file reaches the caller in its words', async (t) => {
  const world = new ControlWorld(t);
  const host = await world.join();
  const message = 'What lives now cannot be accepted: container "toy" belongs to no service of the file';
  host.answers = { 'service.drift_draft': () => Promise.reject(new LongshoreError('state_conflict', { message })) };
  await host.connect(world);
  const id = await world.deployed(host, 'web');
  const refusal = await world.app.drift.accept(ADMIN, id).then(() => undefined, toLongshoreError);
  t.match(refusal, { code: 'state_conflict', message });
});

t.test('over HTTP: look, accept once a key, and what the host told last', async (t) => {
  const { world, http, key } = await startRealHttp(t);
  const host = await world.join();
  drifting(host);
  await host.connect(world);
  const id = await world.deployed(host, 'web');
  const path = `/api/services/${id}`;
  t.match(await http.call('GET', path, { key }), { body: { drift: null } });
  t.strictSame((await http.call('GET', `${path}/drift`, { key })).body, {
    state: 'drifted',
    revision: 1,
    checked_at: '1970-01-01T00:00:01.000Z',
    services: DRIFT.services,
    files: [],
  });
  const headers = { 'idempotency-key': 'take-it' };
  const first = await http.call('POST', `${path}/drift/accept`, { key, headers });
  t.match(first, { status: 200, body: { id, status: 'deploying', deploy_job_id: /^job_/ } });
  t.strictSame((await http.call('POST', `${path}/drift/accept`, { key, headers })).body, first.body);
  const drift: DriftNote = { state: 'drifted', at: 2_000 };
  await host.finish((first.body as { deploy_job_id: string }).deploy_job_id, {}, { revision: 2, drift });
  t.match(await http.call('GET', path, { key }), {
    body: { drift: { state: 'drifted', since: '1970-01-01T00:00:02.000Z' } },
  });
});
