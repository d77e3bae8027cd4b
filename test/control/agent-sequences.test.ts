// The two durable sequences between control and a host, over faults of either side.
import t from 'tap';
import type { AgentEventBody } from '#shared/protocol/schema.ts';
import { ADMIN, ControlWorld } from '../support/control-world.ts';
import { eventually } from '../support/eventually.ts';
import { finished, FACTS, reportOf } from '../support/fake-host.ts';
import { faultCode } from '../support/fault-code.ts';

const hostEvents = (world: ControlWorld, hostId: string) =>
  world.stores.events.list({ hostId, type: 'host', page: 1, perPage: 50 }).items.map(({ status }) => status);
const health = (serviceId: string): AgentEventBody => ({
  kind: 'service.event',
  serviceId,
  type: 'health',
  status: 'healthy',
  message: 'Health check passed',
  at: 5,
});

t.test('commands arrive in order, each once, also when an acknowledgement is lost', async (t) => {
  const world = new ControlWorld(t);
  const host = await world.joinAndConnect();
  host.isMute = true;
  const first = await world.create('a');
  await host.offered(first.job.id);
  const second = await world.create('b');
  host.disconnect();
  host.isMute = false;
  await host.connect(world);
  await host.offered(second.job.id);
  t.same(
    host.received.map(({ seq }) => seq),
    [1, 2],
  );
  await eventually(() => world.app.jobs.detail(ADMIN, first.job.id).state === 'accepted');
});

t.test('F01: what was accepted before a crash of control is sent after it', async (t) => {
  const world = new ControlWorld(t);
  const host = await world.join();
  const { job, service } = await world.create('a');
  const after = world.crash();
  await host.connect(after);
  await host.finish(job.id);
  t.equal(after.app.services.require(ADMIN, service.id).lifecycle, 'running');
});

t.test('A38: what the host refuses ends as it says', async (t) => {
  const world = new ControlWorld(t);
  const host = await world.joinAndConnect();
  host.refusal = { code: 'host_disk_full', message: 'No space' };
  const { service, job } = await world.create('a');
  const end = await world.app.jobs.wait(job.id, 60_000);
  t.match(end, { state: 'failed', error: { code: 'host_disk_full' } });
  t.match(world.app.services.require(ADMIN, service.id), { lifecycle: 'failed', reason: 'No space' });
  host.refusal = { code: 'expired', message: 'Too late' };
  const again = await world.app.services.redeploy(ADMIN, service.id, {});
  t.equal((await world.app.jobs.wait(again.job.id, 60_000)).state, 'expired');
});

t.test('A35: an acknowledgement beyond what was sent closes the link and changes nothing', async (t) => {
  const world = new ControlWorld(t);
  const host = await world.joinAndConnect();
  host.overAcks = 5;
  const { job } = await world.create('a');
  const closed = await host.peer?.closed;
  t.equal(closed?.code, 4400);
  t.equal(world.app.jobs.detail(ADMIN, job.id).state, 'offered');
  t.ok(hostEvents(world, host.id).includes('protocol_violation'));
});

t.test('events are committed once: a repeat is acknowledged and changes nothing', async (t) => {
  const world = new ControlWorld(t);
  const host = await world.joinAndConnect();
  const id = await world.deployed(host, 'web');
  const last = await host.tell(health(id));
  t.equal(await host.send(host.memory.events), last, 'all of them again');
  const { items } = world.app.services.events(ADMIN, id, { page: 1, perPage: 20, type: 'health' });
  t.match(items, [{ status: 'healthy', message: 'Health check passed' }]);
});

t.test('A35: a number out of order closes the link; what came before it counts', async (t) => {
  const world = new ControlWorld(t);
  const host = await world.joinAndConnect();
  const id = await world.deployed(host, 'web');
  const next = host.lastEvent + 1;
  const events = [
    { seq: next, body: health(id) },
    { seq: next + 2, body: { kind: 'service.report', report: reportOf(id, { lifecycle: 'failed' }) } },
  ];
  await faultCode(host.send(events));
  t.equal((await host.peer?.closed)?.code, 4400);
  t.equal(world.stores.hosts.find(host.id)?.eventSeq, next);
  t.equal(world.app.services.require(ADMIN, id).lifecycle, 'running');
  t.ok(hostEvents(world, host.id).includes('protocol_violation'));
});

