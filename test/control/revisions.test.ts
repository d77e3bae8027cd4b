// Revisions and rollback as control sees them: who asked for what, what is wanted after a rollback, what is refused.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { Params } from '#shared/protocol/schema.ts';
import { toLongshoreError } from '#shared/errors.ts';
import type { Caller } from '../../control/app/api/caller.ts';
import { ADMIN, COMPOSE, ControlWorld } from '../support/control-world.ts';
import { eventually } from '../support/eventually.ts';
import type { FakeHost } from '../support/fake-host.ts';
import { faultCode } from '../support/fault-code.ts';
import { startRealHttp } from '../support/real-http.ts';

const WITHOUT_SECRETS: Caller = { ...ADMIN, name: 'blind', permissions: ['services.*'] };

const summary = (revision: number, commit: string | null = null) => ({
  revision,
  jobId: `job_${revision}`,
  recordedAt: revision * 1000,
  commit,
  rollbackOf: null,
  variablesHash: 'aa',
  images: [{ service: 'web', reference: 'busybox:1', id: 'sha256:1', digests: [] }],
});

/** A host that keeps these revisions of every service; the first one runs. */
function keeping(host: FakeHost, kept: () => { revision: number; commit?: string }[]): void {
  const revisions = () => kept().map(({ revision, commit }) => summary(revision, commit));
  host.answers = {
    'service.revisions': async () => ({ current: kept()[0]?.revision ?? null, revisions: revisions() }),
    'service.revision': async ({ revision }: Params<'service.revision'>) => ({
      revision: summary(revision),
      compose: 'services: {}\n',
    }),
    'service.compare': async () => ({
      services: [
        {
          service: 'web',
          change: 'changed' as const,
          fields: [{ field: 'environment.TAG', before: '1', after: '2' }],
        },
      ],
    }),
  };
}

interface Scene {
  world: ControlWorld;
  host: FakeHost;
  id: string;
  kept: { revision: number; commit?: string }[];
}

/** A service of two revisions: TAG 1, then TAG 2, by other people. */
async function twoRevisions(t: Test): Promise<Scene> {
  const world = new ControlWorld(t);
  const host = await world.join();
  const kept: Scene['kept'] = [{ revision: 1 }];
  keeping(host, () => kept);
  await host.connect(world);
  const id = await world.deployed(host, 'web', { variables: { TAG: '1', PASSWORD: 'first-canary' } });
  const change = { variables: { TAG: '2', PASSWORD: 'second' } };
  const { jobId } = await world.app.services.update(WITHOUT_SECRETS, id, change);
  await host.finish(jobId ?? '', {}, { revision: 2 });
  kept.unshift({ revision: 2 });
  return { world, host, id, kept };
}

t.test('each revision says which job made it, of what kind, and who asked', async (t) => {
  const { world, id } = await twoRevisions(t);
  t.match(await world.app.revisions.list(ADMIN, id), [
    { revision: 2, isCurrent: true, kind: 'deploy', madeBy: 'blind', rollbackOf: null },
    { revision: 1, isCurrent: false, kind: 'deploy', madeBy: ADMIN.name, images: [{ reference: 'busybox:1' }] },
  ]);
});

t.test('a rollback makes what was wanted then what is wanted now, as a revision of its own', async (t) => {
  const { world, host, id, kept } = await twoRevisions(t);
  const { service, job } = await world.app.revisions.rollback(ADMIN, id, undefined);
  t.match(service, { revision: 3, lifecycle: 'deploying' });
  const offer = await host.offered(job.id);
  t.match(offer, {
    kind: 'rollback',
    rollbackTo: 1,
    spec: { revision: 3, variables: { TAG: '1', PASSWORD: 'first-canary' } },
  });
  await host.finish(job.id, {}, { revision: 3 });
  kept.unshift({ revision: 3 });
  t.match(world.app.services.detail(ADMIN, id), { variables: { TAG: '1' }, compose: COMPOSE, lifecycle: 'running' });
  t.match(await world.app.revisions.list(ADMIN, id), [{ revision: 3, kind: 'rollback' }, { revision: 2 }, {}]);
  const { items } = world.app.services.events(ADMIN, id, { page: 1, perPage: 50 });
  t.match(
    items.find(({ jobId }) => jobId === job.id),
    { type: 'deploy', status: 'success', message: 'Rolled back to revision 1' },
  );

  const redeploy = await world.app.services.redeploy(ADMIN, id, {});
  t.match((await host.offered(redeploy.job.id)).spec?.variables, { TAG: '1' }, 'a redeploy does not undo it');
});

