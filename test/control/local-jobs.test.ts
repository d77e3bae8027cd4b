// What somebody did on a host with `longshore local`, as the control plane shows it afterwards. The hosts are fakes.
import t, { type Test } from 'tap';
import { ADMIN, ControlWorld } from '../support/control-world.ts';
import type { FakeHost } from '../support/fake-host.ts';

async function start(t: Test) {
  const world = new ControlWorld(t);
  const host = await world.joinAndConnect();
  const serviceId = await world.deployed(host, 'web');
  const eventsOf = (type: string) =>
    world.stores.events
      .list({ serviceId, type, page: 1, perPage: 20, order: 'asc' })
      .items.map(({ message }) => message);
  const rows = () => world.app.audit.list(ADMIN, { target: serviceId, page: 1, perPage: 20, order: 'asc' }).items;
  return { world, host, serviceId, eventsOf, rows };
}

const ids = (serviceId: string) => ({ jobId: 'job_here', serviceId }) as const;
const begun = (serviceId: string, cause = 'local') =>
  ({ kind: 'job.local', job: { ...ids(serviceId), kind: 'stop', cause, at: 1 } }) as const;
const ended = (serviceId: string) =>
  ({
    kind: 'job.finished',
    result: { ...ids(serviceId), state: 'succeeded', startedAt: 1, finishedAt: 2 },
    report: null,
  }) as const;

const violationsOf = ({ stores }: ControlWorld, { id: hostId }: FakeHost) =>
  stores.events
    .list({ hostId, type: 'host', page: 1, perPage: 100 })
    .items.filter(({ status }) => status === 'protocol_violation');

const stopHere = (host: FakeHost, serviceId: string) => host.tell(begun(serviceId), ended(serviceId));

t.test('it is a job done by `local`, with its lines in the timeline and a row in the audit log', async (t) => {
  const { world, host, serviceId, eventsOf, rows } = await start(t);
  await stopHere(host, serviceId);
  t.match(world.stores.jobs.find('job_here'), { kind: 'stop', state: 'succeeded', cause: 'local' });
  t.strictSame(eventsOf('stop'), ['Begun: stop (local)', 'Stopped: local']);
  t.match(rows(), [
    {
      actorKind: 'system',
      actorName: 'local',
      action: 'services.stop',
      jobId: 'job_here',
      hostId: host.id,
      result: 'ok',
    },
  ]);
});

t.test('a host that tells it again, because its state was put back, changes nothing', async (t) => {
  const { host, serviceId, eventsOf, rows } = await start(t);
  await stopHere(host, serviceId);
  await stopHere(host, serviceId);
  t.equal(eventsOf('stop').length, 2);
  t.equal(rows().length, 1);
});

t.test('what a schedule began is nobody’s act: it is not in the audit log', async (t) => {
  const { host, serviceId, eventsOf, rows } = await start(t);
  await host.tell(begun(serviceId, 'by schedule nightly'), ended(serviceId));
  t.equal(eventsOf('stop').length, 2);
  t.strictSame(rows(), []);
});

t.test('what was stopped on the host stays stopped when its customer is let in again', async (t) => {
  const { world, host, serviceId } = await start(t);
  await world.stores.writer.write(() => world.stores.services.setSuspendedFrom(serviceId, 'running'));
  await stopHere(host, serviceId);
  t.equal(world.stores.services.find(serviceId)?.suspendedFrom, null);
});

t.test('F35: a control plane that came back from a backup hears of it again: one job, one row', async (t) => {
  const { world, host, serviceId } = await start(t);
  const backup = world.crash();
  await stopHere(host, serviceId);
  host.disconnect();
  const { nextEventSeq } = await host.connect(backup);
  const lost = host.memory.events.filter(({ seq }) => seq >= nextEventSeq);
  await host.send(lost);
  await host.send(lost); // its answer was lost
  t.match(backup.stores.jobs.find('job_here'), { kind: 'stop', state: 'succeeded', cause: 'local' });
  const { items } = backup.app.audit.list(ADMIN, { target: serviceId, page: 1, perPage: 20, order: 'asc' });
  t.equal(items.length, 1);
  t.match(items[0], { actorName: 'local', action: 'services.stop', jobId: 'job_here' });
});

t.test('what was done on the host with a service that is gone by now is no fault of the host', async (t) => {
  const { world, host, serviceId } = await start(t);
  const { job } = await world.app.services.remove(ADMIN, serviceId, 0);
  await host.finish(job.id, {}, null);
  const progress = { ...ids(serviceId), step: 'stop', state: 'running', at: 1 } as const;
  await host.tell(begun(serviceId), { kind: 'job.step', progress }, ended(serviceId));
  t.strictSame(violationsOf(world, host), []);
});

t.test('A35: a host gives itself no work that only the control plane may give', async (t) => {
  const { world, host, serviceId, rows } = await start(t);
  for (const kind of ['remove', 'deploy', 'rollback', 'restore', 'adopt'] as const) {
    const ids = { jobId: `job_${kind}`, serviceId };
    await host.tell(
      { kind: 'job.local', job: { ...ids, kind, cause: 'local', at: 1 } },
      { kind: 'job.finished', result: { ...ids, state: 'succeeded', startedAt: 1, finishedAt: 2 }, report: null },
    );
    t.equal(world.stores.jobs.find(ids.jobId), undefined, kind);
  }
  t.ok(world.stores.services.find(serviceId), 'the service is still there');
  t.strictSame(rows(), []);
  t.equal(violationsOf(world, host).length, 10, 'both words on each of the five');
});
