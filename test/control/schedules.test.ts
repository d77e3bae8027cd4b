// Schedules at the control plane: what each host is sent, what hosts tell, who may what. The hosts are fakes.
import t, { type Test } from 'tap';
import type { ScheduleRun } from '#shared/schedule/schedule.ts';
import type { Caller } from '../../control/app/api/caller.ts';
import type { NewSchedule } from '../../control/app/api/schedules.ts';
import { MAX_SCHEDULES } from '../../control/app/schedules/desk.ts';
import { ADMIN, ControlWorld } from '../support/control-world.ts';
import { eventually } from '../support/eventually.ts';
import { faultCode } from '../support/fault-code.ts';
import type { FakeHost } from '../support/fake-host.ts';

const scheduleOf = (over: Partial<NewSchedule> = {}): NewSchedule => ({
  name: 'nightly',
  kind: 'restart',
  cron: '30 3 * * *',
  timeZone: 'Europe/Berlin',
  targets: { isAll: true },
  delayBetweenS: 0,
  catchUp: 'none',
  jitterS: 0,
  isEnabled: true,
  ...over,
});

const callerWith = (over: Partial<Caller>): Caller => ({ ...ADMIN, kind: 'key', keyId: 'key_1', name: 'ci', ...over });

/** What a host was told of schedules, in order. */
const told = (host: FakeHost): string[] =>
  host.received.flatMap(({ body }) => {
    if (body.kind === 'schedule.put') return [`put ${body.schedule.name}`];
    return body.kind === 'schedule.remove' || body.kind === 'schedule.run' ? [body.kind.slice(9)] : [];
  });

const isTold = (host: FakeHost, ...expected: string[]) =>
  eventually(() => told(host).join(), { until: (it) => it === expected.join() });

const runOf = (scheduleId: string, over: Partial<ScheduleRun> = {}): ScheduleRun => ({
  id: 'run_1',
  scheduleId,
  trigger: 'schedule',
  state: 'running',
  reason: null,
  missed: 0,
  dueAt: 1,
  startedAt: 1,
  finishedAt: null,
  targets: [],
  ...over,
});

const open = (t: Test) => new ControlWorld(t);

t.test('a schedule goes to every host it is meant for, also to one that joins or comes back later', async (t) => {
  const world = open(t);
  const { schedules } = world.app;
  const one = await world.joinAndConnect({ zone: 'a' });
  const serviceId = await world.deployed(one, 'web');
  const all = await schedules.create(ADMIN, scheduleOf());
  await schedules.create(ADMIN, scheduleOf({ name: 'of web', targets: { serviceId } }));
  await isTold(one, 'put nightly', 'put of web');
  const two = await world.joinAndConnect({ zone: 'b' }, 'two');
  await isTold(two, 'put nightly');
  two.disconnect();
  await schedules.change(ADMIN, all.id, { isEnabled: false });
  await schedules.remove(ADMIN, all.id);
  await isTold(one, 'put nightly', 'put of web', 'put nightly', 'remove');
  await two.connect(world);
  await isTold(two, 'put nightly', 'put nightly', 'remove');
});

t.test('F27: a host that was rolled back is sent its schedules anew', async (t) => {
  const world = open(t);
  const host = await world.joinAndConnect();
  const before = structuredClone(host.memory);
  await world.app.schedules.create(ADMIN, scheduleOf());
  await isTold(host, 'put nightly');
  host.disconnect();
  host.memory = before;
  await host.connect(world);
  await isTold(host, 'put nightly', 'put nightly');
});

t.test(
  'F27: a host that was put back to where it had a schedule that is deleted since is told so at its next run',
  async (t) => {
    const world = open(t);
    const host = await world.joinAndConnect();
    await host.tell({ kind: 'schedule.run', run: runOf('sch_deleted') });
    await host.tell({ kind: 'schedule.run', run: runOf('sch_deleted', { state: 'succeeded', finishedAt: 2 }) });
    world.dispatcher.nudge(host.id);
    await isTold(host, 'remove');
  },
);

