import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { toLongshoreError } from '#shared/errors.ts';
import type { Caller } from '../../control/app/api/caller.ts';
import type { NewService } from '../../control/app/api/services.ts';
import { maskCompose } from '../../control/app/services/compose-secrets.ts';
import { ADMIN, COMPOSE, ControlWorld } from '../support/control-world.ts';
import { eventually } from '../support/eventually.ts';
import { reportOf } from '../support/fake-host.ts';
import { faultCode } from '../support/fault-code.ts';

const PAGE = { page: 1, perPage: 20, sort: 'name', order: 'asc' } as const;
const WAIT_MS = 60_000;

async function fieldsOf(promise: Promise<unknown>): Promise<string[]> {
  const error = await promise.then(() => undefined, toLongshoreError);
  return Object.keys(error?.fields ?? {});
}

t.test('creating a service writes it with its job, its event and the command, and offers the job', async (t) => {
  const world = new ControlWorld(t);
  const host = await world.joinAndConnect();
  const { service, job } = await world.create('web', { variables: { A: '1' } });
  t.match(service, { name: 'web', lifecycle: 'deploying', health: 'unknown', hostId: host.id, revision: 1 });
  t.match(job, { kind: 'deploy', state: 'offered', serviceName: 'web' });
  const offer = await host.offered(job.id);
  t.match(offer, { kind: 'deploy', spec: { name: 'web', compose: COMPOSE, variables: { A: '1' }, revision: 1 } });
  const { items } = world.app.services.events(ADMIN, service.id, { page: 1, perPage: 9 });
  t.same(items.map(({ type, status }) => `${type} ${status}`).toSorted(), ['deploy started', 'service created']);
  await eventually(() => world.app.jobs.detail(ADMIN, job.id).state === 'accepted');
});

t.test('a service whose deploy went well runs, and its timeline says so', async (t) => {
  const world = new ControlWorld(t);
  const host = await world.joinAndConnect();
  const id = await world.deployed(host, 'web');
  const service = world.app.services.require(ADMIN, id);
  t.match(service, { lifecycle: 'running', health: 'healthy', reason: null, report: { revision: 1 } });
  t.type(service.deployedAt, 'number');
  t.match(
    world.app.services
      .events(ADMIN, id, { page: 1, perPage: 9, type: 'deploy' })
      .items.map((e) => e.status)
      .toSorted(),
    ['started', 'success'],
  );
  const told = world.live.filter((event) => 'serviceId' in event && event.serviceId === id).map(({ type }) => type);
  t.same(told, ['service.status', 'service.status', 'health.changed', 'deploy.progress']);
});

t.test('a first deploy that fails leaves a failed service that can only be redeployed or removed', async (t) => {
  const world = new ControlWorld(t);
  const host = await world.joinAndConnect();
  const { service, job } = await world.create('web');
  const error = { code: 'image_unavailable', message: 'No such image' };
  await host.finish(
    job.id,
    { state: 'failed', error, failedStep: 'pull' },
    { lifecycle: 'failed', health: 'unknown', revision: null },
  );
  t.match(world.app.services.require(ADMIN, service.id), {
    lifecycle: 'failed',
    reason: 'No such image',
    deployedAt: null,
  });
  t.equal(await faultCode(world.app.services.act(ADMIN, service.id, 'start', 0)), 'state_conflict');
  const again = await world.app.services.redeploy(ADMIN, service.id, {});
  t.match(again, { service: { lifecycle: 'deploying', revision: 2 }, job: { kind: 'redeploy' } });
  t.match(await host.offered(again.job.id), { pull: 'always', spec: { revision: 2 } });
});

t.test('a failed redeploy keeps what the host says is running', async (t) => {
  const world = new ControlWorld(t);
  const host = await world.joinAndConnect();
  const id = await world.deployed(host, 'web');
  const { job } = await world.app.services.redeploy(ADMIN, id, {});
  await host.finish(job.id, { state: 'failed', error: { code: 'unhealthy', message: 'No answer' }, rolledBackTo: 1 });
  t.match(world.app.services.require(ADMIN, id), { lifecycle: 'running', reason: 'No answer' });
  const messages = world.app.services.events(ADMIN, id, { page: 1, perPage: 9 }).items.map((e) => e.message);
  t.ok(messages.includes('No answer; revision 1 was put back'), messages.join());
});

