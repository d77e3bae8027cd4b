// Services that take newer images by themselves: when they begin, and what they leave alone.
import t from 'tap';
import { ADMIN } from '../support/control-world.ts';
import { check, startScene, WINDOW } from '../support/update-scene.ts';

t.test('a newer image makes one redeploy, which says why', async (t) => {
  const scene = await startScene(t);
  await scene.find(check('sha256:2'));
  await scene.runUpdates();
  await scene.runUpdates();
  t.match(scene.jobs, [{ kind: 'redeploy', cause: 'newer images' }]);
  t.match(await scene.host.offered(scene.jobs.at(-1)?.id ?? ''), { kind: 'redeploy', pull: 'always' });
  await scene.finish('succeeded', 2);
  await scene.find(check('sha256:2', 'sha256:2'));
  await scene.runUpdates();
  t.equal(scene.jobs.length, 1);
  t.match(scene.told('deploy').at(-1), 'Redeployed from compose: newer images');
});

t.test('one that fails is not tried again, until it is newer still', async (t) => {
  const scene = await startScene(t);
  await scene.find(check('sha256:2'));
  await scene.runUpdates();
  await scene.finish('failed', 1);
  await scene.find(check('sha256:2'));
  await scene.runUpdates();
  await scene.find(check(null));
  await scene.find(check('sha256:2'));
  await scene.runUpdates();
  t.equal(scene.jobs.length, 1);
  await scene.find(check('sha256:3'));
  await scene.runUpdates();
  t.equal(scene.jobs.length, 2);
});

t.test('a redeploy that pulled nothing has tried nothing', async (t) => {
  const scene = await startScene(t);
  await scene.find(check('sha256:2'));
  await scene.world.app.services.redeploy(ADMIN, scene.id, { pull: 'missing' });
  await scene.finish('succeeded', 2);
  await scene.find(check('sha256:2'));
  await scene.runUpdates();
  t.match(scene.jobs.at(-1), { kind: 'redeploy', cause: 'newer images' });
});

t.test('a crash after the job was begun makes no second one', async (t) => {
  const scene = await startScene(t);
  await scene.find(check('sha256:2'));
  await scene.runUpdates();
  const after = scene.world.crash();
  await after.parts.autoUpdates.run();
  t.equal(after.stores.jobs.openOfService(scene.id).length, 1);
  // Also when the job has ended by then and its host has told nothing new.
  await scene.finish('failed', 1);
  const later = scene.world.crash();
  await scene.host.connect(later);
  await later.parts.autoUpdates.run();
  t.equal(later.stores.jobs.openOfService(scene.id).length, 0);
});

t.test(
  'what somebody rolled back from is not taken again; what somebody deployed after that lets go of it',
  async (t) => {
    const revision = (number: number) => ({
      revision: number,
      jobId: 'job_x',
      recordedAt: number,
      commit: null,
      rollbackOf: null,
      variablesHash: 'aa',
      images: [],
    });
    const scene = await startScene(t, {
      'service.revisions': async () => ({ current: 2, revisions: [revision(2), revision(1)] }),
    });
    await scene.find(check('sha256:2'));
    await scene.runUpdates();
    await scene.finish('succeeded', 2);
    await scene.find(check('sha256:2', 'sha256:2'));
    await scene.world.app.revisions.rollback(ADMIN, scene.id, 1);
    await scene.finish('succeeded', 3);
    await scene.find(check('sha256:2'));
    t.equal(scene.service.updateAvailable, true);
    await scene.runUpdates();
    t.equal(scene.jobs.length, 2, 'held');
    await scene.world.app.services.update(ADMIN, scene.id, { variables: { FIXED: 'yes' } });
    await scene.finish('succeeded', 4);
    await scene.runUpdates();
    t.match(scene.jobs.at(-1), { kind: 'redeploy', cause: 'newer images' });
  },
);

t.test(
  'nothing is begun outside the window, for a host that is away, beside another job or for who is suspended',
  async (t) => {
    const scene = await startScene(t);
    const { world, host } = scene;
    await scene.find(check('sha256:2'));
    host.disconnect();
    await scene.runUpdates();
    await host.connect(world);
    const other = await world.create('other', { hostId: host.id });
    await scene.runUpdates();
    await host.finish(other.job.id);
    await world.app.services.update(ADMIN, scene.id, { autoUpdate: { window: { ...WINDOW, start: '12:00' } } });
    await scene.runUpdates();
    await world.app.services.update(ADMIN, scene.id, { autoUpdate: null });
    t.equal(scene.service.autoUpdate, null);
    await scene.runUpdates();
    t.same(
      scene.jobs.filter(({ cause }) => cause !== null),
      [],
    );
  },
);

t.test('one service after another on a host, and a customer that is suspended not at all', async (t) => {
  const scene = await startScene(t);
  const { world, host } = scene;
  const customerId = await world.customer('Acme');
  const theirs = await world.deployed(host, 'theirs', { customerId, autoUpdate: { window: WINDOW } });
  const third = await world.deployed(host, 'third', { autoUpdate: { window: WINDOW } });
  for (const id of [theirs, scene.id, third]) {
    const updates = { serviceId: id, images: [check('sha256:2')], checkedAt: world.clock.now() + 1 };
    world.clock.advance(1);
    await host.tell({ kind: 'service.updates', updates });
  }
  await world.app.customers.suspend(ADMIN, customerId);
  for (const job of world.stores.jobs.openOfHost(host.id)) await host.finish(job.id, {}, { lifecycle: 'stopped' });
  const openNow = () => world.stores.jobs.openOfHost(host.id);
  const begun: string[] = [];
  for (let round = 1; round <= 3; round++) {
    await scene.runUpdates();
    await scene.runUpdates();
    begun.push(...openNow().map(({ serviceName, cause }) => `${serviceName}: ${cause}`));
    for (const { id } of openNow()) await host.finish(id, {}, { revision: 2 });
  }
  t.same(begun.toSorted(), ['third: newer images', 'web: newer images']);
});

t.test('what its plan has no room for is said once and not tried again', async (t) => {
  const scene = await startScene(t);
  const { world, host } = scene;
  const customerId = await world.customer('Acme');
  const theirs = await world.deployed(host, 'theirs', { customerId, autoUpdate: { window: WINDOW } });
  await world.deployed(host, 'greedy', { customerId, limits: { cpu: 2 } });
  const plan = await world.app.plans.create(ADMIN, { name: 'full', limits: { cpu: 2 } });
  await world.app.customers.update(ADMIN, customerId, { planId: plan.id });
  scene.id = theirs;
  await scene.find(check('sha256:2'));
  for (let round = 1; round <= 3; round++) await scene.runUpdates();
  t.match(scene.told('update'), [/available/, /^Newer images were not taken: Plan "full" limits cpu to 2/]);
  t.same(world.stores.jobs.openOfService(theirs), []);
  await world.app.customers.update(ADMIN, customerId, { planId: null });
  await scene.find(check('sha256:3'));
  await scene.runUpdates();
  t.match(world.stores.jobs.openOfService(theirs), [{ cause: 'newer images' }]);
});
