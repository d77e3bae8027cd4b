// What hosts say of their services' usage, over real sessions: who is believed, and what is forgotten.
import t, { type Test } from 'tap';
import type { ServiceSample } from '#shared/model.ts';
import { ADMIN, ControlWorld } from '../support/control-world.ts';
import { eventually } from '../support/eventually.ts';
import type { FakeHost } from '../support/fake-host.ts';

const sampleOf = (serviceId: string, over: Partial<ServiceSample> = {}): ServiceSample => ({
  serviceId,
  cpuCores: 0.15,
  memoryBytes: 128 * 1024 ** 2,
  cpuLimitCores: null,
  memoryLimitBytes: null,
  storageBytes: null,
  lastCheckAt: null,
  consecutiveFailures: null,
  at: 0,
  ...over,
});

async function start(t: Test) {
  const world = new ControlWorld(t);
  const host = await world.joinAndConnect();
  return { world, host, id: await world.deployed(host, 'shop') };
}

/** Sends, and waits until what was sent before it is dealt with. */
async function say({ peer }: FakeHost, ...samples: ServiceSample[]): Promise<void> {
  peer?.notify('services.samples', { samples });
  await peer?.request('echo', { data: '' });
}

t.test('the latest word of its host is what a service shows, in lists and alone', async (t) => {
  const { world, host, id } = await start(t);
  t.equal(world.app.services.require(ADMIN, id).usage, null);
  await say(host, sampleOf(id));
  await say(host, sampleOf(id, { cpuCores: 0.3, at: 1 }));
  t.match(world.app.services.require(ADMIN, id).usage, { cpuCores: 0.3, at: 1 });
  t.match(world.app.services.detail(ADMIN, id).usage, { cpuCores: 0.3 });
  const page = { page: 1, perPage: 20, sort: 'name', order: 'asc' } as const;
  t.match(world.app.services.list(ADMIN, page).items, [{ id, usage: { cpuCores: 0.3 } }]);
});

t.test('a host is believed about its own services only', async (t) => {
  const { world, host, id } = await start(t);
  const other = await world.joinAndConnect({}, 'other');
  await say(other, sampleOf(id), sampleOf('svc_unknown'));
  t.equal(world.app.services.require(ADMIN, id).usage, null);
  await say(host, sampleOf(id));
  await say(other, sampleOf(id, { cpuCores: 4 }));
  t.match(world.app.services.require(ADMIN, id).usage, { cpuCores: 0.15 });
  t.equal(world.parts.usage.size, 1);
});

t.test('a host whose clock runs ahead does not date its samples into the future', async (t) => {
  const { world, host, id } = await start(t);
  await say(host, sampleOf(id, { at: world.clock.now() + 3_600_000 }));
  t.match(world.app.services.require(ADMIN, id).usage, { at: world.clock.now() });
});

t.test('a removed service is forgotten, also when its host still speaks of it', async (t) => {
  const { world, host, id } = await start(t);
  await say(host, sampleOf(id));
  const { job } = await world.app.services.remove(ADMIN, id, 0);
  await host.finish(job.id);
  await eventually(() => world.parts.usage.size === 0);
  await say(host, sampleOf(id));
  t.equal(world.parts.usage.size, 0);
});

t.test('a message that is not a sample is dropped and the link stays', async (t) => {
  const { world, host, id } = await start(t);
  host.peer?.notify('services.samples', { samples: [{ ...sampleOf(id), cpuCores: -1 }] });
  await say(host, sampleOf(id, { memoryBytes: 1 }));
  t.match(world.app.services.require(ADMIN, id).usage, { cpuCores: 0.15, memoryBytes: 1 });
});