t.test('start, stop and restart wait for the host and tell what became of them', async (t) => {
  const world = new ControlWorld(t);
  const host = await world.joinAndConnect();
  const id = await world.deployed(host, 'web');
  const stopping = world.app.services.act(ADMIN, id, 'stop', WAIT_MS);
  const jobId = (await eventually(() => host.offers().find((o) => o.kind === 'stop')))?.jobId ?? '';
  await host.finish(jobId, {}, { lifecycle: 'stopped' });
  t.match(await stopping, { isDone: true, service: { lifecycle: 'stopped' }, job: { state: 'succeeded' } });

  const failing = faultCode(world.app.services.act(ADMIN, id, 'start', WAIT_MS));
  const startId = (await eventually(() => host.offers().find((o) => o.kind === 'start')))?.jobId ?? '';
  await host.finish(
    startId,
    { state: 'failed', error: { code: 'port_taken', message: 'Port 80 is taken' } },
    { lifecycle: 'stopped' },
  );
  t.equal(await failing, 'port_taken');
});

t.test('past the wait an action answers with its job, which goes on', async (t) => {
  const world = new ControlWorld(t);
  const host = await world.joinAndConnect();
  const id = await world.deployed(host, 'web');
  const acting = world.app.services.act(ADMIN, id, 'restart', 5000);
  await eventually(() => host.offers().find((o) => o.kind === 'restart'));
  world.clock.advance(5000);
  const { isDone, job } = await acting;
  t.notOk(isDone);
  await host.finish(job.id);
  t.equal((await world.app.jobs.wait(job.id, WAIT_MS)).state, 'succeeded', 'who waits later finds the end in the row');
});

t.test('one job a service: a second one is told which is under way', async (t) => {
  const world = new ControlWorld(t);
  const host = await world.joinAndConnect();
  const id = await world.deployed(host, 'web');
  const { job } = await world.app.services.redeploy(ADMIN, id, {});
  const error = await world.app.services.act(ADMIN, id, 'restart', 0).then(() => undefined, toLongshoreError);
  t.equal(error?.code, 'service_busy');
  t.match(error?.details, job.id);
  const two = await Promise.all([1, 2].map(() => faultCode(world.app.services.redeploy(ADMIN, id, {}))));
  t.same(two, ['service_busy', 'service_busy']);
});

t.test('F47: of fifty redeploys at once one is taken', async (t) => {
  const world = new ControlWorld(t);
  const host = await world.joinAndConnect();
  const id = await world.deployed(host, 'web');
  const codes = await Promise.all(
    Array.from({ length: 50 }, () => faultCode(world.app.services.redeploy(ADMIN, id, {}))),
  );
  t.equal(codes.filter((code) => code === 'nothing').length, 1);
  t.equal(codes.filter((code) => code === 'service_busy').length, 49);
});

t.test('with the host away a create and a removal wait for it, everything else is refused', async (t) => {
  const world = new ControlWorld(t);
  const host = await world.joinAndConnect();
  const id = await world.deployed(host, 'web');
  host.disconnect();
  const error = await world.app.services.act(ADMIN, id, 'restart', 0).then(() => undefined, toLongshoreError);
  t.equal(error?.code, 'host_offline');
  t.type(error?.retryAfter, 'number');
  t.equal(await faultCode(world.app.services.redeploy(ADMIN, id, {})), 'host_offline');
  const created = await world.create('later');
  t.equal(created.job.state, 'queued');
  const removal = await world.app.services.remove(ADMIN, id, WAIT_MS);
  t.match(removal, { isDone: false, job: { state: 'queued', kind: 'remove' } });

  await host.connect(world);
  await host.offered(created.job.id);
  await host.finish(removal.job.id);
  t.throws(() => world.app.services.require(ADMIN, id), { code: 'not_found' });
});

t.test('F47: a removal cancels what is under way, once', async (t) => {
  const world = new ControlWorld(t);
  const host = await world.joinAndConnect();
  const { service, job } = await world.create('web');
  await host.offered(job.id);
  const first = world.app.services.remove(ADMIN, service.id, WAIT_MS);
  const second = world.app.services.remove(ADMIN, service.id, WAIT_MS);
  const offer = await eventually(() => host.offers().find((o) => o.kind === 'remove'));
  const kinds = host.received.map(({ body }) => body.kind);
  t.same(kinds, ['job.offer', 'job.cancel', 'job.offer']);
  await host.finish(job.id, { state: 'superseded' }, null);
  await host.finish(offer?.jobId ?? '', {}, null);
  t.match(await first, { isDone: true });
  t.equal((await second).job.id, (await first).job.id);
});

