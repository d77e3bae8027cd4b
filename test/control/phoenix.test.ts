// PhoenixPanel's Services API over the real app layer and hosts that are played: each path, each refusal.
import t, { type Test } from 'tap';
import type { Permission } from '../../control/app/access/permissions.ts';
import { ADMIN, ControlWorld } from '../support/control-world.ts';
import { eventually } from '../support/eventually.ts';
import type { FakeHost } from '../support/fake-host.ts';
import { startRealHttp } from '../support/real-http.ts';

const BASE = '/api/v1/services';

interface View {
  id: string;
  name: string;
  status: string;
  type: string;
  enabled?: boolean;
  task?: { type: string; data: object };
}
interface Listed {
  data: View[];
  meta: { pagination: Record<string, unknown> & { links: { next?: string; previous?: string } } };
}
type One = { data: View };

/** As its document has it. */
const WEEKLY = {
  name: 'Weekly Server Restart',
  description: 'Restart all game servers weekly for maintenance',
  schedule: '0 4 * * 0',
  enabled: true,
  task: { type: 'server_command', data: { servers: ['all'], command: 'restart', delay_between: 60 } },
};

/** A host with the servers `lobby` and `arena`. */
async function scene(t: Test) {
  const world = new ControlWorld(t);
  const real = await startRealHttp(t, { world, deps: { clock: world.clock } });
  const { http, key } = real;
  const host = await world.joinAndConnect();
  const [lobby, arena] = [await world.deployed(host, 'lobby'), await world.deployed(host, 'arena')];
  const call = <T = One>(method: string, path: string, options: { body?: unknown; key?: string } = {}) =>
    http.call<T>(method, BASE + path, { key, ...options });
  const keyWith = async (permissions: Permission[], bound: object = {}) =>
    (await world.app.keys.create(ADMIN, { name: 'script', permissions, ...bound })).secret;
  const create = async (body: object = WEEKLY) => {
    world.clock.advance(1); // tasks are listed by age
    return (await call('POST', '/scheduled', { body })).body.data.id;
  };
  return { ...real, host, lobby, arena, call, keyWith, create };
}

const toldLast = (host: FakeHost) =>
  host.received.flatMap(({ body }) => (body.kind === 'schedule.put' ? [body.schedule] : [])).at(-1);

t.test('a task is made, listed, changed and deleted, and so is the schedule of its host', async (t) => {
  const { world, host, call } = await scene(t);
  const made = await call('POST', '/scheduled', { body: WEEKLY });
  t.equal(made.status, 201);
  const { id } = made.body.data;
  t.strictSame(made.body.data, {
    id,
    name: 'Weekly Server Restart',
    description: 'Restart all game servers weekly for maintenance',
    status: 'scheduled',
    type: 'scheduled',
    schedule: '0 4 * * 0',
    next_run: (made.body.data as unknown as { next_run: string }).next_run,
    created_at: (made.body.data as unknown as { created_at: string }).created_at,
    updated_at: (made.body.data as unknown as { created_at: string }).created_at,
  });
  await eventually(() => toldLast(host), {
    until: (it) => it?.kind === 'restart' && it.delayBetweenS === 60 && 'isAll' in it.targets,
  });
  t.match((await call<Listed>('GET', '/scheduled')).body.data, [{ id }]);
  t.match((await call('GET', `/${id}`)).body.data, { id, enabled: true, task: WEEKLY.task });

  t.match(await call('PUT', `/${id}`, { body: { enabled: false } }), {
    status: 200,
    body: { data: { id, status: 'disabled', enabled: false, name: WEEKLY.name } },
  });
  t.equal(world.app.schedules.require(ADMIN, id).isEnabled, false, 'our own API knows');
  const read = (await call('GET', `/${id}`)).body.data;
  t.notOk('next_run' in read, 'a task that is disabled has no next run');
  const changed = { ...read, name: 'Nightly', enabled: true, task: { type: 'backups' } };
  t.match((await call('PUT', `/${id}`, { body: changed })).body.data, {
    name: 'Nightly',
    status: 'scheduled',
    task: { type: 'backup', data: { servers: ['all'], delay_between: 0 } },
  });
  await eventually(() => toldLast(host), { until: (it) => it?.kind === 'backup' && it.isEnabled });

  t.match(await call('DELETE', `/${id}`), { status: 200, body: { data: { id, name: 'Nightly' } } });
  t.match(await call('GET', `/${id}`), {
    status: 404,
    body: { errors: [{ code: 'service_not_found', detail: /./, status: '404' }] },
  });
  t.strictSame((await call<Listed>('GET', '/scheduled')).body.data, []);
});

