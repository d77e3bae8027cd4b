// The orchestrator's Services API over the real app layer and hosts that are played: each path, each refusal.
import t, { type Test } from 'tap';
import type { ContainerView, ServiceReport } from '#shared/model.ts';
import type { JobResult } from '#shared/jobs.ts';
import type { Permission } from '../../control/app/access/permissions.ts';
import { ADMIN } from '../support/control-world.ts';
import { eventually } from '../support/eventually.ts';
import { FACTS, reportOf, type FakeHost } from '../support/fake-host.ts';
import type { Answer, Options } from '../support/http-server.ts';
import { openSession, PANEL } from '../support/person.ts';
import { startRealHttp } from '../support/real-http.ts';

const BASE = '/api/system/services';
const VERBS = ['restart', 'start', 'enable', 'disable'];

interface Info {
  name: string;
  status: string;
  failure_count: number;
}
interface Listed {
  services: Info[];
  by_category: Record<string, { total: number; healthy: number; unhealthy: number }>;
}
interface Acted {
  success: boolean;
  message: string;
  service: Info;
}

const CONTAINER: ContainerView = {
  id: 'a1b2c3d4e5f60718293a',
  name: 'rtdetr-web-1',
  service: 'web',
  image: 'busybox:1',
  imageId: 'sha256:0',
  state: 'running',
  health: 'healthy',
  exitCode: null,
  startedAt: 1000,
  ports: [{ host: 8001, container: 80, protocol: 'tcp', address: '0.0.0.0' }],
};
const FAILED_TWICE = { failureCount: 2, restartCount: 5, lastRestartAt: 1000, nextRestartAt: null, gaveUpAt: null };

/** A host with one service, `rtdetr`, that runs and has failed twice. */
async function scene(t: Test, options: Options = {}) {
  const real = await startRealHttp(t, options);
  const { world, http, key } = real;
  const host = await world.joinAndConnect();
  const id = await world.deployed(host, 'rtdetr', { displayName: 'RT-DETR', category: 'ai' });
  await host.tell({
    kind: 'service.report',
    report: reportOf(id, { containers: [CONTAINER], healing: FAILED_TWICE }),
  });
  const call = <T>(method: string, path: string, options: object = {}) =>
    http.call<T>(method, BASE + path, { key, ...options });
  return { ...real, host, id, call, list: () => call<Listed>('GET', '') };
}

/** Calls, and has the host end the job that comes of it. */
async function whileHostWorks<T>(
  host: FakeHost,
  kind: string,
  call: Promise<Answer<T>>,
  end: Partial<JobResult> = {},
  report: Partial<ServiceReport> = {},
): Promise<Answer<T>> {
  const { openJobs } = host.memory;
  const job = await eventually(() => host.offers().find((it) => it.kind === kind && openJobs.includes(it.jobId)));
  await host.finish(job?.jobId ?? '', end, report);
  return call;
}

t.test('the list shows services, counts categories and filters', async (t) => {
  const { world, host, call, list } = await scene(t);
  await world.deployed(host, 'postgres', { category: 'infrastructure' });
  const { status, body } = await list();
  t.equal(status, 200);
  t.match(body.services, [
    { name: 'postgres', display_name: 'postgres', category: 'infrastructure', status: 'running' },
    {
      name: 'rtdetr',
      display_name: 'RT-DETR',
      category: 'ai',
      status: 'running',
      enabled: true,
      container_id: 'a1b2c3d4e5f6',
      image: 'busybox:1',
      port: 8001,
      failure_count: 2,
      restart_count: 5,
      last_restart_at: '1970-01-01T00:00:01.000Z',
      uptime_seconds: Number,
    },
  ]);
  t.strictSame(body.by_category['ai'], { total: 1, healthy: 1, unhealthy: 0 });
  t.strictSame(body.by_category['monitoring'], { total: 0, healthy: 0, unhealthy: 0 });
  const { body: filtered } = await call<Listed>('GET', '?category=ai&unknown=1');
  t.strictSame(
    filtered.services.map(({ name }) => name),
    ['rtdetr'],
  );
  t.equal(filtered.by_category['infrastructure']?.total, 1, 'the summary is of all');
  t.match(await call('GET', '?category=ai&category=ai'), { status: 400, body: { detail: /category/ } });
});

t.test('restart is a job of its host and forgets the failures', async (t) => {
  const { host, call, list } = await scene(t);
  const healing = { ...FAILED_TWICE, failureCount: 0, restartCount: 6 };
  const answer = await whileHostWorks(host, 'restart', call<Acted>('POST', '/rtdetr/restart'), {}, { healing });
  t.match(answer, {
    status: 200,
    body: {
      success: true,
      message: "Service 'rtdetr' restart initiated",
      service: { name: 'rtdetr', status: 'starting', container_id: null, failure_count: 0, restart_count: 6 },
    },
  });
  t.match((await list()).body.services, [{ status: 'running', failure_count: 0, restart_count: 6 }]);
});