t.test('what was removed is forgotten by a host that still lists it, by its tombstone only', async (t) => {
  const world = new ControlWorld(t);
  const host = await world.joinAndConnect();
  const id = await world.deployed(host, 'web');
  const removing = world.app.services.remove(ADMIN, id, WAIT_MS);
  const offer = await eventually(() => host.offers().find((o) => o.kind === 'remove'));
  await host.finish(offer?.jobId ?? '', {}, null);
  await removing;
  host.disconnect();
  host.memory.services = [
    { serviceId: id, revision: 1 },
    { serviceId: 'svc_nobodyknows', revision: 1 },
  ];
  await host.connect(world);
  await eventually(() => host.received.at(-1)?.body.kind === 'service.forget');
  t.match(
    host.received.filter(({ body }) => body.kind === 'service.forget'),
    [{ body: { serviceId: id, revision: 1 } }],
  );
});

t.test('a job that was never sent is cancelled at once and never runs', async (t) => {
  const world = new ControlWorld(t);
  const host = await world.join();
  const { service, job } = await world.create('web');
  t.equal((await world.app.jobs.cancel(ADMIN, job.id)).state, 'cancelled');
  t.equal(world.app.services.require(ADMIN, service.id).lifecycle, 'failed');
  t.equal(await faultCode(world.app.jobs.cancel(ADMIN, job.id)), 'state_conflict');
  await host.connect(world);
  await eventually(() => host.received.length > 0);
  t.same(host.offers(), []);
});

t.test('a job that was sent is cancelled by its host', async (t) => {
  const world = new ControlWorld(t);
  const host = await world.joinAndConnect();
  const { job } = await world.create('web');
  await host.offered(job.id);
  await world.app.jobs.cancel(ADMIN, job.id);
  await eventually(() => host.received.some(({ body }) => body.kind === 'job.cancel'));
  await host.finish(job.id, { state: 'cancelled' }, { lifecycle: 'failed', revision: null });
  t.equal(world.app.jobs.detail(ADMIN, job.id).state, 'cancelled');
});

t.test('A08: only names that need no quoting anywhere are taken', async (t) => {
  const world = new ControlWorld(t);
  await world.join();
  for (const name of ['a; id', '$(id)', '-rf', '../x', 'a\0b', 'a\u202eb', 'x'.repeat(300), '😀', '', 'A', 'a-']) {
    t.same(await fieldsOf(world.create(name)), ['name'], JSON.stringify(name));
  }
});

t.test('a name is taken once a host', async (t) => {
  const world = new ControlWorld(t);
  const [one, two] = [await world.join({}, 'one'), await world.join({}, 'two')];
  await world.create('web', { hostId: one.id });
  t.equal(await faultCode(world.create('web', { hostId: one.id })), 'name_taken');
  await world.create('web', { hostId: two.id });
});

t.test('A39 A40 A46: what the policy refuses is a 422 by path, tenants get less', async (t) => {
  const world = new ControlWorld(t);
  await world.join();
  const compose = 'services:\n  a:\n    image: busybox\n    privileged: true\n    volumes: ["/:/host"]\n';
  const source = { method: 'compose' as const, compose };
  t.same(await fieldsOf(world.create('a', { source, customerId: await world.customer('tenant') })), [
    'services.a.privileged',
    'services.a.volumes[0]',
  ]);
  await world.create('a', { source });
});

t.test('A44: an alias bomb is refused before anything is written', async (t) => {
  const world = new ControlWorld(t);
  await world.join();
  const levels = Array.from({ length: 9 }, (_, i) => `x${i + 1}: &b${i + 1} [${Array(9).fill(`*b${i}`).join(', ')}]`);
  const compose = `x0: &b0 [lol]\n${levels.join('\n')}\nservices: {a: {image: x}}\n`;
  t.equal(await faultCode(world.create('bomb', { source: { method: 'compose', compose } })), 'yaml_resource_limit');
  t.equal(world.app.services.list(ADMIN, PAGE).total, 0);
});

t.test('A45: labels that Compose and Longshore set themselves are refused', async (t) => {
  const world = new ControlWorld(t);
  await world.join();
  const labels = { 'longshore.service': 'x', 'com.docker.compose.project': 'y', mine: 'z' };
  t.same(await fieldsOf(world.create('a', { labels })), [
    'labels.longshore.service',
    'labels.com.docker.compose.project',
  ]);
});

