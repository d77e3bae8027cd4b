// Sets of services over real HTTP: what is asked for, what is answered, and what is refused.
import t, { type Test } from 'tap';
import { ADMIN } from '../support/control-world.ts';
import { composeBody, startRealHttp } from '../support/real-http.ts';
import { EU, SetWorld } from '../support/set-world.ts';

interface SetBody {
  id: string;
  state: string;
  revision: number;
  rollout_id: string;
  members: { host_name: string; service_id: string }[];
}

const PER_HOST = { labels: EU, replicas: 'per_host' };

async function start(t: Test, names: string[], placement: object = PER_HOST) {
  const { world, http, key } = await startRealHttp(t);
  const it = new SetWorld(world);
  for (const name of names) await it.join(name);
  const made = await http.call<{ id: string; set_id: string; deploy_job_id: string }>('POST', '/api/services', {
    key,
    body: composeBody('web', { placement }),
  });
  it.id = made.body.set_id;
  return { it, world, http, key, made, path: `/api/service-sets/${it.id}` };
}

t.test('a service per host is answered by its first member, with its set', async (t) => {
  const { made, it, http, key, path } = await start(t, ['a', 'b'], { ...PER_HOST, max_parallel: 4 });
  t.match(made, { status: 201, body: { name: 'web', status: 'deploying', set_id: /^set_/, deploy_job_id: /^job_/ } });
  t.match((await http.get(`/api/services/${made.body.id}`, key)).body, { set_id: it.id, name: 'web' });
  await it.finishAll();
  t.match((await http.get(path, key)).body, {
    id: it.id,
    state: 'steady',
    revision: 1,
    counts: { total: 2, running: 2, up_to_date: 2 },
    placement: { labels: EU, replicas: 'per_host', max_parallel: 4 },
    rollout: { kind: 'create', state: 'succeeded', hosts: { succeeded: 2 } },
    compose: /busybox/,
    limits: { cpu: null, memory_mb: null },
    members: [
      {
        host_name: 'a',
        service_id: made.body.id,
        status: 'running',
        health: 'healthy',
        up_to_date: true,
        job_id: /^job_/,
      },
      { host_name: 'b', status: 'running', up_to_date: true },
    ],
  });
  t.match((await http.get('/api/service-sets?search=we&sort=name', key)).body, { total: 1, data: [{ id: it.id }] });
  t.match((await http.get('/api/services', key)).body, { total: 2, data: [{ set_id: it.id }, { set_id: it.id }] });
});

t.test('a service on one host is of no set', async (t) => {
  const { made } = await start(t, ['a'], { labels: EU, replicas: 'one' });
  t.match(made, { status: 201, body: { set_id: null } });
});

t.test('what does not go together is a 422 that names it', async (t) => {
  const { http, key, it } = await start(t, ['a']);
  const refused = async (more: object) =>
    http.error('POST', '/api/services', { key, body: composeBody('other', more) });
  const fields = (name: string) => ({ status: 422, code: 'validation_error', fields: { [name]: /./ } });
  t.match(await refused({ placement: PER_HOST, host_id: it.hosts['a']?.id }), fields('host_id'));
  t.match(await refused({ placement: { labels: EU, max_parallel: 2 } }), fields('placement.max_parallel'));
  for (const wrong of [0, 101, 1.5]) {
    t.match(await refused({ placement: { ...PER_HOST, max_parallel: wrong } }), fields('placement.max_parallel'));
  }
  const git = { deploy_method: 'git', git_url: 'https://example.com/a.git', compose: undefined };
  t.match(await refused({ ...git, git_watch_paths: ['web/**'], placement: PER_HOST }), fields('git_watch_paths'));
  const ai = { deploy_method: 'ai', ai_url: 'https://example.com/a.git', compose: undefined };
  t.match(await refused({ ...ai, review: true, placement: PER_HOST }), fields('review'));
  const window = { start: '02:00', duration_minutes: 60, time_zone: 'UTC' };
  t.match(await refused({ auto_update: { window }, placement: PER_HOST }), fields('auto_update'));
  t.match(await refused({ placement: { ...PER_HOST, replicas: 'some' } }), fields('placement.replicas'));
});

t.test('a change says which rollout carries it; the rollout shows its waves', async (t) => {
  const { it, http, key, path } = await start(t, ['a', 'b', 'c']);
  await it.finishAll();
  const changed = await http.call<SetBody>('PATCH', path, { key, body: { variables: { A: '1' } } });
  t.match(changed, { status: 200, body: { revision: 2, state: 'rolling_out', rollout_id: it.rolloutId } });
  await it.finish('a');
  await it.running('b');
  const rollout = `${path}/rollouts/${changed.body.rollout_id}`;
  t.match((await http.get(rollout, key)).body, {
    kind: 'change',
    state: 'running',
    set_revision: 2,
    halted_by: null,
    made_by: 'admin',
    waves: [
      { wave: 1, hosts: [{ host_name: 'a', state: 'succeeded', job_id: /^job_/ }] },
      { wave: 2, hosts: [{ host_name: 'b', state: 'running' }] },
    ],
    waiting: [{ host_name: 'c', state: 'pending', job_id: null }],
  });
  await it.fail('b', 'web exited (1)');
  const halted = { host_id: it.hosts['b']?.id, job_id: /^job_/, reason: 'web exited (1)' };
  t.match((await http.get(path, key)).body, { state: 'halted', rollout: { state: 'halted', halted_by: halted } });
  t.match((await http.call('POST', `${rollout}/resume`, { key })).body, { state: 'running', halted_by: null });
  t.match(await http.error('POST', `${rollout}/resume`, { key }), { status: 409, code: 'state_conflict' });
  t.match((await http.call('POST', `${rollout}/cancel`, { key, body: {} })).body, { state: 'cancelled' });
  t.match((await http.get(`${path}/rollouts`, key)).body, { total: 2, data: [{ kind: 'change' }, { kind: 'create' }] });
  t.match((await http.get(`${path}/rollouts?state=succeeded&order=asc`, key)).body, { total: 1 });
  t.match(await http.error('GET', `${path}/rollouts/rol_none`, { key }), { status: 404 });
  t.match(await http.error('GET', `/api/service-sets/set_none`, { key }), { status: 404, code: 'not_found' });
});