t.test('a job that a host gave itself gets its row, its steps, its end and its line in the timeline', async (t) => {
  const world = open(t);
  const host = await world.joinAndConnect();
  const serviceId = await world.deployed(host, 'web');
  const { id } = await world.app.schedules.create(ADMIN, scheduleOf());
  const job = { jobId: 'job_local', serviceId, kind: 'restart', cause: 'by schedule nightly', at: 1 } as const;
  const target = { serviceId, serviceName: 'web', reason: null, jobId: 'job_local', output: null };
  const result = { jobId: 'job_local', serviceId, state: 'succeeded', startedAt: 1, finishedAt: 2 } as const;
  await host.tell(
    { kind: 'job.local', job },
    { kind: 'schedule.run', run: runOf(id, { targets: [{ ...target, state: 'running' }] }) },
    { kind: 'job.finished', result, report: null },
    {
      kind: 'schedule.run',
      run: runOf(id, { state: 'succeeded', finishedAt: 2, targets: [{ ...target, state: 'succeeded' }] }),
    },
  );
  t.match(world.stores.jobs.find('job_local'), { state: 'succeeded', kind: 'restart', cause: 'by schedule nightly' });
  t.match(world.app.schedules.requireRun(ADMIN, id, 'run_1'), { hostId: host.id, state: 'succeeded' });
  t.match(world.app.schedules.require(ADMIN, id).lastRun, { state: 'succeeded' });
  const events = world.stores.events.list({ serviceId, page: 1, perPage: 20 }).items;
  t.ok(events.some(({ message }) => message === 'Restarted: by schedule nightly'));
});

t.test('A35: a host tells of its own services and runs only', async (t) => {
  const world = open(t);
  const [one, two] = [await world.joinAndConnect(), await world.joinAndConnect({}, 'two')];
  const serviceId = await world.deployed(one, 'web');
  const { id } = await world.app.schedules.create(ADMIN, scheduleOf());
  await one.tell({ kind: 'schedule.run', run: runOf(id) });
  await two.tell(
    { kind: 'job.local', job: { jobId: 'job_x', serviceId, kind: 'stop', cause: 'me', at: 1 } },
    { kind: 'schedule.run', run: runOf(id, { state: 'failed', finishedAt: 2 }) },
    { kind: 'schedule.run', run: runOf('sch_gone') },
  );
  t.equal(world.stores.jobs.find('job_x'), undefined);
  t.equal(world.stores.schedules.findRun('run_1')?.state, 'running');
  const violations = world.stores.events.list({ hostId: two.id, type: 'host', page: 1, perPage: 20 }).items;
  t.equal(violations.filter(({ status }) => status === 'protocol_violation').length, 2);
});

t.test('run now: a run for each connected host, host_offline when there is none', async (t) => {
  const world = open(t);
  const host = await world.joinAndConnect();
  await world.join({}, 'away');
  const { id } = await world.app.schedules.create(ADMIN, scheduleOf({ isEnabled: false }));
  const runs = await world.app.schedules.run(ADMIN, id);
  t.strictSame(
    runs.map(({ hostId, state }) => ({ hostId, state })),
    [{ hostId: host.id, state: 'pending' }],
  );
  await isTold(host, 'put nightly', 'run');
  host.disconnect();
  t.equal(await faultCode(world.app.schedules.run(ADMIN, id)), 'host_offline');
});