t.test('start is for what is stopped', async (t) => {
  const { host, id, call } = await scene(t);
  t.match(await call('POST', '/rtdetr/start'), {
    status: 400,
    body: { detail: "Service 'rtdetr' is already running" },
  });
  await host.tell({ kind: 'service.report', report: reportOf(id, { lifecycle: 'stopped' }) });
  const answer = await whileHostWorks(host, 'start', call<Acted>('POST', '/rtdetr/start'));
  t.match(answer, {
    status: 200,
    body: { success: true, message: "Service 'rtdetr' start initiated", service: { status: 'starting' } },
  });
});

t.test('a disabled service is left alone, until it is enabled', async (t) => {
  const { world, host, id, call, list } = await scene(t);
  t.match(await call('POST', '/rtdetr/disable'), {
    status: 200,
    body: { success: true, message: "Service 'rtdetr' disabled", service: { status: 'disabled', enabled: false } },
  });
  t.equal(world.app.services.require(ADMIN, id).isEnabled, false, 'our own API knows');
  t.match((await list()).body, { services: [{ status: 'disabled' }], by_category: { ai: { unhealthy: 1 } } });
  t.match(await call('POST', '/rtdetr/restart'), { status: 400, body: { detail: /disabled/ } });
  await host.tell({ kind: 'service.report', report: reportOf(id, { lifecycle: 'stopped' }) });
  t.match(await call('POST', '/rtdetr/start'), { status: 400, body: { detail: /disabled/ } });
  t.match(await call('POST', '/rtdetr/enable'), {
    status: 200,
    body: {
      success: true,
      message: "Service 'rtdetr' enabled",
      service: { status: 'stopped', enabled: true, failure_count: 0 },
    },
  });
  await eventually(() => host.received.filter(({ body }) => body.kind === 'service.enable').length === 2);
});

t.test('what was never deployed cannot be restarted', async (t) => {
  const { world, host, call } = await scene(t);
  const { job } = await world.create('new', { hostId: host.id });
  t.match(await call('POST', '/new/restart'), { status: 409, body: { detail: new RegExp(job.id) } });
  await host.finish(job.id, { state: 'failed', error: { code: 'build_failed', message: 'no' } }, null);
  t.match(await call('POST', '/new/restart'), { status: 400, body: { detail: /never deployed/ } });
});

t.test('what its host could not do is an error', async (t) => {
  const { host, call } = await scene(t);
  const failing = async (code: string, message: string) => {
    const end = { state: 'failed' as const, error: { code, message } };
    const { status, body } = await whileHostWorks(host, 'restart', call('POST', '/rtdetr/restart'), end);
    return [status, body];
  };
  t.strictSame(await failing('docker_error', 'port is taken'), [409, { detail: 'port is taken' }]);
  t.strictSame(await failing('docker_unavailable', 'Docker hangs'), [503, { detail: 'Docker hangs' }]);
});

t.test('nothing is done while the host or its Docker is away, and no list pretends to know', async (t) => {
  const { world, host, id, call, list } = await scene(t);
  const away = async (detail: RegExp) => {
    for (const verb of VERBS)
      t.match(await call('POST', `/rtdetr/${verb}`), { status: 503, body: { detail } }, `${verb} and ${detail}`);
    t.match(await list(), { status: 503, body: { detail } });
  };
  await host.tell({ kind: 'host.facts', facts: { ...FACTS, dockerVersion: null, dockerAwaySince: 1 }, at: 1 });
  await away(/^Docker does not answer on host "one"/);
  await host.tell({ kind: 'host.facts', facts: { ...FACTS, dockerAwaySince: null }, at: 2 });
  t.equal((await list()).status, 200);
  host.disconnect();
  await away(/^Host "one" is not connected/);
  t.equal(world.app.services.require(ADMIN, id).isEnabled, true);

  const other = await world.joinAndConnect({}, 'two');
  await world.deployed(other, 'nemotron', { category: 'ai' });
  const { body } = await list();
  t.match(
    body.services,
    [
      { name: 'nemotron', status: 'running' },
      { name: 'rtdetr', status: 'unhealthy' },
    ],
    'what can be seen is listed',
  );
  t.strictSame(body.by_category['ai'], { total: 2, healthy: 1, unhealthy: 1 });
});

t.test('services of one name are told apart by their hosts', async (t) => {
  const { world, host, call, list } = await scene(t);
  const other = await world.joinAndConnect({}, 'two');
  await world.deployed(other, 'rtdetr');
  t.strictSame((await list()).body.services.map(({ name }) => name).toSorted(), ['one/rtdetr', 'two/rtdetr']);
  t.match(await call('POST', '/rtdetr/disable'), { status: 409, body: { detail: /'one\/rtdetr' or 'two\/rtdetr'/ } });
  for (const name of ['two/rtdetr', 'two%2Frtdetr', `${other.id}/rtdetr`]) {
    const { status, body } = await call<Acted>('POST', `/${name}/disable`);
    t.match({ status, name: body.service.name }, { status: 200, name: decodeURIComponent(name) });
  }
  t.match(await call('POST', '/three/rtdetr/disable'), { status: 404 });
  t.equal(host.received.filter(({ body }) => body.kind === 'service.enable').length, 0, 'the other is left alone');
});

