// Moves of services between two hosts that are played by the test: the way there, the way back, restarts, refusals.
import t from 'tap';
import { ADMIN } from '../support/control-world.ts';
import { eventually } from '../support/eventually.ts';
import { reportOf } from '../support/fake-host.ts';
import { MoveWorld } from '../support/move-world.ts';

const DOWN = { lifecycle: 'stopped', health: 'unknown' } as const;

t.test('a service goes to another host as the same service, and the old one goes last', async (t) => {
  const it = await MoveWorld.start(t);
  const { schedules } = it.world.app;
  const targets = { serviceId: it.serviceId };
  const often = { kind: 'restart', cron: '0 3 * * *', timeZone: 'UTC', targets } as const;
  const rest = { delayBetweenS: 0, catchUp: 'none', jitterS: 0, isEnabled: true } as const;
  const nightly = await schedules.create(ADMIN, { name: 'nightly', ...often, ...rest });
  await it.begin();
  const copy = await it.a.offered(await it.jobOf('copy'));
  t.match(copy, { kind: 'backup', volumesOnly: true, repository: { id: it.repositoryId } });
  await it.finish('copy');
  t.match(await it.a.offered(await it.jobOf('stop')), { kind: 'stop' });
  t.match(
    it.a.received.find(({ body }) => body.kind === 'service.enable'),
    { body: { serviceId: it.serviceId, isEnabled: false } },
    'no schedule starts it meanwhile',
  );
  await it.finish('stop', {}, DOWN);
  await it.finish('backup', {}, DOWN);
  const { backupId } = it.move;
  const deploy = await it.b.offered(await it.jobOf('deploy'));
  const brought = { kind: 'deploy', backupId, backupOf: it.serviceId, repository: { id: it.repositoryId } };
  t.match(deploy, { ...brought, serviceId: it.serviceId, spec: { id: it.serviceId, name: 'shop', revision: 2 } });
  t.equal(it.service.hostId, it.a.id, 'health decides');
  await it.b.tell({ kind: 'service.report', report: reportOf(it.serviceId, { lifecycle: 'deploying' }) });
  t.equal(it.service.lifecycle, 'stopped', 'what the new host says counts from the switch on');
  await it.finish('deploy', {}, { revision: 2 });
  t.match(it.service, { hostId: it.b.id, lifecycle: 'running', health: 'healthy', revision: 2 });
  t.match(it.move, { state: 'running', switchedAt: Number, next: 'remove: the new one is up' });
  await it.world.dispatcher.idle();
  t.ok(it.b.received.some(({ body }) => body.kind === 'schedule.put' && body.schedule.id === nightly.id));
  t.ok(it.a.received.some(({ body }) => body.kind === 'schedule.remove' && body.scheduleId === nightly.id));
  await it.finish('remove', {}, null);
  t.match(it.move, { state: 'succeeded', keepsOld: false, error: null, next: null });
  t.equal(it.service.hostId, it.b.id, 'removing the old one removes no service');
  const timeline = it.world.app.services.events(ADMIN, it.serviceId, { page: 1, perPage: 50 }).items;
  t.notOk(
    timeline.some(({ type }) => type === 'remove'),
    'and nobody is told that one was removed',
  );
  await it.a.tell({ kind: 'service.report', report: reportOf(it.serviceId, DOWN) });
  t.equal(it.service.lifecycle, 'running', 'last words of the old host');
  const { items } = it.world.app.hosts.events(ADMIN, it.a.id, { page: 1, perPage: 50 });
  t.notOk(items.some(({ status }) => status === 'protocol_violation'));
});