t.test('A66: lines, zones and commands that make no schedule are invalid_schedule', async (t) => {
  const world = open(t);
  const { schedules } = world.app;
  const exec = { command: ['true'], composeService: null, timeoutS: 5 };
  const bad: Partial<NewSchedule>[] = [
    { cron: '* * * * * *' },
    { cron: '@reboot' },
    { cron: '0 0 30 2 *' },
    { timeZone: '../../etc' },
    { timeZone: 'Mars/Olympus' },
    { kind: 'exec' },
    { exec },
  ];
  for (const over of bad) {
    t.equal(await faultCode(schedules.create(ADMIN, scheduleOf(over))), 'invalid_schedule', JSON.stringify(over));
  }
  const made = await schedules.create(ADMIN, scheduleOf({ kind: 'exec', exec }));
  t.match(schedules.require(ADMIN, made.id), { exec, nextRun: Date.parse('2026-11-01T02:30:00Z') });
});

t.test('a schedule does no more than whoever makes it may do, and is seen by whom it is for', async (t) => {
  const world = open(t);
  const { schedules } = world.app;
  const host = await world.joinAndConnect();
  const customerId = await world.customer('acme');
  const theirs = await world.deployed(host, 'theirs', { customerId });
  const ours = await world.deployed(host, 'ours');
  const tenant = callerWith({ customerId, permissions: ['schedules.*', 'services.update'] });
  const create = (caller: Caller, over: Partial<NewSchedule>) => faultCode(schedules.create(caller, scheduleOf(over)));
  t.equal(await create(tenant, { targets: { serviceId: ours } }), 'not_found');
  t.equal(await create(tenant, { kind: 'backup' }), 'forbidden');
  t.equal(await create(callerWith({ customerId }), { kind: 'cleanup' }), 'forbidden');
  const operators = await schedules.create(ADMIN, scheduleOf());
  const own = await schedules.create(tenant, scheduleOf({ name: 'own' }));
  const forTheirs = await schedules.create(ADMIN, scheduleOf({ name: 'for theirs', targets: { serviceId: theirs } }));
  const { items } = schedules.list(tenant, { page: 1, perPage: 20, sort: 'name', order: 'asc' });
  t.strictSame(
    items.map(({ id }) => id),
    [forTheirs.id, own.id],
  );
  t.throws(() => schedules.require(tenant, operators.id), { code: 'not_found' });
  await isTold(host, 'put nightly', 'put own', 'put for theirs');
  const sent = host.received.flatMap(({ body }) => (body.kind === 'schedule.put' ? [body.schedule] : []));
  t.match(
    sent.find(({ id }) => id === own.id),
    { customerId },
    'its host leaves the services of others alone',
  );
});

t.test('a suspended customer is not started by a schedule; what is removed takes its schedules along', async (t) => {
  const world = open(t);
  const host = await world.joinAndConnect();
  const customerId = await world.customer('acme');
  const serviceId = await world.deployed(host, 'web', { customerId });
  const { id } = await world.app.schedules.create(ADMIN, scheduleOf({ kind: 'start', targets: { serviceId } }));
  await world.app.customers.suspend(ADMIN, customerId);
  await isTold(host, 'put nightly', 'put nightly');
  const last = host.received.flatMap(({ body }) => (body.kind === 'schedule.put' ? [body.schedule] : [])).at(-1);
  t.strictSame(last?.heldCustomers, [customerId]);
  const removing = world.app.services.remove(ADMIN, serviceId, 0);
  const { job } = await removing;
  await host.finish(job.id, {}, null);
  t.equal(world.stores.schedules.find(id), undefined);
});

t.test('a backup that a host took by itself is a backup like any other', async (t) => {
  const world = open(t);
  const host = await world.joinAndConnect();
  const serviceId = await world.deployed(host, 'web');
  const ids = { jobId: 'job_local', serviceId } as const;
  const backup = { snapshotId: 'abc', files: 1, totalBytes: 2, addedBytes: 3 };
  await host.tell(
    { kind: 'job.local', job: { ...ids, kind: 'backup', backupId: 'bkp_local', cause: 'by schedule nightly', at: 1 } },
    { kind: 'job.finished', result: { ...ids, state: 'succeeded', backup, startedAt: 1, finishedAt: 2 }, report: null },
  );
  t.match(world.app.backups.require(ADMIN, 'bkp_local'), { state: 'succeeded', summary: backup });
});