t.test('servers are named by their names, several or one, and a command may be a program', async (t) => {
  const { world, host, lobby, arena, call, create } = await scene(t);
  const data = { servers: ['lobby', 'arena'], command: 'say "Good night"', timeout: 5 };
  const id = await create({ ...WEEKLY, task: { type: 'server_command', data } });
  t.match(world.app.schedules.require(ADMIN, id), {
    kind: 'exec',
    targets: { serviceIds: [lobby, arena] },
    exec: { command: ['say', 'Good night'], timeoutS: 5 },
  });
  t.match((await call('GET', `/${id}`)).body.data.task, {
    data: { servers: ['lobby', 'arena'], command: "say 'Good night'", timeout: 5 },
  });
  await call('PUT', `/${id}`, {
    body: { task: { type: 'server_command', data: { servers: lobby, command: 'stop' } } },
  });
  t.match(world.app.schedules.require(ADMIN, id), { kind: 'stop', targets: { serviceId: lobby }, exec: undefined });
  await eventually(() => toldLast(host), { until: (it) => it?.kind === 'stop' });

  const two = await world.joinAndConnect({}, 'two');
  const other = await world.deployed(two, 'lobby');
  const named = (servers: string[]) =>
    call('PUT', `/${id}`, { body: { task: { type: 'updates', data: { servers } } } });
  t.match(await named(['lobby']), { status: 409, body: { errors: [{ code: 'service_conflict' }] } });
  t.match(await named(['nobody']), { status: 404, body: { errors: [{ code: 'service_not_found' }] } });
  t.match((await named(['two/lobby'])).body.data.task, { type: 'update', data: { servers: ['two/lobby'] } });
  t.match(world.app.schedules.require(ADMIN, id).targets, { serviceId: other });
});

t.test('every type of task is a schedule of its kind', async (t) => {
  const { world, create } = await scene(t);
  const kindOf = async (task: object) => world.app.schedules.require(ADMIN, await create({ ...WEEKLY, task })).kind;
  for (const [type, kind] of [
    ['backup', 'backup'],
    ['Updates', 'update'],
    ['statistics collection', 'statistics'],
    ['cleanup-operations', 'cleanup'],
  ] as const)
    t.equal(await kindOf({ type }), kind, type);
  for (const command of ['restart', 'start', 'stop', 'redeploy', 'backup', 'update'])
    t.equal(await kindOf({ type: 'server_command', data: { servers: ['all'], command } }), command);
});

t.test('what is wrong with a task is said field by field', async (t) => {
  const { call } = await scene(t);
  const errors = async (body: unknown) => {
    const answer = await call<{ errors: { code: string; detail: string; status: string }[] }>('POST', '/scheduled', {
      body,
    });
    t.equal(answer.status, 422);
    return answer.body.errors;
  };
  for (const schedule of ['', 'soon', '* * * * * *', '99 4 * * 0', '@reboot', '0 0 30 2 *', '1 '.repeat(150)])
    t.match(await errors({ ...WEEKLY, schedule }), [
      { code: 'invalid_schedule', detail: /^schedule: /, status: '422' },
    ]);
  t.match(await errors({ ...WEEKLY, timezone: '../../etc' }), [{ code: 'invalid_schedule', detail: /^timezone: / }]);
  t.strictSame((await errors({ schedule: 5 })).map(({ detail }) => detail.replace(/:.*/, '')).toSorted(), [
    'name',
    'schedule',
    'task',
  ]);
  const task = (type: string, data?: object) => errors({ ...WEEKLY, task: { type, data } });
  t.match(await task('format_disk'), [{ code: 'validation_error', detail: /^task.type: is none of/ }]);
  t.match(await task('toString'), [{ detail: /^task.type/ }]);
  t.match(await task('server_command'), [{ detail: /^task.data.command: is needed/ }]);
  t.match(await task('server_command', { command: '  ' }), [{ detail: /^task.data.command: is needed/ }]);
  t.match(await task('server_command', { command: "say 'hi" }), [{ detail: /open quote/ }]);
  t.match(await task('backup', { servers: [] }), [{ detail: /^task.data.servers/ }]);
  t.match(await task('server_command', { command: 'stop', server: ['lobby'] }), [{ detail: /^task.data.servers/ }]);
  t.match(await call('POST', '/scheduled', { body: '{' }), { status: 400, body: { errors: [{ status: '400' }] } });
});