t.test('what a revision was made from stays sealed', async (t) => {
  const { world, id } = await twoRevisions(t);
  t.match(world.stores.revisions.findSource(id, 1)?.variables, { PASSWORD: 'first-canary' });
  const files = readdirSync(world.dir).filter((name) => name.startsWith('control.db'));
  t.ok(files.length > 0);
  for (const file of files) t.notMatch(readFileSync(join(world.dir, file), 'latin1'), 'first-canary', file);
});

t.test('a rollback that fails keeps what it wants; the host runs on what it put back', async (t) => {
  const { world, host, id } = await twoRevisions(t);
  const { job } = await world.app.revisions.rollback(ADMIN, id, 1);
  const error = { code: 'unhealthy', message: 'Container "web-1" is unhealthy' };
  await host.finish(job.id, { state: 'failed', error, failedStep: 'wait', rolledBackTo: 2 }, { revision: 2 });
  t.match(world.app.services.detail(ADMIN, id), { revision: 3, report: { revision: 2 }, variables: { TAG: '1' } });
  const revisions = world.stores.revisions.ofService(id).map(({ revision }) => revision);
  t.strictSame(revisions, [2, 1], 'nothing came of the third');
});

t.test('a revision that either side does not have cannot be gone back to', async (t) => {
  const { world, host, id, kept } = await twoRevisions(t);
  const refusal = (revision?: number) =>
    world.app.revisions.rollback(ADMIN, id, revision).then(() => undefined, toLongshoreError);
  t.match(await refusal(9), { code: 'validation_error', fields: { revision: 'is not kept; there are: 2, 1' } });
  kept.pop();
  t.match(await refusal(1), { code: 'validation_error', fields: { revision: 'is not kept; there are: 2' } });
  t.match(await refusal(), { code: 'state_conflict', message: 'Service "web" has no earlier revision to go back to' });
  host.disconnect();
  t.equal((await refusal())?.code, 'host_offline');
  t.equal(await faultCode(world.app.revisions.list(ADMIN, id)), 'host_offline');
});

t.test('a busy service is not rolled back, and nobody rolls back what is not theirs', async (t) => {
  const { world, id } = await twoRevisions(t);
  await world.app.services.redeploy(ADMIN, id, {});
  t.equal(await faultCode(world.app.revisions.rollback(ADMIN, id, 1)), 'service_busy');
  t.equal(await faultCode(world.app.revisions.rollback({ ...ADMIN, customerId: 'cust_a' }, id, 1)), 'not_found');
});

t.test('of a customer: not while it is suspended, and not without limits once a plan wants some', async (t) => {
  const world = new ControlWorld(t);
  const host = await world.join();
  keeping(host, () => [{ revision: 2 }, { revision: 1 }]);
  await host.connect(world);
  const customerId = await world.customer('acme');
  const id = await world.deployed(host, 'web', { customerId });
  await host.finish((await world.app.services.redeploy(ADMIN, id, {})).job.id);
  const { id: planId } = await world.app.plans.create(ADMIN, { name: 'small', limits: { services: 2, memoryMb: 512 } });
  await world.app.customers.update(ADMIN, customerId, { planId });
  t.equal(await faultCode(world.app.revisions.rollback(ADMIN, id, 1)), 'plan_limit');
  await world.app.customers.suspend(ADMIN, customerId);
  t.equal(await faultCode(world.app.revisions.rollback(ADMIN, id, 1)), 'customer_suspended');
  t.match(world.app.services.detail(ADMIN, id), { revision: 2 });
});

t.test('as many revisions are kept as a host keeps, failed ones not counted', async (t) => {
  const { world, host, id } = await twoRevisions(t);
  const error = { code: 'unhealthy', message: 'x' };
  for (const state of ['succeeded', 'failed', 'succeeded', 'failed', 'succeeded', 'succeeded'] as const) {
    const { job } = await world.app.services.redeploy(ADMIN, id, {});
    await host.finish(job.id, state === 'failed' ? { state, error } : {});
  }
  const revisions = world.stores.revisions.ofService(id).map(({ revision }) => revision);
  t.strictSame(revisions, [8, 7, 5, 3, 2]);
});