t.test('an agent that cannot read a schedule keeps no former one, and is sent it again at its next link', async (t) => {
  const world = open(t);
  const host = await world.joinAndConnect();
  const serviceId = await world.deployed(host, 'web');
  const { id } = await world.app.schedules.create(ADMIN, scheduleOf());
  await isTold(host, 'put nightly');
  host.knowsSchedules = false;
  const { revision } = await world.app.schedules.change(ADMIN, id, { targets: { serviceIds: [serviceId] } });
  await isTold(host, 'put nightly', 'put nightly', 'remove');
  t.match(host.received.at(-1)?.body, { kind: 'schedule.remove', scheduleId: id, revision });
  t.strictSame(world.stores.schedules.sentTo(id), []);
  host.disconnect();
  host.knowsSchedules = true;
  await host.connect(world);
  await isTold(host, 'put nightly', 'put nightly', 'remove', 'put nightly');
});

t.test('A66: there is room for a thousand schedules of one owner', async (t) => {
  const world = open(t);
  const first = await world.app.schedules.create(ADMIN, scheduleOf());
  const { nextRun: _n, lastRun: _l, ...known } = first;
  await world.stores.writer.write(() => {
    for (let i = 1; i < MAX_SCHEDULES; i++) world.stores.schedules.put({ ...known, id: `sch_${i}` });
  });
  t.equal(await faultCode(world.app.schedules.create(ADMIN, scheduleOf())), 'state_conflict');
});

t.test('a schedule that names services is on their hosts, and forgets each that is deleted', async (t) => {
  const world = open(t);
  const { schedules, services } = world.app;
  const [one, two, three] = [
    await world.joinAndConnect({}, 'one'),
    await world.joinAndConnect({}, 'two'),
    await world.joinAndConnect({}, 'three'),
  ];
  const [a, b] = [await world.deployed(one, 'a'), await world.deployed(two, 'b')];
  const { id } = await schedules.create(ADMIN, scheduleOf({ targets: { serviceIds: [a, b] } }));
  await isTold(one, 'put nightly');
  await isTold(two, 'put nightly');
  three.disconnect();
  await three.connect(world);
  t.equal(told(three).length, 0, 'none of them is here');

  const remove = async (host: FakeHost, serviceId: string) => {
    const removal = services.remove(ADMIN, serviceId, 60_000);
    const isRemoval = () => host.offers().find((job) => job.kind === 'remove' && job.serviceId === serviceId);
    await host.finish((await eventually(isRemoval))?.jobId ?? '', {}, null);
    await removal;
    for (const { id: hostId } of [one, two]) world.dispatcher.nudge(hostId); // in life reconcile does it
  };
  await remove(one, a);
  t.match(schedules.require(ADMIN, id), { targets: { serviceIds: [b] } });
  await isTold(one, 'put nightly', 'remove');
  await isTold(two, 'put nightly', 'put nightly');
  await remove(two, b);
  t.throws(() => schedules.require(ADMIN, id), { code: 'not_found' });
});

t.test('one that names services of one customer is that customer’s, of several the operator’s', async (t) => {
  const world = open(t);
  const { schedules } = world.app;
  const host = await world.joinAndConnect();
  const customerId = await world.customer('acme');
  const theirs = await world.deployed(host, 'theirs', { customerId });
  const ours = await world.deployed(host, 'ours');
  const owner = async (serviceIds: string[]) =>
    (await schedules.create(ADMIN, scheduleOf({ targets: { serviceIds } }))).customerId;
  t.equal(await owner([theirs]), customerId);
  t.equal(await owner([theirs, ours]), null);
  const refused = schedules.create(callerWith({ customerId }), scheduleOf({ targets: { serviceIds: [theirs, ours] } }));
  t.equal(await faultCode(refused), 'not_found');
});