t.test(
  'a service that does not come up there is started again where it was, and nothing of it is left there',
  async (t) => {
    const it = await MoveWorld.start(t);
    await it.begin();
    await it.bringThere();
    await it.finish(
      'deploy',
      { state: 'failed', error: { code: 'unhealthy', message: 'web is unhealthy' } },
      { lifecycle: 'failed' },
    );
    t.match(it.service, { hostId: it.a.id, lifecycle: 'stopped' });
    t.match(await it.b.offered(await it.jobOf('clear')), { kind: 'remove', serviceId: it.serviceId });
    t.notOk(it.move.jobs.start, 'not before the new one is gone');
    await it.finish('clear', {}, null);
    await it.finish('start');
    t.match(it.service, { hostId: it.a.id, lifecycle: 'running' });
    t.match(it.move, {
      state: 'failed',
      keepsOld: false,
      error: { code: 'unhealthy', message: 'deploy: web is unhealthy' },
    });
    const words = it.a.received.flatMap(({ body }) => (body.kind === 'service.enable' ? [body.isEnabled] : []));
    t.strictSame(words, [false, true]);
    await it.begin();
    t.match(it.move, { state: 'running' }, 'it can be tried again');
  },
);

t.test('a move goes on after control or a host was gone, at each step', async (t) => {
  const it = await MoveWorld.start(t);
  await it.begin();
  for (const step of ['copy', 'stop', 'backup', 'deploy', 'remove'] as const) {
    await it.jobOf(step);
    await it.crash();
    await it.finish(step, {}, step === 'remove' ? null : step === 'stop' || step === 'backup' ? DOWN : {});
  }
  t.match(it.move, { state: 'succeeded' });
  t.match(it.service, { hostId: it.b.id, lifecycle: 'running' });
  t.equal(it.steps.length, 5, 'each step was done once');
});

t.test('a move is called off until the service is there', async (t) => {
  const it = await MoveWorld.start(t);
  await it.begin();
  await it.finish('copy');
  const stopJob = await it.jobOf('stop');
  await it.a.offered(stopJob);
  await it.world.app.moves.cancel(ADMIN, it.moveId);
  t.match(it.move, { state: 'undoing', next: 'stop: it was called off' });
  await it.finish('stop', { state: 'cancelled' });
  await it.finish('start');
  t.match(it.move, { state: 'cancelled', error: { message: /^Cancelled by / } });
  t.match(it.service, { hostId: it.a.id, lifecycle: 'running' });
  await t.rejects(it.world.app.moves.cancel(ADMIN, it.moveId), { code: 'state_conflict' });
});

t.test('nothing else is done to a service on its way, and a revoked new host is no reason to wait', async (t) => {
  const it = await MoveWorld.start(t);
  await it.begin();
  const busy = { code: 'service_busy', message: 'Service "shop" is on its way to another host' };
  await t.rejects(it.world.app.services.act(ADMIN, it.serviceId, 'restart', 0), busy);
  await t.rejects(it.world.app.services.remove(ADMIN, it.serviceId, 0), busy);
  await t.rejects(it.begin(), { code: 'service_busy' });
  await it.bringThere();
  await it.b.offered(await it.jobOf('deploy'));
  it.b.disconnect();
  await it.world.app.hosts.revoke(ADMIN, it.b.id);
  await it.finish('start');
  t.match(it.move, { state: 'failed', error: { code: 'revoked' } });
  t.match(it.service, { hostId: it.a.id, lifecycle: 'running' });
});

t.test('the old one stays where it is to stay, until somebody removes it', async (t) => {
  const it = await MoveWorld.start(t);
  await it.begin({ keepsOld: true });
  await it.bringThere();
  await it.finish('deploy', {}, { revision: 2 });
  t.match(it.move, { state: 'succeeded', keepsOld: true });
  it.a.answers = { 'service.plan': async () => ({ plan: it.plan }) };
  const back = { hostId: it.a.id, repositoryId: it.repositoryId };
  const kept = { code: 'state_conflict', details: new RegExp(`remove-old ${it.moveId}`) };
  await t.rejects(it.world.app.moves.begin(ADMIN, it.serviceId, back), kept, 'its old data would be taken for the new');
  await it.world.app.moves.removeOld(ADMIN, it.moveId);
  await it.finish('remove', {}, null);
  t.match(it.move, { state: 'succeeded', keepsOld: false });
  t.equal(it.service.hostId, it.b.id);
  await t.rejects(it.world.app.moves.removeOld(ADMIN, it.moveId), { code: 'state_conflict' });
});

