// Making a container of no service anew from a newer image: what the host has afterwards, whatever happens on the way.
import t, { type Test } from 'tap';
import { silentLogger } from '#shared/log.ts';
import { LongshoreError } from '#shared/errors.ts';
import { Containers } from '../../agent/containers/containers.ts';
import type { UpdateNote, UpdateNotes } from '../../agent/containers/update.ts';
import type { Container } from '../../agent/docker/engine.ts';
import { KERNEL_FOLDERS } from '../../agent/stats/cgroup-files.ts';
import { eventually } from '../support/eventually.ts';
import { FakeEngine } from '../support/fake-engine.ts';
import { ManualClock } from '../support/manual-clock.ts';

class Notes implements UpdateNotes {
  readonly kept = new Map<string, UpdateNote>();
  all = () => [...this.kept.values()];
  add = (note: UpdateNote) => void this.kept.set(note.id, note);
  remove = (id: string) => void this.kept.delete(id);
}

/** A running container, and a newer image of its name here. */
function scene(given: Partial<Container> = {}) {
  const engine = new FakeEngine();
  engine.addImage('web:latest', { id: 'sha256:new' });
  const box = engine.addContainer({
    name: 'box',
    image: 'web:latest',
    imageId: 'sha256:old',
    state: 'running',
    ...given,
  });
  const [notes, clock] = [new Notes(), new ManualClock()];
  const it = { isLeft: false };
  const services = { names: () => [{ serviceId: 'svc_1', name: 'shop' }], secretsOf: () => [], secretsVersion: 0 };
  const deps = {
    engine,
    services,
    notes,
    clock,
    log: silentLogger(),
    folders: KERNEL_FOLDERS,
    hostMemoryBytes: () => 1,
    onLeft: () => void (it.isLeft = true),
  };
  const containers = new Containers(deps);
  const names = () => [...engine.containers.values()].map(({ name, imageId, state }) => `${name} ${imageId} ${state}`);
  /** Time goes on while the new one is waited for. */
  const settle = async <T>(work: Promise<T>): Promise<T> => {
    let isOver = false;
    const watched = work.finally(() => (isOver = true));
    watched.catch(() => {});
    const step = () => {
      clock.advance(2_000);
      return isOver;
    };
    await eventually(step, { intervalMs: 1 });
    return watched;
  };
  return Object.assign(it, { engine, box, notes, clock, containers, names, settle, deps });
}

const update = ({ containers, box }: ReturnType<typeof scene>) => containers.update({ containerId: box.id });
const OLD = ['box sha256:old running'];

t.test('a newer image that comes up takes its place', async (t) => {
  const it = scene();
  const { isChanged, containerId } = await it.settle(update(it));
  t.ok(isChanged);
  t.same(it.names(), ['box sha256:new running']);
  t.equal(it.engine.containers.get(containerId)?.name, 'box');
  t.same(it.notes.all(), []);
});

t.test('one that is stopped is made anew and stays stopped', async (t) => {
  const it = scene({ state: 'exited' });
  await it.settle(update(it));
  t.same(it.names(), ['box sha256:new created']);
});

t.test('the same image changes nothing', async (t) => {
  const it = scene({ imageId: 'sha256:new' });
  it.engine.registry.add('web:latest');
  t.same(await update(it), { containerId: it.box.id, isChanged: false });
});

t.test('what cannot be had, or made anew, is left alone', async (t) => {
  const refused = async (given: Partial<Container>, code: string) => {
    const it = scene(given);
    await t.rejects(update(it), { code }, JSON.stringify(given));
    t.equal(it.engine.containers.size, 1);
    t.match(it.engine.containers.get(it.box.id), { name: 'box', state: 'running' });
  };
  await refused({ imageId: 'sha256:new' }, 'image_unavailable');
  await refused({ image: 'other:1' }, 'image_unavailable');
  await refused({ image: 'sha256:old' }, 'state_conflict');
  await refused({ removesItself: true }, 'state_conflict');
  await refused({ labels: { 'com.docker.swarm.task': '' } }, 'state_conflict');
  await refused({ project: 'shop', labels: { 'longshore.service': 'svc_1' } }, 'state_conflict');
  const it = scene();
  it.engine.addContainer({ name: 'guest', joins: [it.box.id] });
  await t.rejects(update(it), { code: 'state_conflict', message: /guest/ });
});

/** How a new one fails, when it is started. */
const FAULTS: Record<string, Partial<Container>> = {
  'ends at once': { state: 'exited', exitCode: 1 },
  'is restarted by Docker': { restartCount: 1 },
  'is unhealthy': { hasHealthCheck: true, health: 'unhealthy' },
  'never gets healthy': { hasHealthCheck: true, health: 'starting' },
};

function failing(t: Test, it: ReturnType<typeof scene>, fault: Partial<Container>): void {
  const start = it.engine.startContainer.bind(it.engine);
  t.intercept(it.engine, 'startContainer', {
    value: async (id: string) => {
      await start(id);
      if (id !== it.box.id) it.engine.change(id, fault);
    },
  });
}

for (const [name, fault] of Object.entries(FAULTS)) {
  t.test(`a new one that ${name} leaves the old one as it was`, async (t) => {
    const it = scene();
    failing(t, it, fault);
    await t.rejects(it.settle(update(it)), { code: 'docker_error', message: /^Container "box" is as it was: / });
    t.same(it.names(), OLD);
    t.same(it.notes.all(), []);
  });
}