t.test('A35: a host speaks for itself only', async (t) => {
  const world = new ControlWorld(t);
  const honest = await world.joinAndConnect({}, 'honest');
  const liar = await world.joinAndConnect({}, 'liar');
  const id = await world.deployed(honest, 'web');
  const { job } = await world.app.services.redeploy(ADMIN, id, {});
  await liar.tell(
    finished(job.id, id, { state: 'failed' }),
    finished('job_unknown', id),
    { kind: 'service.report', report: reportOf(id, { lifecycle: 'failed' }) },
    health(id),
    { kind: 'job.step', progress: { jobId: job.id, serviceId: id, step: 'apply', state: 'running', at: 1 } },
  );
  t.notMatch(world.app.jobs.detail(ADMIN, job.id), { state: /failed|running/ });
  t.equal(world.app.services.require(ADMIN, id).lifecycle, 'deploying');
  t.equal(world.app.services.events(ADMIN, id, { page: 1, perPage: 9, type: 'health' }).total, 0);
  t.same(hostEvents(world, liar.id).filter((status) => status === 'protocol_violation').length, 5);
  t.ok(liar.peer?.isOpen);
});

t.test('A35: a job ends once, whatever is told of it later', async (t) => {
  const world = new ControlWorld(t);
  const host = await world.joinAndConnect();
  const { service, job } = await world.create('web');
  await host.finish(job.id);
  await host.tell(finished(job.id, service.id, { state: 'failed', error: { code: 'exited', message: 'x' } }, null));
  t.match(world.app.jobs.detail(ADMIN, job.id), { state: 'succeeded', error: null });
});

t.test('F40: an event this control plane does not know takes its place and is noted', async (t) => {
  const world = new ControlWorld(t);
  const host = await world.joinAndConnect();
  const seq = host.lastEvent + 1;
  t.equal(await host.send([{ seq, body: { kind: 'from.the.future', x: 1 } }]), seq);
  t.ok(host.peer?.isOpen);
});

t.test('A35: a time that no calendar has takes its place, is noted and shown to nobody', async (t) => {
  const world = new ControlWorld(t);
  const host = await world.joinAndConnect();
  const serviceId = await world.deployed(host, 'web');
  const told = { kind: 'service.event' as const, serviceId, type: 'health', status: 'unhealthy', message: 'no' };
  for (const at of [-9e15, 9e15, 1.5]) t.equal(await host.tell({ ...told, at }), host.lastEvent, String(at));
  const { items } = world.stores.events.list({ hostId: host.id, type: 'host', page: 1, perPage: 3 });
  t.match(
    items.map(({ status }) => status),
    ['protocol_violation', 'protocol_violation', 'protocol_violation'],
  );
  t.equal(world.stores.events.list({ serviceId, type: 'health', page: 1, perPage: 9 }).total, 0);
});

t.test('a gap of the host is told with its counts, an empty one is nothing', async (t) => {
  const world = new ControlWorld(t);
  const host = await world.joinAndConnect();
  t.equal(await host.send([{ seq: 4, body: { kind: 'gap', from: 1, to: 4, counts: { 'job.step': 4 }, at: 1 } }]), 4);
  t.equal(await host.send([{ seq: 6, body: { kind: 'gap', from: 5, to: 6, counts: {}, at: 1 } }]), 6);
  t.same(hostEvents(world, host.id).filter((status) => status === 'gap').length, 1);
});

t.test('steps and progress reach the job, its log and the bus', async (t) => {
  const world = new ControlWorld(t);
  const host = await world.joinAndConnect();
  const { service, job } = await world.create('web');
  await host.offered(job.id);
  const at = world.clock.now();
  const progress = { jobId: job.id, serviceId: service.id, step: 'pull' as const, at };
  await host.tell({ kind: 'job.step', progress: { ...progress, state: 'running', message: 'Pulling' } });
  host.peer?.notify('job.progress', { ...progress, state: 'running', percent: 40, message: '40 %' });
  await eventually(() => world.live.some((event) => event.type === 'deploy.progress' && event.percent === 40));
  await host.tell({ kind: 'job.step', progress: { ...progress, state: 'done' } });
  const detail = world.app.jobs.detail(ADMIN, job.id);
  t.match(detail, { state: 'running', startedAt: at, steps: [{ step: 'pull', state: 'done', message: 'Pulling' }] });
  t.same(
    world.app.jobs.log(ADMIN, job.id).map(({ message }) => message),
    ['Pulling', '40 %'],
  );
});