t.test('A57: a template is deployed with its variables, a wrong one is named', async (t) => {
  const world = new ControlWorld(t);
  await world.join();
  const [template] = world.app.templates.list(ADMIN, { page: 1, perPage: 1, sort: 'name', order: 'asc' }).items;
  const source = { method: 'template' as const, templateId: template?.id ?? '' };
  t.same(await fieldsOf(world.create('a', { source, variables: { NO_SUCH: 'x' } })), ['variables.NO_SUCH']);
  const { service } = await world.create('a', { source });
  t.match(service, { method: 'template', templateId: template?.id });
  t.same(await fieldsOf(world.create('b', { source: { method: 'template', templateId: 'none' } })), ['template_id']);
});

t.test('a service goes to the connected host with most free memory, else to the one seen last', async (t) => {
  const world = new ControlWorld(t);
  t.equal(await faultCode(world.create('none')), 'no_host');
  const away = await world.join({ zone: 'eu' }, 'away');
  const near = await world.joinAndConnect({ zone: 'eu' }, 'near');
  const placed = async (name: string, input: Partial<NewService> = {}) =>
    (await world.create(name, input)).service.hostId;
  t.equal(await placed('a'), near.id);
  near.disconnect();
  await eventually(() => world.app.hosts.require(ADMIN, near.id).status === 'offline');
  t.equal(await placed('b'), near.id, 'seen last');
  t.equal(await placed('c', { hostId: away.id }), away.id);
  t.equal(await faultCode(world.create('d', { placement: { labels: { zone: 'us' } } })), 'no_host');
});

t.test('A07: a key bound to a customer or to hosts meets nothing else, by not_found', async (t) => {
  const world = new ControlWorld(t);
  const eu = await world.joinAndConnect({ zone: 'eu' }, 'eu');
  const us = await world.joinAndConnect({ zone: 'us' }, 'us');
  const [own, other] = [await world.customer('own'), await world.customer('other')];
  const mine = (await world.create('mine', { customerId: own, hostId: eu.id })).service;
  const foreign = await world.create('foreign', { customerId: other, hostId: eu.id });
  const far = (await world.create('far', { hostId: us.id })).service;
  const tenant: Caller = { ...ADMIN, keyId: 'key_t', customerId: own };
  const { services, jobs, hosts } = world.app;
  t.same(
    services.list(tenant, PAGE).items.map(({ name }) => name),
    ['mine'],
  );
  t.throws(() => services.require(tenant, foreign.service.id), { code: 'not_found' });
  t.throws(() => jobs.detail(tenant, foreign.job.id), { code: 'not_found' });
  t.equal(await faultCode(services.act(tenant, foreign.service.id, 'stop', 0)), 'not_found');
  t.equal(await faultCode(services.remove(tenant, foreign.service.id, 0)), 'not_found');
  t.equal(await faultCode(world.create('x', { customerId: other }, tenant)), 'not_found');
  t.equal((await world.create('own', {}, tenant)).service.customerId, own);

  const european: Caller = { ...ADMIN, keyId: 'key_e', hostLabels: { zone: 'eu' } };
  t.ok(services.require(european, mine.id));
  t.throws(() => services.require(european, far.id), { code: 'not_found' });
  t.throws(() => hosts.require(european, us.id), { code: 'not_found' });
  t.equal(await faultCode(world.create('x', { hostId: us.id }, european)), 'not_found');
  t.notOk(services.list(european, PAGE).items.some(({ name }) => name === 'far'));
});

t.test('A69: variables and literal secrets are masked without secrets.read', async (t) => {
  const world = new ControlWorld(t);
  await world.join();
  const compose =
    'services:\n  a:\n    image: x # as is\n    environment:\n      DB_PASSWORD: hunter2\n      PORT: "80"\n';
  const variables = { API_TOKEN: 't0ps3cret', TITLE: 'hello', DB: 'postgres://u:p4ss@db/x' };
  const { service } = await world.create('a', { source: { method: 'compose', compose }, variables });
  const open = world.app.services.detail(ADMIN, service.id);
  t.same([open.compose, open.variables], [compose, variables]);
  const closed = world.app.services.detail({ ...ADMIN, permissions: ['services.read'] }, service.id);
  t.same(closed.variables, { API_TOKEN: '***', TITLE: 'hello', DB: '***' });
  t.notMatch(closed.compose, 'hunter2');
  t.match(closed.compose, 'PORT');
});

