// Healing as control sees it: what a host tells of it, and who may have a service left alone.
import t, { type Test } from 'tap';
import { ADMIN, ControlWorld } from '../support/control-world.ts';
import { eventually } from '../support/eventually.ts';
import { reportOf, type FakeHost } from '../support/fake-host.ts';
import { faultCode } from '../support/fault-code.ts';
import { startRealHttp } from '../support/real-http.ts';

const AT = Date.parse('2026-10-31T23:00:00Z');

async function running(t: Test) {
  const world = new ControlWorld(t);
  const host = await world.joinAndConnect();
  return { world, host, id: await world.deployed(host, 'web') };
}

const words = (host: FakeHost) =>
  host.received.flatMap(({ body }) => (body.kind === 'service.enable' ? [body.isEnabled] : []));

t.test('a disabled service is not started or restarted, but stopped; enabling has its host told', async (t) => {
  const { world, host, id } = await running(t);
  const { services } = world.app;
  t.match(await services.setEnabled(ADMIN, id, false), { isEnabled: false, lifecycle: 'running' });
  await eventually(() => words(host).length === 1);
  t.equal(await faultCode(services.act(ADMIN, id, 'start', 0)), 'state_conflict');
  t.equal(await faultCode(services.act(ADMIN, id, 'restart', 0)), 'state_conflict');
  const { job } = await services.act(ADMIN, id, 'stop', 0);
  await host.finish(job.id, {}, { lifecycle: 'stopped' });
  t.match(await services.setEnabled(ADMIN, id, true), { isEnabled: true, lifecycle: 'stopped' });
  await services.setEnabled(ADMIN, id, true);
  await eventually(() => words(host).length === 3);
  t.strictSame(words(host), [false, true, true], 'again is told as well: its failures are forgotten');
  const timeline = services.events(ADMIN, id, { page: 1, perPage: 100, type: 'service' }).items;
  t.strictSame(
    timeline.map(({ status }) => status).filter((status) => status !== 'created'),
    ['enabled', 'disabled'],
    'a change is told once',
  );
});

t.test('a host that is away hears of it when it returns', async (t) => {
  const { world, host, id } = await running(t);
  host.disconnect();
  await world.app.services.setEnabled(ADMIN, id, false);
  t.strictSame(words(host), []);
  await host.connect(world);
  await eventually(() => words(host).length === 1);
});

t.test(
  'a host that says otherwise at its hello, or knows nothing of a disabled service any more, is told',
  async (t) => {
    const { world, host, id } = await running(t);
    host.memory.services = [{ serviceId: id, revision: 1, isEnabled: true }];
    const rolledBack = structuredClone(host.memory);
    await world.app.services.setEnabled(ADMIN, id, false);
    await eventually(() => words(host).length === 1);
    host.disconnect();
    host.memory = rolledBack;
    await host.connect(world);
    await eventually(() => words(host).length === 2);
    t.strictSame(words(host), [false, false]);

    host.disconnect();
    host.memory.services = [{ serviceId: id, revision: 1, isEnabled: false }];
    await host.connect(world);
    const { job } = await world.app.services.redeploy(ADMIN, id, {});
    await eventually(() => words(host).length === 3);
    t.strictSame(words(host), [false, false, false], 'not at the hello that agrees, but after each spec');
    t.equal(
      host.received.findIndex(({ body }) => body.kind === 'job.offer' && body.offer.jobId === job.id) + 1,
      host.received.findLastIndex(({ body }) => body.kind === 'service.enable'),
    );
  },
);

t.test('what waits for a host that was away is not told twice', async (t) => {
  const { world, host, id } = await running(t);
  host.memory.services = [{ serviceId: id, revision: 1, isEnabled: true }];
  host.disconnect();
  await world.app.services.setEnabled(ADMIN, id, false);
  await host.connect(world);
  await world.app.services.setEnabled(ADMIN, id, true);
  await eventually(() => words(host).includes(true));
  t.strictSame(words(host), [false, true]);
});

t.test('a control plane from a backup takes the newer word of the host', async (t) => {
  const { world, host, id } = await running(t);
  host.disconnect();
  host.memory.commandSeq += 1;
  host.memory.services = [{ serviceId: id, revision: 1, isEnabled: false }];
  await host.connect(world);
  t.equal(world.app.services.require(ADMIN, id).isEnabled, false);
  t.match(world.app.services.events(ADMIN, id, { page: 1, perPage: 1, type: 'service' }).items, [
    { status: 'disabled', message: /after the backup/ },
  ]);
  t.strictSame(words(host), []);
});

t.test("somebody else's service is not there", async (t) => {
  const { world, id } = await running(t);
  const stranger = { ...ADMIN, customerId: 'cust_a' };
  t.equal(await faultCode(world.app.services.setEnabled(stranger, id, false)), 'not_found');
  t.equal(world.app.services.require(ADMIN, id).isEnabled, true);
});

t.test('counters, the end of a container and the figures are shown as its host told them', async (t) => {
  const { world, http, key } = await startRealHttp(t);
  const host = await world.joinAndConnect();
  const id = await world.deployed(host, 'web');
  const healing = { failureCount: 6, restartCount: 5, lastRestartAt: AT, nextRestartAt: null, gaveUpAt: AT + 1000 };
  const end = { exitCode: 1, oomKilled: false, lastLines: ['no database'] };
  const event = { type: 'heal', status: 'gave_up', message: 'Gave up', end, at: AT + 1000 };
  const report = reportOf(id, { lifecycle: 'failed', health: 'unknown', reason: 'Gave up', healing });
  await host.tell({ kind: 'service.event', serviceId: id, ...event }, { kind: 'service.report', report });

  const get = async (path: string) => fetch(`${http.url}${path}`, { headers: { authorization: `Bearer ${key}` } });
  t.match(await (await get(`/api/services/${id}`)).json(), {
    status: 'failed',
    failure_count: 6,
    restart_count: 5,
    last_restart_at: '2026-10-31T23:00:00.000Z',
    next_restart_at: null,
    gave_up_at: '2026-10-31T23:00:01.000Z',
  });
  t.match(await (await get(`/api/services/${id}/events?type=heal`)).json(), {
    data: [{ status: 'gave_up', container_end: { exit_code: 1, oom_killed: false, last_lines: ['no database'] } }],
  });
  const reader = { ...ADMIN, permissions: ['services.read' as const] };
  const [seen] = world.app.services.events(reader, id, { page: 1, perPage: 1, type: 'heal' }).items;
  t.strictSame(seen?.end, { ...end, lastLines: [] }, 'lines of a log are for those who may read logs');
  const metrics = await (await get('/metrics')).text();
  t.match(metrics, /longshore_service_restarts_total\{[^}]*\} 5\n/);
  t.match(metrics, /longshore_service_failures\{[^}]*\} 6\n/);
  t.match(metrics, /longshore_service_given_up\{[^}]*\} 1\n/);
});