t.test('what a host dropped is among what happened to it; keys of customers do not see that', async (t) => {
  const world = new ControlWorld(t);
  const host = await world.joinAndConnect();
  const seq = host.lastEvent + 7;
  const gap = { kind: 'gap', from: host.lastEvent + 1, to: seq, counts: { 'job.step': 6 }, at: 1 } as const;
  t.equal(await host.send([{ seq, body: gap }]), seq);
  const bare = { kind: 'gap', from: seq + 1, to: seq + 2, counts: {}, at: 1 } as const;
  t.equal(await host.send([{ seq: seq + 2, body: bare }]), seq + 2, 'states that came anew are no loss');
  const paging = { page: 1, perPage: 20 };
  const { items } = world.app.hosts.events(ADMIN, host.id, { ...paging, order: 'desc' });
  const gaps = items.filter(({ status }) => status === 'gap').map(({ message }) => message);
  t.same(gaps, [`Events ${gap.from} to ${seq} were dropped on the host: 6 job.step`]);
  const tenant = { ...ADMIN, customerId: await world.customer('acme') };
  t.throws(() => world.app.hosts.events(tenant, host.id, paging), { code: 'forbidden' });
});

t.test('the log of a job is bounded', async (t) => {
  const world = new ControlWorld(t);
  await world.join();
  const { job } = await world.create('web');
  const line = (i: number) => ({ at: i, step: 'build' as const, message: `line ${i}` });
  await world.stores.writer.write(() =>
    world.stores.jobLog.append(
      job.id,
      Array.from({ length: 400 }, (_, i) => line(i)),
    ),
  );
  await world.stores.writer.write(() =>
    world.stores.jobLog.append(
      job.id,
      Array.from({ length: 400 }, (_, i) => line(400 + i)),
    ),
  );
  const log = world.app.jobs.log(ADMIN, job.id);
  t.same([log.length, log[0]?.message, log.at(-1)?.message], [500, 'line 300', 'line 799']);
  const large = { ...line(0), message: 'x'.repeat(40_000) };
  await world.stores.writer.write(() => world.stores.jobLog.append(job.id, [large, large]));
  t.equal(world.app.jobs.log(ADMIN, job.id).length, 1);
});

t.test('facts and last sight of a host are kept', async (t) => {
  const world = new ControlWorld(t);
  const host = await world.joinAndConnect();
  await host.tell({ kind: 'host.facts', facts: { ...FACTS, memoryFreeBytes: 7 }, at: 1 });
  t.match(world.app.hosts.require(ADMIN, host.id), { status: 'connected', facts: { memoryFreeBytes: 7 } });
  const leftAt = world.clock.now();
  host.disconnect();
  await world.stores.writer.idle();
  world.clock.advance(60_000);
  t.match(world.app.hosts.require(ADMIN, host.id), { status: 'offline', lastSeenAt: leftAt });
});

t.test(
  'F27: a host that was rolled back gets a new epoch and its lost job again, what had ended does not run again',
  async (t) => {
    const world = new ControlWorld(t);
    const host = await world.joinAndConnect();
    const done = await world.deployed(host, 'done');
    const snapshot = structuredClone(host.memory);
    const lost = await world.create('lost');
    await host.offered(lost.job.id);
    await eventually(() => world.app.jobs.detail(ADMIN, lost.job.id).state === 'accepted');
    const ended = await world.deployed(host, 'ended');
    host.disconnect();

    host.memory = snapshot;
    host.received = [];
    const { epoch } = await host.connect(world);
    t.equal(epoch, 2);
    t.ok(hostEvents(world, host.id).includes('host_rolled_back'));
    const again = await host.offered(lost.job.id);
    t.equal(again.epoch, 2);
    t.same(
      host.offers().map(({ jobId }) => jobId),
      [lost.job.id],
    );
    t.same(
      [done, ended].map((id) => world.app.services.require(ADMIN, id).lifecycle),
      ['running', 'running'],
    );
    t.ok(hostEvents(world, host.id).includes('host_rolled_back'));
  },
);

t.test('F27: a lost job that has outgrown a message meanwhile ends, and its host works on', async (t) => {
  const world = new ControlWorld(t);
  const host = await world.joinAndConnect();
  const names = Array.from({ length: 40 }, (_, n) => `LARGE_${n}`);
  const paging = { page: 1, perPage: 100, sort: 'name', order: 'asc' } as const;
  for (const name of names) await world.app.variables.create(ADMIN, { name, value: 'small' });
  const snapshot = structuredClone(host.memory);
  const environment = names.map((name) => `"${name}"`).join(', ');
  const compose = `services: {web: {image: "busybox:1", environment: [${environment}]}}`;
  const lost = await world.create('lost', { source: { method: 'compose', compose } });
  await host.offered(lost.job.id);
  await eventually(() => world.app.jobs.detail(ADMIN, lost.job.id).state === 'accepted');
  host.disconnect();
  for (const { id } of world.app.variables.list(ADMIN, paging).items)
    await world.app.variables.update(ADMIN, id, { value: 'x'.repeat(32_000) });
  host.memory = snapshot;
  host.received = [];
  await host.connect(world);
  t.match(world.app.jobs.detail(ADMIN, lost.job.id), { state: 'failed', error: { code: 'validation_error' } });
  await t.resolves(world.deployed(host, 'another'));
});