t.test('the list has the system first, then tasks, in pages that links lead through', async (t) => {
  const { host, call, create } = await scene(t);
  const ids = [await create(), await create(), await create()];
  const all = ['sys_control_plane', 'sys_job_processor', 'sys_scheduler', 'sys_database', host.id, ...ids];
  const found: string[] = [];
  let next: string | undefined = '?per_page=3';
  let last: Listed | undefined;
  while (next !== undefined) {
    last = (await call<Listed>('GET', next)).body;
    found.push(...last.data.map(({ id }) => id));
    next = last.meta.pagination.links.next?.slice(BASE.length);
  }
  t.strictSame(found, all);
  t.strictSame(last?.meta.pagination, {
    total: 8,
    count: 2,
    per_page: 3,
    current_page: 3,
    total_pages: 3,
    links: { previous: `${BASE}?page=2&per_page=3` },
  });
  const filtered = (await call<Listed>('GET', '?type=system&per_page=2')).body;
  t.match(filtered.meta.pagination, { total: 5, links: { next: `${BASE}?page=2&per_page=2&type=system` } });
  t.match((await call<Listed>('GET', '?type=scheduled')).body, { meta: { pagination: { total: 3, per_page: 20 } } });
  t.match((await call<Listed>('GET', '/scheduled?per_page=1000')).body.meta.pagination, { per_page: 100, total: 3 });
  t.match(await call('GET', '?type=strange'), { status: 400, body: { errors: [{ code: 'invalid_query' }] } });
});

t.test('the system cannot be deleted, disabled or changed', async (t) => {
  const { host, call } = await scene(t);
  for (const id of ['sys_control_plane', 'sys_job_processor', 'sys_scheduler', 'sys_database', host.id]) {
    const conflict = { status: 409, body: { errors: [{ code: 'service_conflict', status: '409' }] } };
    t.match(await call('DELETE', `/${id}`), conflict);
    for (const body of [{ enabled: false }, { name: 'Mine' }, { schedule: '@daily' }, { task: { type: 'backup' } }])
      t.match(await call('PUT', `/${id}`, { body }), conflict);
    const { body: read } = await call('GET', `/${id}`);
    t.match(read.data, { id, status: 'running', type: 'system' });
    t.match(await call('PUT', `/${id}`, { body: { ...read.data, enabled: true } }), { status: 200, body: read });
  }
  host.disconnect();
  await eventually(async () => (await call('GET', `/${host.id}`)).body.data.status === 'offline');
});

t.test('health shows figures that were taken now', async (t) => {
  const { world, host, call, create } = await scene(t);
  const id = await create();
  const health = async (of: string) => (await call<{ data: object }>('GET', `/${of}/health`)).body.data;
  world.clock.advance(5000);
  for (const part of ['control_plane', 'job_processor', 'scheduler', 'database'])
    t.match(await health(`sys_${part}`), {
      status: 'running',
      reason: null,
      uptime_seconds: 5,
      resource_usage: { cpu_percent: Number, memory_bytes: Number },
      recent_errors: [],
    });
  t.match(await health('sys_database'), { resource_usage: { disk_bytes: Number }, performance: { write_ms: Number } });
  t.match(await health('sys_scheduler'), { performance: { tasks: 1, tasks_enabled: 1 } });
  t.match(await health(host.id), { status: 'running', resource_usage: { cpu_percent: null }, recent_errors: [] });

  const run = {
    id: 'run_1',
    scheduleId: id,
    trigger: 'schedule' as const,
    state: 'failed' as const,
    reason: null,
    missed: 0,
    dueAt: 1000,
    startedAt: 1000,
    finishedAt: 3000,
    targets: [
      {
        serviceId: 'svc_1',
        serviceName: 'lobby',
        state: 'failed' as const,
        reason: 'it is gone',
        jobId: null,
        output: null,
      },
    ],
  };
  await host.tell({ kind: 'schedule.run', run });
  const complaint = {
    level: 'error',
    message: `Task ${id} on ${host.id} failed: lobby: it is gone`,
    occurred_at: '1970-01-01T00:00:03Z',
  };
  t.match(await health(id), {
    status: 'scheduled',
    uptime_seconds: null,
    recent_errors: [complaint],
    performance: { runs: 1, runs_failed: 1, last_duration_seconds: 2, average_duration_seconds: 2 },
  });
  t.match(await health('sys_scheduler'), { recent_errors: [complaint] });
  t.match((await call('GET', `/${id}`)).body.data, { last_run: '1970-01-01T00:00:01Z' });
  t.match(await call('GET', '/sys_nothing/health'), { status: 404, body: { errors: [{ code: 'service_not_found' }] } });
});

