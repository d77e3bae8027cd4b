// Newer images as control sees them: what hosts say, what is told of it; and prunes.
import t from 'tap';
import type { ServiceUpdates } from '#shared/image-updates.ts';
import type { PruneRequest, PruneResult } from '#shared/protocol/image-parts.ts';
import type { Caller } from '../../control/app/api/caller.ts';
import { ADMIN } from '../support/control-world.ts';
import { faultCode } from '../support/fault-code.ts';
import { composeBody, startRealHttp } from '../support/real-http.ts';
import { check, startScene, type Scene } from '../support/update-scene.ts';

t.test('what a host finds is shown, filtered by and told once', async (t) => {
  const scene = await startScene(t);
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
    const scene = await startScene(t);
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

t.test('a check that is asked for is known when it is answered', async (t) => {
  let scene: Scene | undefined;
  const made = await startScene(t, {
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