t.test(
  'who changes a schedule makes it reach no further unseen, and no customer sees what is about a host',
  async (t) => {
    const world = open(t);
    const { schedules } = world.app;
    const host = await world.joinAndConnect({ zone: 'a' });
    const customerId = await world.customer('acme');
    const theirs = await world.deployed(host, 'theirs', { customerId });
    const tenant = callerWith({ customerId, permissions: ['schedules.*', 'services.update'] });
    const own = await schedules.create(tenant, scheduleOf());
    const changed = await schedules.change(ADMIN, own.id, { kind: 'stop', targets: { isAll: true } });
    t.equal(changed.customerId, customerId, 'all of theirs, not of everybody');
    const named = await schedules.create(tenant, scheduleOf({ targets: { serviceId: theirs } }));
    t.equal((await schedules.change(ADMIN, named.id, { targets: { isAll: true } })).customerId, null);

    const report = await schedules.create(ADMIN, scheduleOf({ kind: 'statistics', targets: { serviceId: theirs } }));
    t.equal(report.customerId, null);
    t.throws(() => schedules.require(tenant, report.id), { code: 'not_found' });
    t.equal((await schedules.change(ADMIN, own.id, { kind: 'cleanup' })).customerId, null);
  },
);

t.test('a schedule on several hosts is under way until all are done, and has failed where one did', async (t) => {
  const world = open(t);
  const { schedules } = world.app;
  const [one, two] = [await world.joinAndConnect({}, 'one'), await world.joinAndConnect({}, 'two')];
  const { id } = await schedules.create(ADMIN, scheduleOf());
  const tell = (host: FakeHost, run: Partial<ScheduleRun>) =>
    host.tell({ kind: 'schedule.run', run: runOf(id, { id: host === one ? 'run_1' : 'run_2', ...run }) });
  const last = () => schedules.require(ADMIN, id).lastRun?.state;
  await tell(one, {});
  await tell(two, { state: 'succeeded', finishedAt: 2 });
  t.equal(last(), 'running');
  await tell(one, { state: 'failed', finishedAt: 3 });
  t.equal(last(), 'failed');
});

t.test('a key changes and runs nothing on services that have left its reach', async (t) => {
  const world = open(t);
  const { schedules } = world.app;
  const [near, far] = [await world.joinAndConnect({ zone: 'a' }, 'near'), await world.joinAndConnect({}, 'far')];
  const [ours, theirs] = [await world.deployed(near, 'ours'), await world.deployed(far, 'theirs')];
  const bound = callerWith({ hostLabels: { zone: 'a' } });
  const exec = { command: ['true'], composeService: null, timeoutS: 300 };
  const { id } = await schedules.create(bound, scheduleOf({ kind: 'exec', exec, targets: { serviceIds: [ours] } }));
  await schedules.change(ADMIN, id, { targets: { serviceIds: [ours, theirs] } });
  const change = schedules.change(bound, id, { exec: { ...exec, command: ['env'] } });
  t.equal(await faultCode(change), 'not_found');
  t.equal(await faultCode(schedules.run(bound, id)), 'not_found');
  await schedules.remove(bound, id);
});

t.test('a schedule may become one of another kind, which leaves its program behind', async (t) => {
  const world = open(t);
  const { schedules } = world.app;
  const exec = { command: ['true'], composeService: null, timeoutS: 300 };
  const { id } = await schedules.create(ADMIN, scheduleOf({ kind: 'exec', exec, description: 'tidies' }));
  t.equal(
    await faultCode(schedules.change(callerWith({ permissions: ['services.update'] }), id, { kind: 'restart' })),
    'forbidden',
  );
  t.match(await schedules.change(ADMIN, id, { kind: 'restart' }), {
    kind: 'restart',
    description: 'tidies',
    exec: undefined,
  });
  t.equal(await faultCode(schedules.change(ADMIN, id, { kind: 'exec' })), 'invalid_schedule');
});