t.test('its four permissions are all that a key needs, but for programs in containers', async (t) => {
  const { call, keyWith, create } = await scene(t);
  const key = await keyWith(['services.create', 'services.update']);
  for (const task of [...['backup', 'update', 'statistics', 'cleanup'].map((type) => ({ type })), WEEKLY.task]) {
    const made = await call('POST', '/scheduled', { key, body: { ...WEEKLY, task } });
    t.equal(made.status, 201, task.type);
    t.equal((await call('PUT', `/${made.body.data.id}`, { key, body: { enabled: false } })).status, 200, task.type);
  }
  const program = {
    ...WEEKLY,
    task: { type: 'server_command', data: { servers: ['all'], command: 'cat /etc/passwd' } },
  };
  const denied = {
    status: 403,
    body: { errors: [{ code: 'permission_denied', detail: /services.exec/, status: '403' }] },
  };
  t.match(await call('POST', '/scheduled', { key, body: program }), denied);
  const id = await create(program);
  t.match(await call('PUT', `/${id}`, { key, body: { schedule: '@hourly' } }), denied);
  t.match(await call('PUT', `/${await create()}`, { key, body: { task: program.task } }), denied);

  const read = async (...permissions: Permission[]) =>
    (await call('GET', `/${id}`, { key: await keyWith(permissions) })).body.data.task?.data;
  t.notOk('command' in ((await read('services.read')) ?? {}), 'its line may hold a secret');
  for (const permission of ['services.exec', 'schedules.read'] as const)
    t.match(await read('services.read', permission), { command: 'cat /etc/passwd' });
});

t.test('a key that is bound sees and reaches no more than elsewhere', async (t) => {
  const { world, host, lobby, call, keyWith, create } = await scene(t);
  const id = await create();
  const customerId = await world.customer('acme');
  const theirs = await world.deployed(host, 'theirs', { customerId });
  const key = await keyWith(['services.*'], { customerId });
  t.strictSame((await call<Listed>('GET', '', { key })).body.data, []);
  for (const foreign of [id, host.id, 'sys_control_plane']) {
    const missing = { status: 404, body: { errors: [{ code: 'service_not_found' }] } };
    t.match(await call('GET', `/${foreign}`, { key }), missing);
    t.match(await call('GET', `/${foreign}/health`, { key }), missing);
    t.match(await call('PUT', `/${foreign}`, { key, body: { enabled: false } }), missing);
    t.match(await call('DELETE', `/${foreign}`, { key }), missing);
  }
  const post = (task: object) => call('POST', '/scheduled', { key, body: { ...WEEKLY, task } });
  for (const servers of [['lobby'], [lobby], ['theirs', 'lobby']])
    t.equal((await post({ type: 'backup', data: { servers } })).status, 404, servers.join());
  for (const type of ['cleanup', 'statistics']) t.equal((await post({ type })).status, 403, type);
  const made = await post({ type: 'backup' });
  t.match(world.app.schedules.require(ADMIN, made.body.data.id), { customerId });
  t.match((await call<Listed>('GET', '', { key })).body.data, [{ id: made.body.data.id }]);

  await call('PUT', `/${id}`, { body: { task: { type: 'backup', data: { servers: [theirs, lobby] } } } });
  t.equal((await call('GET', `/${id}`, { key })).status, 404, 'one that is for others as well is not theirs');
  const ofMoon = await keyWith(['services.*'], { hostLabels: { zone: 'moon' } });
  t.strictSame((await call<Listed>('GET', '', { key: ofMoon })).body.data, []);
});

t.test('a write with an Idempotency-Key has its effect once, and is in the audit log under our own name', async (t) => {
  const { world, http, key, call } = await scene(t);
  const once = () =>
    http.call<One>('POST', `${BASE}/scheduled`, { key, body: WEEKLY, headers: { 'idempotency-key': 'a' } });
  const { id } = (await once()).body.data;
  t.equal((await once()).body.data.id, id);
  t.equal((await call<Listed>('GET', '/scheduled')).body.data.length, 1);
  await call('DELETE', `/${id}`);
  const rows = (action: string) => world.app.audit.list(ADMIN, { page: 1, perPage: 5, order: 'asc', action }).items;
  t.match(rows('schedules.create'), [
    { targetId: id, path: `${BASE}/scheduled`, result: 'ok' },
    { result: 'replayed' },
  ]);
  t.match(rows('schedules.delete'), [{ targetId: id, path: `${BASE}/:id`, result: 'ok' }]);
});