t.test('the same Idempotency-Key makes one set, one rollout, one removal', async (t) => {
  const { world, http, key, it } = await start(t, ['a']);
  const again = (method: string, path: string, body: object) =>
    http.call<SetBody>(method, path, {
      key,
      body,
      headers: { 'idempotency-key': `${method} ${path}`.replaceAll(' ', '-') },
    });
  const other = composeBody('other', { placement: PER_HOST });
  const [one, two] = [await again('POST', '/api/services', other), await again('POST', '/api/services', other)];
  t.strictSame(one.body, two.body);
  t.equal(world.stores.sets.all().length, 2);
  await it.finishAll();
  const path = `/api/service-sets/${it.id}/redeploy`;
  const rollouts = [await again('POST', path, { pull: 'never' }), await again('POST', path, { pull: 'never' })];
  t.equal(rollouts[0]?.body.rollout_id, rollouts[1]?.body.rollout_id);
  t.equal(world.app.sets.rollouts(ADMIN, it.id, { page: 1, perPage: 20 }).total, 2);
  const { items } = world.app.audit.list(ADMIN, { page: 1, perPage: 2, order: 'desc' });
  t.match(items[0], { action: 'service_sets.redeploy', targetId: it.id, result: 'replayed' });
  t.match(items[1], { action: 'service_sets.redeploy', targetId: it.id, result: 'ok', jobId: /^job_/ });
});

t.test('a removal is followed by its rollout until the set is gone', async (t) => {
  const { it, http, key, path } = await start(t, ['a']);
  await it.finishAll();
  const removing = await http.call<SetBody>('DELETE', `${path}?wait=0`, { key });
  t.match(removing, { status: 202, body: { id: it.id, rollout_id: it.rolloutId } });
  t.match((await http.get(path, key)).body, { state: 'removing' });
  await it.hosts['a']?.finish(it.target('a')?.jobId ?? '', {}, null);
  await it.settle();
  t.match(await http.error('GET', path, { key }), { status: 404 });
});

t.test('a removal that is waited for is a 204', async (t) => {
  const { it, http, key, path } = await start(t, ['a']);
  await it.finishAll();
  const removing = http.call('DELETE', path, { key });
  await it.running('a');
  await it.hosts['a']?.finish(it.target('a')?.jobId ?? '', {}, null);
  t.match(await removing, { status: 204 });
});

t.test('a push to the hook of a member redeploys the whole set, in waves', async (t) => {
  const { world, http, key } = await startRealHttp(t);
  const it = new SetWorld(world);
  for (const name of ['a', 'b']) await it.join(name);
  const git = { url: 'https://example.com/repo.git', branch: 'main' };
  const { service } = await it.create({}, { source: { method: 'git', git } });
  await it.finishAll();
  const path = `/api/services/${service.id}/hooks`;
  const narrow = await world.app.keys.create(ADMIN, {
    name: 'a',
    permissions: ['*'],
    hostLabels: { ...EU, disk: 'ssd' },
  });
  t.match(await http.error('POST', path, { key: narrow.secret }), { status: 404 });
  const { body } = await http.call<{ secret: string }>('POST', path, { key });
  const authorization = `Bearer ${body.secret}`;
  const pushed = await fetch(`${http.url}${path}/git`, { method: 'POST', headers: { authorization } });
  t.match(await pushed.json(), { result: 'deploying', deploy_job_id: it.target('a')?.jobId });
  t.match(it.rollout, { kind: 'redeploy', madeBy: 'git push', counts: { running: 1, pending: 1 } });
  await it.finishAll();
  t.match(it.hosts['b']?.offers().at(-1), { kind: 'redeploy', pull: 'always' });
});

t.test('A18: a key that may only read changes nothing', async (t) => {
  const { it, world, http, path } = await start(t, ['a']);
  const { secret: key } = await world.app.keys.create(ADMIN, { name: 'reader', permissions: ['services.read'] });
  t.match(await http.get(path, key), { status: 200 });
  const needs = (permission: string) => ({ status: 403, code: 'forbidden', details: `Needs ${permission}` });
  t.match(await http.error('PATCH', path, { key, body: {} }), needs('services.update'));
  t.match(await http.error('DELETE', path, { key }), needs('services.delete'));
  t.match(await http.error('POST', `${path}/rollouts/${it.rolloutId}/cancel`, { key }), needs('services.update'));
});

t.test('secrets of a set are shown to those who may see them', async (t) => {
  const { it, world, http, key, path } = await start(t, ['a']);
  await it.finishAll();
  await http.call('PATCH', path, { key, body: { variables: { DB_PASSWORD: 'correct-horse' } } });
  const { secret: reader } = await world.app.keys.create(ADMIN, { name: 'reader', permissions: ['services.read'] });
  t.match((await http.get(path, key)).body, { variables: { DB_PASSWORD: 'correct-horse' } });
  t.match((await http.get(path, reader)).body, { variables: { DB_PASSWORD: '***' } });
});