t.test('F27: a lost restart ends as interrupted: twice would be two effects', async (t) => {
  const world = new ControlWorld(t);
  const host = await world.joinAndConnect();
  const id = await world.deployed(host, 'web');
  const snapshot = structuredClone(host.memory);
  const { job } = await world.app.services.act(ADMIN, id, 'restart', 0);
  await eventually(() => world.app.jobs.detail(ADMIN, job.id).state === 'accepted');
  host.disconnect();
  host.memory = snapshot;
  await host.connect(world);
  t.match(world.app.jobs.detail(ADMIN, job.id), { state: 'failed', error: { code: 'interrupted' } });
});

t.test('a job whose end is still in the outbox of the host is not offered again', async (t) => {
  const world = new ControlWorld(t);
  const host = await world.joinAndConnect();
  const { service, job } = await world.create('web');
  await host.offered(job.id);
  await eventually(() => world.app.jobs.detail(ADMIN, job.id).state === 'accepted');
  host.disconnect();
  host.memory.openJobs = [];
  host.memory.events.push({ seq: host.lastEvent + 1, body: finished(job.id, service.id) });
  await host.connect(world);
  await host.send(host.memory.events);
  t.equal(world.app.jobs.detail(ADMIN, job.id).state, 'succeeded');
  t.equal(host.offers().length, 1);
});

t.test('F35: a control plane that came back from a backup goes on after its host and destroys nothing', async (t) => {
  const world = new ControlWorld(t);
  const host = await world.joinAndConnect();
  const kept = await world.deployed(host, 'kept');
  const backup = world.crash();
  await world.deployed(host, 'since');
  await world.deployed(host, 'since-too');
  host.disconnect();
  host.received = [];
  const before = host.memory.commandSeq;

  const pending = await backup.create('new', { hostId: host.id });
  const { epoch, nextEventSeq } = await host.connect(backup);
  t.ok(hostEvents(backup, host.id).includes('control_restored'));
  t.equal(epoch, 2);
  await host.send(host.memory.events.filter(({ seq }) => seq >= nextEventSeq));
  const offer = await host.offered(pending.job.id);
  t.equal(offer.epoch, 2);
  t.same(
    host.received.map(({ seq, body }) => [seq, body.kind]),
    [[before + 1, 'job.offer']],
  );
  t.equal(backup.app.services.require(ADMIN, kept).lifecycle, 'running');
  t.equal(backup.stores.hosts.find(host.id)?.eventSeq, host.lastEvent);
  t.notOk(hostEvents(backup, host.id).includes('protocol_violation'), 'what control forgot is no fault of the host');
  await host.tell(finished('job_unknown', kept));
  t.ok(hostEvents(backup, host.id).includes('protocol_violation'), 'what comes after is judged again');
});

t.test('F35: a control plane that is killed while it catches up goes on with it', async (t) => {
  const world = new ControlWorld(t);
  const host = await world.joinAndConnect();
  const kept = await world.deployed(host, 'kept');
  const backup = world.crash();
  await world.deployed(host, 'since');
  await host.tell(finished('job_since', kept));
  host.disconnect();
  const { nextEventSeq } = await host.connect(backup);
  const again = backup.crash();
  host.disconnect();
  await host.connect(again);
  await host.send(host.memory.events.filter(({ seq }) => seq >= nextEventSeq));
  t.notOk(hostEvents(again, host.id).includes('protocol_violation'), 'it is still no fault of the host');
  t.equal(again.stores.hosts.find(host.id)?.isToRelist, true, 'its services are still to be seen anew');
});

t.test('F35: jobs given under numbers the host already had are offered again', async (t) => {
  const world = new ControlWorld(t);
  const host = await world.joinAndConnect();
  await world.deployed(host, 'kept');
  const backup = world.crash();
  await world.deployed(host, 'since');
  host.disconnect();
  host.received = [];
  const pending = await backup.create('new', { hostId: host.id }); // takes the number that "since" had
  const { nextEventSeq } = await host.connect(backup);
  await host.send(host.memory.events.filter(({ seq }) => seq >= nextEventSeq));
  await host.finish(pending.job.id);
  t.equal(backup.app.services.require(ADMIN, pending.service.id).lifecycle, 'running');
});