t.test('what cannot go is refused before anything stops', async (t) => {
  const it = await MoveWorld.start(t);
  const { moves, hostCare } = it.world.app;
  const begin = (more: object = {}) => moves.begin(ADMIN, it.serviceId, { hostId: it.b.id, ...more });
  await t.rejects(begin(), {
    code: 'state_conflict',
    message: 'Service "shop" has no backup repository that both hosts reach',
    details: /backup-repositories add/,
  });
  const way = { repositoryId: it.repositoryId };
  await t.rejects(begin({ ...way, hostId: it.a.id }), { code: 'state_conflict', message: /already/ });
  await hostCare.cordon(ADMIN, it.b.id);
  await t.rejects(begin(way), { code: 'host_cordoned' });
  await hostCare.uncordon(ADMIN, it.b.id);
  const { plan } = it;
  it.plan = { ...plan, preflight: [{ check: 'ports', state: 'failed', message: 'Port 80 is taken' }] };
  await t.rejects(begin(way), { code: 'state_conflict', details: 'Port 80 is taken' });
  it.plan = { ...plan, volumes: [{ name: 'shop_data', action: 'keep', services: ['web'] }] };
  await t.rejects(begin(way), { code: 'state_conflict', details: 'volume "shop_data" is there already' });
  it.b.disconnect();
  await t.rejects(begin(way), { code: 'host_offline' });
  const mine = { ...ADMIN, permissions: ['services.update' as const] };
  await t.rejects(moves.begin(mine, it.serviceId, { hostId: it.b.id }), { code: 'forbidden' });
  t.equal(it.world.app.moves.list(ADMIN, { page: 1, perPage: 10, order: 'desc' }).total, 0);
});

t.test('a key that does not see both hosts sees no move between them', async (t) => {
  const it = await MoveWorld.start(t);
  await it.begin();
  const bound = { ...ADMIN, hostLabels: { zone: 'eu' } };
  t.throws(() => it.world.app.moves.require(bound, it.moveId), { code: 'not_found' });
  t.equal(it.world.app.moves.list(bound, { page: 1, perPage: 10, order: 'desc' }).total, 0);
  const other = { ...ADMIN, customerId: 'cust_other' };
  t.throws(() => it.world.app.moves.require(other, it.moveId), { code: 'not_found' });
});

t.test('a drained service runs again on its new host', async (t) => {
  const it = await MoveWorld.start(t);
  const { services } = await it.world.app.hostCare.drain(ADMIN, it.a.id);
  await it.a.finish(services[0]?.jobId ?? '', {}, DOWN);
  await it.begin();
  await it.bringThere();
  await it.finish('deploy', {}, { revision: 2 });
  await it.finish('remove', {}, null);
  t.match(it.service, { hostId: it.b.id, lifecycle: 'running' });
  await it.world.app.hostCare.undrain(ADMIN, it.a.id);
  t.equal(it.world.stores.jobs.openOfService(it.serviceId).length, 0, 'nothing is left to bring back there');
});

t.test('the end of a deploy that was called off moves nothing', async (t) => {
  const it = await MoveWorld.start(t);
  await it.begin();
  await it.bringThere();
  await it.b.offered(await it.jobOf('deploy'));
  await it.world.app.moves.cancel(ADMIN, it.moveId);
  await it.finish('deploy', {}, { revision: 2 });
  t.equal(it.service.hostId, it.a.id);
  await it.finish('clear', {}, null);
  await it.finish('start');
  t.match(it.move, { state: 'cancelled', keepsOld: false });
  await eventually(() => it.service.lifecycle, { until: (lifecycle) => lifecycle === 'running' });
});
