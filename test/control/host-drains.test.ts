// Emptying a host for a while.
import t from 'tap';
import { ADMIN, ControlWorld } from '../support/control-world.ts';
import type { FakeHost } from '../support/fake-host.ts';
import { scheduleOf } from '../support/schedules.ts';

const PAGE = { page: 1, perPage: 50 };

const told = (world: ControlWorld, { id }: FakeHost): string[] =>
  world.app.hosts.events(ADMIN, id, { ...PAGE, order: 'asc' }).items.map(({ status }) => status);
const lifecycleOf = (world: ControlWorld, id: string) => world.stores.services.find(id)?.lifecycle;

t.test('draining stops what runs, says what it keeps, and undraining starts just that', async (t) => {
  const world = new ControlWorld(t);
  const host = await world.joinAndConnect();
  const compose = 'services:\n  db:\n    image: busybox:1\n    volumes: [data:/data]\nvolumes: {data: {}}\n';
  const runs = await world.deployed(host, 'runs');
  const keeps = await world.deployed(host, 'keeps', { source: { method: 'compose', compose } });
  const stopped = await world.deployed(host, 'stopped');
  const { job: stop } = await world.app.services.act(ADMIN, stopped, 'stop', 0);
  await host.finish(stop.id, {}, { lifecycle: 'stopped', containers: [] });
  const disabled = await world.deployed(host, 'disabled');
  await world.app.services.setEnabled(ADMIN, disabled, false);

  const { host: drained, services } = await world.app.hostCare.drain(ADMIN, host.id);
  t.match(drained, { cordonedAt: world.clock.now(), drainedAt: world.clock.now() });
  const report = new Map(services.map((service) => [service.name, service]));
  t.match(report.get('runs'), { action: 'stopping', data: { volumes: [], folders: [] } });
  t.match(report.get('keeps'), { action: 'stopping', data: { volumes: ['data'] } });
  t.match(report.get('stopped'), { action: 'left', reason: 'It does not run', jobId: null });
  t.match(report.get('disabled'), { action: 'left', reason: 'It is disabled', jobId: null });
  for (const { jobId } of services) if (jobId) await host.finish(jobId, {}, { lifecycle: 'stopped', containers: [] });
  t.equal(lifecycleOf(world, runs), 'stopped');

  for (const kind of ['start', 'restart'] as const) {
    await t.rejects(world.app.services.act(ADMIN, stopped, kind, 0), { code: 'host_drained', status: 409 });
  }
  await t.rejects(world.app.services.redeploy(ADMIN, runs, { pull: 'missing' }), { code: 'host_drained' });
  await t.rejects(world.create('new', { hostId: host.id }), { code: 'host_cordoned' });
  await t.rejects(world.app.hostCare.uncordon(ADMIN, host.id), { code: 'state_conflict' });
  const again = await world.app.hostCare.drain(ADMIN, host.id);
  t.ok(
    again.services.every(({ action }) => action === 'left'),
    'nothing is left to stop',
  );

  const back = await world.app.hostCare.undrain(ADMIN, host.id);
  t.match(back.host, { cordonedAt: null, drainedAt: null });
  t.strictSame(back.services.map(({ name }) => name).toSorted(), ['keeps', 'runs']);
  for (const { jobId } of back.services) {
    t.equal((await host.offered(jobId ?? '')).kind, 'start');
    await host.finish(jobId ?? '', {}, { lifecycle: 'running' });
  }
  t.equal(lifecycleOf(world, keeps), 'running');
  t.equal(lifecycleOf(world, stopped), 'stopped');
  t.strictSame((await world.app.hostCare.undrain(ADMIN, host.id)).services, []);
  t.strictSame(told(world, host).slice(2), ['drained', 'undrained']);
});

t.test('a host that is away is drained when it returns', async (t) => {
  const world = new ControlWorld(t);
  const host = await world.joinAndConnect();
  const id = await world.deployed(host, 'a');
  host.disconnect();
  const { services } = await world.app.hostCare.drain(ADMIN, host.id);
  const jobId = services.find((service) => service.id === id)?.jobId ?? '';
  world.clock.advance(24 * 3600_000);
  await host.connect(world);
  await host.finish(jobId, {}, { lifecycle: 'stopped', containers: [] });
  t.equal(lifecycleOf(world, id), 'stopped');
});

t.test('a drain survives a restart of control, and so does what it stopped', async (t) => {
  const world = new ControlWorld(t);
  const host = await world.joinAndConnect();
  const id = await world.deployed(host, 'a');
  const { services } = await world.app.hostCare.drain(ADMIN, host.id);
  await host.finish(services[0]?.jobId ?? '', {}, { lifecycle: 'stopped', containers: [] });
  const next = world.crash();
  await host.connect(next);
  const back = await next.app.hostCare.undrain(ADMIN, host.id);
  t.match(back.services, [{ id }]);
  t.ok(back.services[0]?.jobId);
});

t.test('draining and suspending: each brings back its own, the later one what the earlier left', async (t) => {
  const world = new ControlWorld(t);
  const host = await world.joinAndConnect();
  const customerId = await world.customer('acme');
  const id = await world.deployed(host, 'a', { customerId });
  const { customers, hostCare } = world.app;
  const { services } = await hostCare.drain(ADMIN, host.id);
  await host.finish(services[0]?.jobId ?? '', {}, { lifecycle: 'stopped', containers: [] });
  await customers.suspend(ADMIN, customerId);
  t.match((await hostCare.undrain(ADMIN, host.id)).services, [{ id, jobId: null }], 'its customer is suspended');
  await hostCare.drain(ADMIN, host.id);
  await customers.resume(ADMIN, customerId);
  t.equal(lifecycleOf(world, id), 'stopped', 'its host is drained');
  const back = await hostCare.undrain(ADMIN, host.id);
  await host.finish(back.services[0]?.jobId ?? '', {}, { lifecycle: 'running' });
  t.equal(lifecycleOf(world, id), 'running');
});

t.test('what its user stopped while the host was drained stays stopped', async (t) => {
  const world = new ControlWorld(t);
  const host = await world.joinAndConnect();
  const id = await world.deployed(host, 'a');
  const { services } = await world.app.hostCare.drain(ADMIN, host.id);
  await host.finish(services[0]?.jobId ?? '', {}, { lifecycle: 'stopped', containers: [] });
  const { job } = await world.app.services.act(ADMIN, id, 'stop', 0);
  await host.finish(job.id, {}, { lifecycle: 'stopped', containers: [] });
  t.strictSame((await world.app.hostCare.undrain(ADMIN, host.id)).services, []);
});

t.test('schedules that start services are not for a drained host', async (t) => {
  const world = new ControlWorld(t);
  const host = await world.joinAndConnect();
  await world.deployed(host, 'a');
  const { schedules, hostCare } = world.app;
  await schedules.create(ADMIN, scheduleOf({ kind: 'start' }));
  const kinds = () => host.received.map(({ body }) => body.kind).filter((kind) => kind.startsWith('schedule.'));
  await world.dispatcher.idle();
  await hostCare.drain(ADMIN, host.id);
  await world.dispatcher.idle();
  await hostCare.undrain(ADMIN, host.id);
  await world.dispatcher.idle();
  t.strictSame(kinds(), ['schedule.put', 'schedule.remove', 'schedule.put']);
});