t.test('a rollback that its host has lost is offered again with its revision', async (t) => {
  const { world, host, id } = await twoRevisions(t);
  const { job } = await world.app.revisions.rollback(ADMIN, id, 1);
  await host.offered(job.id);
  const record = world.stores.jobs.find(job.id);
  await world.stores.writer.write((tx) => {
    const service = world.stores.services.find(id);
    if (service && record) world.parts.starts.offerAgain(tx, service, record);
  });
  const offers = () => host.offers().filter(({ jobId }) => jobId === job.id);
  const [, again] = await eventually(offers, { until: ({ length }) => length === 2 });
  t.match(again, { kind: 'rollback', rollbackTo: 1 });
});

t.test('a service from Git is held to the commit it went back to, until it is let go', async (t) => {
  const world = new ControlWorld(t);
  const host = await world.join();
  const [old, newer] = ['a'.repeat(40), 'b'.repeat(40)];
  keeping(host, () => [
    { revision: 2, commit: newer },
    { revision: 1, commit: old },
  ]);
  await host.connect(world);
  const git = { url: 'https://example.com/repo.git', branch: 'main' };
  const id = await world.deployed(host, 'web', { source: { method: 'git', git } });
  await host.finish((await world.app.services.redeploy(ADMIN, id, {})).job.id);
  const { job } = await world.app.revisions.rollback(ADMIN, id, undefined);
  t.match((await host.offered(job.id)).spec?.git, { ...git, commit: old });
  await host.finish(job.id);
  const { service, jobId } = await world.app.services.update(ADMIN, id, { gitCommit: null });
  t.strictSame(service.git, { ...git, hasToken: false, hasDeployKey: false });
  t.strictSame((await host.offered(jobId ?? '')).spec?.git, git);
  await host.finish(jobId ?? '');
  const bad = world.app.services.update(ADMIN, id, { gitCommit: 'main' }).then(() => undefined, toLongshoreError);
  t.match((await bad)?.fields, { git_commit: 'Not the full name of a commit' });
});

t.test('A52: going back takes the Git token of today; that of then is kept nowhere', async (t) => {
  const world = new ControlWorld(t);
  const host = await world.join();
  keeping(host, () => [{ revision: 2 }, { revision: 1 }]);
  await host.connect(world);
  const git = { url: 'https://example.com/repo.git', branch: 'main' };
  const login = { username: 'oauth2', password: 'tok_of-then' };
  const id = await world.deployed(host, 'web', { source: { method: 'git', git: { ...git, login } } });
  const { jobId } = await world.app.services.update(ADMIN, id, { gitToken: 'tok_of-today' });
  await host.finish(jobId ?? '');
  t.strictSame(world.stores.revisions.findSource(id, 1)?.git, git);
  const { job } = await world.app.revisions.rollback(ADMIN, id, 1);
  t.strictSame((await host.offered(job.id)).spec?.git, { ...git, login: { ...login, password: 'tok_of-today' } });
});

t.test('over HTTP: list, detail, comparison, rollback once a key', async (t) => {
  const { world, http, key } = await startRealHttp(t);
  const host = await world.join();
  keeping(host, () => [{ revision: 2 }, { revision: 1 }]);
  await host.connect(world);
  const id = await world.deployed(host, 'web', { variables: { TAG: '1' } });
  await host.finish((await world.app.services.redeploy(ADMIN, id, {})).job.id);
  const path = `/api/services/${id}`;
  const list = await http.call<{ data: object[] }>('GET', `${path}/revisions`, { key });
  t.match(list, { status: 200, body: { data: [{ revision: 2, current: true, kind: 'redeploy' }, { revision: 1 }] } });
  t.match(await http.call('GET', `${path}/revisions/1`, { key }), { body: { revision: 1, compose: 'services: {}\n' } });
  t.match(await http.error('GET', `${path}/revisions/x`, { key }), { status: 200 }, 'the fake host has every revision');
  t.match(await http.call('GET', `${path}/revisions/2/diff`, { key }), {
    body: { from: 1, to: 2, services: [{ service: 'web', fields: [{ field: 'environment.TAG', before: '1' }] }] },
  });
  t.match(await http.error('GET', `${path}/revisions/1/diff`, { key }), { status: 404 });
  const headers = { 'idempotency-key': 'back' };
  const first = await http.call('POST', `${path}/rollback`, { key, headers, body: { revision: 1 } });
  t.match(first, { status: 200, body: { id, status: 'deploying', deploy_job_id: /^job_/ } });
  t.strictSame((await http.call('POST', `${path}/rollback`, { key, headers, body: { revision: 1 } })).body, first.body);
  t.match(await http.error('POST', `${path}/rollback`, { key, body: { to: 1 } }), {
    status: 422,
    fields: { to: 'Unknown field' },
  });
});