t.test('A69: a literal secret is masked however it is written', async (t) => {
  const compose = [
    'x-shared: &shared hunter1',
    'services:',
    '  a:',
    '    image: x',
    '    command: ["--admin-password=hunter2", "--port=80"]',
    '    environment:',
    '      A_PASSWORD: *shared',
    '      B_PASSWORD: 100200300',
    '      C_PASSWORD: ${C_PASSWORD:-hunter3}',
    '      D_PASSWORD: ${D_PASSWORD:?is needed}',
    '      E_PASSWORD: ${E_PASSWORD:-}',
    '    labels: ["traefik.basicauth.users=admin:hunter4"]',
  ];
  const masked = maskCompose(compose.join('\n'));
  t.notMatch(masked, /hunter|100200300/);
  for (const kept of ['${D_PASSWORD:?is needed}', '${E_PASSWORD:-}', '--port=80']) t.ok(masked.includes(kept), kept);
});

t.test('A69: values never lie in the database in clear', async (t) => {
  const world = new ControlWorld(t);
  const host = await world.join();
  const canary = 'c4nary-v4lue-in-clear';
  const compose = `services:\n  a:\n    image: busybox\n    environment:\n      K: ${canary}\n`;
  const { job } = await world.create('a', { source: { method: 'compose', compose }, variables: { SECRET: canary } });
  await world.app.idempotency.once(ADMIN, 'k', 'f', async () => ({ status: 201, body: { secret: canary } }));
  for (const file of ['control.db', 'control.db-wal']) {
    t.notOk(readFileSync(join(world.dir, file)).includes(canary), file);
  }
  await host.connect(world);
  t.equal((await host.offered(job.id)).spec?.variables['SECRET'], canary);
});

t.test('A10: lists are paged, sorted, filtered and searched by values only', async (t) => {
  const world = new ControlWorld(t);
  const host = await world.joinAndConnect();
  const customerId = await world.customer('one');
  for (const name of ['b-1', 'a-1', 'c-2', 'a-2']) {
    await world.create(name, name.endsWith('1') ? { customerId } : {});
    world.clock.advance(1);
  }
  const { services } = world.app;
  const names = (query: object) => services.list(ADMIN, { ...PAGE, ...query }).items.map(({ name }) => name);
  t.same(names({}), ['a-1', 'a-2', 'b-1', 'c-2']);
  t.same(names({ order: 'desc', perPage: 2, page: 2 }), ['a-2', 'a-1']);
  t.same(names({ sort: 'created_at' }), ['b-1', 'a-1', 'c-2', 'a-2']);
  t.same(names({ customerId }), ['a-1', 'b-1']);
  t.same(names({ search: 'a-' }), ['a-1', 'a-2']);
  t.same(names({ search: '%' }), [], 'a wildcard is a character');
  t.same(names({ search: "' OR 1=1 --" }), []);
  t.same(names({ status: 'running' }), []);
  await host.finish(
    services
      .list(ADMIN, { ...PAGE, search: 'c-2' })
      .items.map(
        () => world.app.jobs.list(ADMIN, { page: 1, perPage: 9 }).items.find((j) => j.serviceName === 'c-2')?.id ?? '',
      )[0] ?? '',
  );
  t.same(names({ status: 'running' }), ['c-2'], 'totals and rows follow each change');
  t.equal(services.list(ADMIN, { ...PAGE, status: 'running' }).total, 1);
  t.equal(services.list(ADMIN, { ...PAGE, perPage: 1 }).total, 4);
});

t.test('a report of the host changes the status, but does not hide a deploy under way', async (t) => {
  const world = new ControlWorld(t);
  const host = await world.joinAndConnect();
  const id = await world.deployed(host, 'web');
  await host.tell({
    kind: 'service.report',
    report: reportOf(id, { lifecycle: 'failed', health: 'unhealthy', reason: 'exited (1)' }),
  });
  t.match(world.app.services.require(ADMIN, id), { lifecycle: 'failed', health: 'unhealthy', reason: 'exited (1)' });
  await world.app.services.redeploy(ADMIN, id, {});
  await host.tell({ kind: 'service.report', report: reportOf(id, { lifecycle: 'failed' }) });
  t.equal(world.app.services.require(ADMIN, id).lifecycle, 'deploying');
});
