// Newer images as control sees them: what hosts say, what is told of it, and services that take them by themselves.
import t, { type Test } from 'tap';
import type { ImageCheck, ServiceUpdates } from '#shared/image-updates.ts';
import type { PruneRequest, PruneResult } from '#shared/protocol/image-parts.ts';
import type { Caller } from '../../control/app/api/caller.ts';
import { ADMIN, ControlWorld } from '../support/control-world.ts';
import type { FakeHost } from '../support/fake-host.ts';
import { faultCode } from '../support/fault-code.ts';
import { composeBody, startRealHttp } from '../support/real-http.ts';

/** Always open: the test's clock stands at midnight UTC. */
const WINDOW = { start: '20:00', durationMinutes: 480, timeZone: 'UTC' };

const check = (newestDigest: string | null, currentDigest = 'sha256:1', image = 'nginx:1'): ImageCheck => ({
  service: 'web',
  image,
  currentDigest,
  newestDigest,
  state: newestDigest === null ? 'unknown' : newestDigest === currentDigest ? 'current' : 'newer',
  reason: newestDigest === null ? 'Registry "docker.io" did not answer in time' : null,
});

class Scene {
  readonly world: ControlWorld;
  readonly host: FakeHost;
  id = '';

  constructor(world: ControlWorld, host: FakeHost) {
    this.world = world;
    this.host = host;
  }

  /** The host tells what it found, a minute later each time. */
  async find(...images: ImageCheck[]): Promise<void> {
    await this.host.tell({ kind: 'service.updates', updates: this.updates(...images) });
  }

  updates(...images: ImageCheck[]): ServiceUpdates {
    this.world.clock.advance(60_000);
    return { serviceId: this.id, images, checkedAt: this.world.clock.now() };
  }

  get service() {
    return this.world.app.services.detail(ADMIN, this.id);
  }

  /** Kinds and causes of the jobs so far, the first one left out. */
  get jobs() {
    return this.world.app.jobs.list(ADMIN, { page: 1, perPage: 100 }).items.toReversed().slice(1);
  }

  told(type: string): string[] {
    const { items } = this.world.app.services.events(ADMIN, this.id, { page: 1, perPage: 100, type, order: 'asc' });
    return items.map(({ message }) => message);
  }

  /** What the job that runs now comes to. */
  async finish(state: 'succeeded' | 'failed', revision: number): Promise<void> {
    const job = this.jobs.at(-1);
    const error = { code: 'unhealthy', message: 'It did not become healthy' };
    const end = state === 'failed' ? { state, error, rolledBackTo: 1 } : { state };
    await this.host.finish(job?.id ?? '', { ...end, startedAt: 1, finishedAt: this.world.clock.now() }, { revision });
  }

  /** A moment later: jobs are told apart by their time. */
  runUpdates(): Promise<void> {
    this.world.clock.advance(1);
    return this.world.parts.autoUpdates.run();
  }
}

async function start(t: Test, answers: FakeHost['answers'] = {}): Promise<Scene> {
  const world = new ControlWorld(t);
  const host = await world.join();
  host.answers = answers;
  await host.connect(world);
  const scene = new Scene(world, host);
  scene.id = await world.deployed(host, 'web', { autoUpdate: { window: WINDOW } });
  return scene;
}

t.test('what a host finds is shown, filtered by and told once', async (t) => {
  const scene = await start(t);
  const { world } = scene;
  t.match(scene.service, { updateAvailable: null, updates: null });
  const countOf = (updateAvailable: boolean) =>
    world.app.services.list(ADMIN, { page: 1, perPage: 10, sort: 'name', order: 'asc', updateAvailable }).total;
  t.same([countOf(true), countOf(false)], [0, 0], 'nobody has looked');

  await scene.find(check('sha256:1'));
  t.match(scene.service, { updateAvailable: false, updates: { images: [{ state: 'current' }] } });
  t.same([countOf(true), countOf(false)], [0, 1]);
  await scene.find(check('sha256:2'));
  t.match(scene.service, { updateAvailable: true, updates: { images: [{ newestDigest: 'sha256:2' }] } });
  t.same([countOf(true), countOf(false)], [1, 0]);
  await scene.find(check(null));
  t.match(scene.service, { updateAvailable: null, updates: { images: [{ reason: /did not answer/ }] } });
  await scene.find(check('sha256:2'));
  t.same(scene.told('update'), ['Newer images are available: nginx:1'], 'a registry that was away makes no news');
  await scene.find(check('sha256:3'));
  t.equal(scene.told('update').length, 2);
});

t.test(
  'an older word than the one that is known, and one about a service of another host, change nothing',
  async (t) => {
    const scene = await start(t);
    const old = scene.updates(check('sha256:2'));
    await scene.find(check('sha256:1'));
    await scene.host.tell({ kind: 'service.updates', updates: old });
    t.equal(scene.service.updateAvailable, false);
    const other = await scene.world.joinAndConnect({}, 'other');
    await other.tell({ kind: 'service.updates', updates: scene.updates(check('sha256:2')) });
    t.equal(scene.service.updateAvailable, false);
    const ahead = { ...scene.updates(check('sha256:2')), checkedAt: scene.world.clock.now() + 1e9 };
    await scene.host.tell({ kind: 'service.updates', updates: ahead });
    await scene.find(check('sha256:1'));
    t.equal(scene.service.updateAvailable, false, 'a clock that runs ahead does not have the last word');
  },
);