t.test('a caller sees its own services, and no others exist', async (t) => {
  const { world, call, http } = await scene(t);
  const customerId = await world.customer('someone else');
  const keyFor = async (bound: object) =>
    (await world.app.keys.create(ADMIN, { name: 'bound', permissions: ['*'] as Permission[], ...bound })).secret;
  for (const bound of [{ customerId }, { hostLabels: { zone: 'moon' } }]) {
    const key = await keyFor(bound);
    t.match(await http.get(BASE, key), { status: 200, body: { services: [], by_category: { ai: { total: 0 } } } });
    for (const verb of VERBS)
      t.match(await call('POST', `/rtdetr/${verb}`, { key }), {
        status: 404,
        body: { detail: "Service 'rtdetr' not found" },
      });
  }
});

t.test('a bound caller acts on its own by the plain name, whoever else has that name', async (t) => {
  const { world, host, call, http } = await scene(t);
  const customerId = await world.customer('gamma');
  const moon = await world.joinAndConnect({ zone: 'moon' }, 'two');
  const own = await world.deployed(moon, 'rtdetr', { customerId });
  for (const bound of [{ customerId }, { hostLabels: { zone: 'moon' } }]) {
    const { secret: key } = await world.app.keys.create(ADMIN, { name: 'bound', permissions: ['*'], ...bound });
    t.match((await http.get<Listed>(BASE, key)).body.services, [{ name: 'rtdetr' }]);
    t.match(await call('POST', '/rtdetr/disable', { key }), { status: 200, body: { service: { name: 'rtdetr' } } });
    t.match(await call('POST', '/rtdetr/enable', { key }), { status: 200 });
    for (const elsewhere of ['one/rtdetr', `${host.id}%2Frtdetr`])
      t.match(await call('POST', `/${elsewhere}/disable`, { key }), { status: 404 });
  }
  t.equal(host.received.filter(({ body }) => body.kind === 'service.enable').length, 0);
  await moon.tell({ kind: 'service.report', report: reportOf(own, { lifecycle: 'stopped' }) });
  await world.app.customers.suspend(ADMIN, customerId);
  for (const verb of ['start', 'restart'])
    t.match(await call('POST', `/two/rtdetr/${verb}`), { status: 409, body: { detail: /suspended/ } }, verb);
});

t.test('a session cookie is as good as a key', async (t) => {
  const { world, http } = await scene(t, { config: { publicUrl: PANEL } });
  const ada = await openSession(world, http);
  t.equal((await ada.call('GET', BASE)).status, 200);
  t.match(
    await ada.send('POST', `${BASE}/rtdetr/disable`),
    { status: 403, body: { detail: String } },
    'a foreign page',
  );
  t.match(await ada.call('POST', `${BASE}/rtdetr/disable`), { status: 200 }, 'a page of ours');
});

t.test('a write with an Idempotency-Key has its effect once, and is in the audit log under our own name', async (t) => {
  const { world, host, id, call } = await scene(t);
  const headers = { 'idempotency-key': 'once' };
  const first = await whileHostWorks(host, 'restart', call<Acted>('POST', '/rtdetr/restart', { headers }));
  const again = await call<Acted>('POST', '/rtdetr/restart', { headers });
  t.strictSame(again.body, first.body);
  t.equal(again.headers.get('idempotency-replayed'), 'true');
  t.equal(host.offers().filter(({ kind }) => kind === 'restart').length, 1);
  const { items } = world.app.audit.list(ADMIN, { page: 1, perPage: 2, order: 'asc', action: 'services.restart' });
  t.match(items, [
    { targetId: id, path: `${BASE}/:name/restart`, result: 'ok' },
    { targetId: null, result: 'replayed' },
  ]);
});

t.test(
  'F01: a start whose answer was lost with the process is answered again, though the service runs by now',
  async (t) => {
    const { world, host, id, key, call } = await scene(t);
    await host.tell({ kind: 'service.report', report: reportOf(id, { lifecycle: 'stopped' }) });
    const headers = { 'idempotency-key': 'once' };
    const lost = call<Acted>('POST', '/rtdetr/start', { headers });
    const job = await eventually(() => host.offers().find(({ kind }) => kind === 'start'));
    const after = world.crash(); // the job is committed, the answer is not
    host.disconnect();
    await host.connect(after);
    await host.finish(job?.jobId ?? '');
    const { http } = await startRealHttp(t, { world: after });
    t.equal(after.app.services.require(ADMIN, id).lifecycle, 'running');
    t.match(await http.call('POST', `${BASE}/rtdetr/start`, { key, headers }), {
      status: 200,
      body: { message: "Service 'rtdetr' start initiated" },
    });
    t.equal((await http.call('POST', `/api/services/${id}/start`, { key, headers })).status, 409, 'of another request');
    world.clock.advance(60_000);
    await lost;
  },
);