for (const step of ['stopContainer', 'renameContainer', 'copyContainer', 'startContainer', 'findContainer'] as const) {
  t.test(`an agent that dies before ${step} puts the old one back at its next start`, async (t) => {
    const it = scene();
    const dead = new Promise<never>(() => {});
    let isDue = false;
    const real = it.engine[step].bind(it.engine) as (...given: unknown[]) => Promise<unknown>;
    const value = (...given: unknown[]) => {
      // What is asked before the note is not of the update.
      isDue ||= it.notes.all().length > 0;
      return isDue ? dead : real(...given);
    };
    Object.assign(it.engine, { [step]: value });
    void it.containers.update({ containerId: it.box.id });
    await eventually(() => isDue);
    Object.assign(it.engine, { [step]: real });
    const next = new Containers(it.deps);
    await next.recover(new AbortController().signal);
    t.same(it.names(), OLD);
    t.same(it.notes.all(), []);
  });
}

t.test('what had come up stays, also when the agent died before it had noted that', async (t) => {
  const it = scene();
  await it.settle(update(it));
  it.notes.add({ id: it.box.id, name: 'box', wasRunning: true });
  await it.containers.recover(new AbortController().signal);
  t.same(it.names(), ['box sha256:new running']);
});

t.test('an agent that dies when the new one had come up clears the old one away', async (t) => {
  const it = scene({ state: 'exited' });
  const made = it.engine.addContainer({ name: 'box', imageId: 'sha256:new', state: 'running' });
  it.engine.change(it.box.id, { name: 'box-before-update' });
  it.notes.add({ id: it.box.id, name: 'box', wasRunning: true, madeId: made.id, isUp: true });
  await it.containers.recover(new AbortController().signal);
  t.same(it.names(), ['box sha256:new running']);
});

t.test('an old one that cannot be removed takes nothing from the new one', async (t) => {
  const it = scene();
  const remove = it.engine.removeContainer.bind(it.engine);
  Object.assign(it.engine, { removeContainer: () => Promise.reject(new LongshoreError('docker_error')) });
  t.match(await it.settle(update(it)), { isChanged: true });
  t.same(it.names().toSorted(), ['box sha256:new running', 'box-before-update sha256:old exited']);
  t.ok(it.isLeft, 'it is due');
  Object.assign(it.engine, { removeContainer: remove });
  await it.containers.recover(new AbortController().signal);
  t.same(it.names(), ['box sha256:new running']);
  t.same(it.notes.all(), []);
});

t.test('what Docker could not put back at once is put back later, without another start of the agent', async (t) => {
  const it = scene();
  failing(t, it, { state: 'exited', exitCode: 1 });
  const tail = it.engine.tailLogs.bind(it.engine);
  Object.assign(it.engine, { tailLogs: (id: string, lines: number) => ((it.engine.isAway = true), tail(id, lines)) });
  await t.rejects(it.settle(update(it)));
  t.ok(it.isLeft);
  it.engine.isAway = false;
  await it.containers.recover(new AbortController().signal);
  t.same(it.names(), OLD);
});

t.test('a container that somebody made in its name meanwhile is not touched', async (t) => {
  const it = scene({ name: 'box-before-update', state: 'exited' });
  it.engine.addContainer({ name: 'box', imageId: 'sha256:theirs', state: 'running' });
  it.notes.add({ id: it.box.id, name: 'box', wasRunning: true });
  await it.containers.recover(new AbortController().signal);
  t.same(it.names().toSorted(), ['box sha256:theirs running', 'box-before-update sha256:old exited']);
  t.same(it.notes.all(), []);
});

t.test('what the new one said at its end is told without its secrets', async (t) => {
  const it = scene();
  failing(t, it, { state: 'exited', exitCode: 1 });
  const find = it.engine.findSetup.bind(it.engine);
  const env = ['API_TOKEN=canary-4711'];
  Object.assign(it.engine, {
    tailLogs: async () => ['bad token canary-4711'],
    findSetup: async (id: string) => ({ ...(await find(id)), env }),
  });
  const error = await it.settle(update(it)).catch((thrown: unknown) => thrown);
  t.match(error, { code: 'docker_error', details: 'bad token ***' });
});

t.test('while it is made anew nothing else is done to it', async (t) => {
  const it = scene();
  const work = update(it);
  await eventually(() => it.notes.all().length > 0);
  const containerId = it.box.id;
  await t.rejects(it.containers.act({ containerId, act: 'start' }), { code: 'service_busy' });
  await t.rejects(update(it), { code: 'service_busy' });
  const made = await eventually(() => [...it.engine.containers.values()].find(({ id }) => id !== containerId));
  await t.rejects(it.containers.act({ containerId: made?.id ?? '', act: 'stop' }), { code: 'service_busy' });
  await it.settle(work);
});

t.test('it is put back once Docker answers again', async (t) => {
  const it = scene({ name: 'box-before-update', state: 'exited' });
  it.notes.add({ id: it.box.id, name: 'box', wasRunning: true });
  it.engine.isAway = true;
  const recovered = it.settle(it.containers.recover(new AbortController().signal));
  await eventually(() => it.clock.now() > 0);
  it.engine.isAway = false;
  await recovered;
  t.same(it.names(), OLD);
});

t.test('acts on what belongs to a service are refused, and on what is gone', async (t) => {
  const it = scene({ project: 'shop', labels: { 'longshore.service': 'svc_1' } });
  await t.rejects(it.containers.act({ containerId: it.box.id, act: 'stop' }), { code: 'state_conflict' });
  await t.rejects(
    it.containers.act({ containerId: 'gone', act: 'stop' }),
    new LongshoreError('not_found', { message: 'The host has no container "gone" any more' }),
  );
});