t.test('a newer image makes one redeploy, which says why', async (t) => {
  const scene = await start(t);
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
  const scene = await start(t);
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
  const scene = await start(t);
  await scene.find(check('sha256:2'));
  await scene.world.app.services.redeploy(ADMIN, scene.id, { pull: 'missing' });
  await scene.finish('succeeded', 2);
  await scene.find(check('sha256:2'));
  await scene.runUpdates();
  t.match(scene.jobs.at(-1), { kind: 'redeploy', cause: 'newer images' });
});

t.test('a crash after the job was begun makes no second one', async (t) => {
  const scene = await start(t);
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
    const scene = await start(t, {
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
    const scene = await start(t);
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
  const scene = await start(t);
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
  const scene = await start(t);
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

t.test('a check that is asked for is known when it is answered', async (t) => {
  let scene: Scene | undefined;
  const made = await start(t, {
    'service.updates': async () => ({ updates: scene?.updates(check('sha256:2')) as ServiceUpdates }),
  });
  scene = made;
  const found = await made.world.app.images.checkUpdates(ADMIN, made.id);
  t.match(found, { updateAvailable: true, updates: { images: [{ state: 'newer' }] } });
  t.equal(made.told('update').length, 1);
  made.host.disconnect();
  t.equal(await faultCode(made.world.app.images.checkUpdates(ADMIN, made.id)), 'host_offline');
  const stranger: Caller = { ...ADMIN, customerId: await made.world.customer('Other') };
  t.equal(await faultCode(made.world.app.images.checkUpdates(stranger, made.id)), 'not_found');
});

const PRUNED: PruneResult = {
  images: [{ id: 'sha256:1', tags: ['old:1'], sizeBytes: 5e6 }],
  imageBytes: 4e6,
  buildCacheBytes: 0,
  protectedCount: 1,
  recentCount: 2,
  leftCount: 0,
};

t.test('over HTTP: windows are checked, a prune has its defaults, and bound keys do neither', async (t) => {
  const asked: PruneRequest[] = [];
  const { world, http, key } = await startRealHttp(t);
  const host = await world.join({ zone: 'eu' });
  host.answers = { 'host.prune': async (request) => (asked.push(request), PRUNED) };
  await host.connect(world);
  const window = { start: '02:00', duration_minutes: 60, time_zone: 'Europe/Berlin' };
  const body = composeBody('web', { host_id: host.id, auto_update: { window: { ...window, days: ['sat'] } } });
  const made = await http.call<{ id: string }>('POST', '/api/services', { body, key });
  t.equal(made.status, 201);
  const path = `/api/services/${made.body.id}`;
  t.match((await http.get(path, key)).body, {
    auto_update: { window: { days: ['sat'], time_zone: 'Europe/Berlin' } },
    update_available: null,
    updates: [],
    updates_checked_at: null,
  });
  const odd: [string, object][] = [
    ['auto_update.window.time_zone', { ...window, time_zone: '+02:00' }],
    ['auto_update.window.start', { ...window, start: '24:00' }],
    ['auto_update.window.duration_minutes', { ...window, duration_minutes: 5 }],
    ['auto_update.window.days', { ...window, days: [] }],
  ];
  for (const [field, wrong] of odd) {
    const answer = await http.call('PATCH', path, { body: { auto_update: { window: wrong } }, key });
    t.match(answer, { status: 422, body: { error: { fields: { [field]: String } } } }, field);
  }
  const { body: changed } = await http.call('PATCH', path, { body: { auto_update: null }, key });
  t.match(changed, { auto_update: null, deploy_job_id: null });
  t.match((await http.get('/api/services?update_available=true', key)).body, { total: 0 });

  const pruning = `/api/hosts/${host.id}/prune`;
  t.match(await http.call('POST', pruning, { key }), {
    status: 200,
    body: {
      dry_run: false,
      images: [{ tags: ['old:1'], size_bytes: 5e6 }],
      images_freed_bytes: 4e6,
      protected: 1,
      recent: 2,
    },
  });
  t.match(await http.call('POST', pruning, { body: { dry_run: true, images: 'dangling', build_cache: true }, key }), {
    body: { dry_run: true },
  });
  t.same(asked, [
    { scope: 'unused', olderThanHours: 24, buildCache: false, isDryRun: false },
    { scope: 'dangling', olderThanHours: 24, buildCache: true, isDryRun: true },
  ]);
  const keyOf = async (more: object) =>
    (await world.app.keys.create(ADMIN, { name: 'bound', permissions: ['*'], ...more })).secret;
  const customers = await keyOf({ customerId: await world.customer('Acme') });
  t.equal((await http.call('POST', pruning, { key: customers })).status, 403);
  t.equal((await http.call('POST', `${path}/check-updates`, { key: customers })).status, 404);
  const elsewhere = await keyOf({ hostLabels: { zone: 'us' } });
  t.equal((await http.call('POST', pruning, { key: elsewhere })).status, 404);
  t.equal(asked.length, 2);
  const { items } = world.app.audit.list(ADMIN, { page: 1, perPage: 100, order: 'asc' } as never);
  t.ok(items.some(({ action, targetId }) => action === 'hosts.prune' && targetId === host.id));
});
