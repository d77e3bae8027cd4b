// AIKit's API over the real app layer and hosts that are played: whose containers are seen and acted on, and by whom.
import t, { type Test } from 'tap';
import { LongshoreError } from '#shared/errors.ts';
import type { KnownContainer } from '#shared/protocol/container-parts.ts';
import type { Params } from '#shared/protocol/schema.ts';
import type { Permission } from '../../control/app/access/permissions.ts';
import { ADMIN } from '../support/control-world.ts';
import { eventually } from '../support/eventually.ts';
import type { FakeHost } from '../support/fake-host.ts';
import { startRealHttp, type RealHttp } from '../support/real-http.ts';

const BASE = '/aikit/api';

interface Body<T = Record<string, unknown>> {
  success: boolean;
  data: T;
  error?: string;
}
interface Shown {
  id: string;
  containerId: string;
  status: string;
}

const CONTAINER: Omit<KnownContainer, 'id' | 'name'> = {
  service: '',
  image: 'busybox:1',
  imageId: 'sha256:1',
  state: 'running',
  health: 'unknown',
  exitCode: null,
  startedAt: 1000,
  ports: [],
  project: '',
  serviceId: null,
  restartCount: 0,
  version: null,
  description: null,
  usage: { cpuCores: 0.5, memoryBytes: 100, memoryLimitBytes: 1000 },
  at: 2000,
};

const container = (name: string, given: Partial<KnownContainer> = {}): KnownContainer => {
  return { ...CONTAINER, id: Buffer.from(name.padEnd(20, '_')).toString('hex'), name, ...given };
};

interface PlayedHost {
  host: FakeHost;
  containers: KnownContainer[];
  acts: Params<'container.act'>[];
  setups: Params<'container.setup'>[];
}

/** Answers as the agent does; `containers` may be changed at any time. */
async function play({ world }: RealHttp, hostname: string, labels: Record<string, string> = {}): Promise<PlayedHost> {
  const host = await world.join(labels, hostname);
  const played: PlayedHost = { host, containers: [], acts: [], setups: [] };
  host.answers = {
    'containers.list': async ({ called, serviceIds }) => {
      const items = played.containers.filter(({ id, name, serviceId }) => {
        const isCalled = called === undefined || name === called || id.startsWith(called);
        return isCalled && (!serviceIds || (serviceId !== null && serviceIds.includes(serviceId)));
      });
      return { items, total: items.length };
    },
    'container.setup': async (question) => {
      played.setups.push(question);
      return { setup: { createdAt: 0, mounts: [], env: ['A=1'] } };
    },
    'container.act': async (order) => {
      played.acts.push(order);
      const found = played.containers.find(({ id }) => id === order.containerId);
      if (!found) throw new LongshoreError('not_found');
      found.state = order.act === 'stop' ? 'exited' : 'running';
      return {};
    },
  };
  await host.connect(world);
  return played;
}

async function scene(t: Test) {
  const real = await startRealHttp(t);
  const played = await play(real, 'a', { zone: 'eu' });
  const { http, world } = real;
  const call = <T>(method: string, path: string, key = real.key) => http.call<Body<T>>(method, BASE + path, { key });
  const keyWith = async (permissions: Permission[], bound: object = {}) =>
    (await world.app.keys.create(ADMIN, { name: 'k', permissions, ...bound })).secret;
  return { ...real, ...played, call, keyWith };
}

const idsOf = ({ body }: { body: Body<Shown[]> }): string[] => body.data.map(({ id }) => id);

t.test('the list has every container, is filtered by status and cut into pages', async (t) => {
  const { containers, call } = await scene(t);
  containers.push(container('box'), container('idle', { state: 'exited' }), container('web'));
  t.same(idsOf(await call('GET', '/services')), ['box', 'idle', 'web']);
  t.same(idsOf(await call('GET', '/services?filter=stopped')), ['idle']);
  t.same(idsOf(await call('GET', '/services?filter=running&limit=1&page=2')), ['web']);
  t.same(idsOf(await call('GET', '/services?page=2')), [], 'all are on the first page without a limit');
  for (const query of ['filter=odd', 'limit=0', 'page=x'])
    t.match(await call('GET', `/services?${query}`), { status: 400, body: { success: false, error: /./ } }, query);
});

t.test('a container goes by its id, its short id and its name', async (t) => {
  const { containers, call, key, keyWith, setups } = await scene(t);
  const box = container('box');
  containers.push(box);
  for (const called of [box.id, box.id.slice(0, 12), 'box', 'a%2Fbox'])
    t.match((await call<Shown>('GET', `/services/${called}`)).body.data, { id: 'box', containerId: box.id }, called);
  t.match(await call('GET', '/services/other'), { status: 404, body: { success: false, error: /other/ } });
  await call('GET', '/services/box', await keyWith(['services.read', 'hosts.read']));
  t.equal(setups.at(-1)?.withSecrets, false, 'secrets are for those who may see them');
  await call('GET', '/services/box', key);
  t.equal(setups.at(-1)?.withSecrets, true);
});

t.test('where two hosts share a name, the host says which is meant', async (t) => {
  const real = await scene(t);
  const other = await play(real, 'b');
  real.containers.push(container('box', { id: 'a'.repeat(64) }), container('alone'));
  other.containers.push(container('box', { id: 'b'.repeat(64) }));
  t.same(idsOf(await real.call('GET', '/services')), ['alone', 'a/box', 'b/box']);
  t.match(await real.call('GET', '/services/box'), { status: 409, body: { error: /a\/box, b\/box/ } });
  for (const called of ['b%2Fbox', 'b'.repeat(64), `${other.host.id}%2Fbox`])
    t.match((await real.call('GET', `/services/${called}`)).body.data, { id: 'b/box' }, 'called as in the list');
  t.match(await real.call('POST', '/services/b%2Fbox/stop'), { status: 200, body: { data: { status: 'stopped' } } });
  t.match([real.acts, other.acts], [[], [{ act: 'stop' }]]);
});

t.test('where two hosts share their name as well, the id of the host says which', async (t) => {
  const real = await scene(t);
  const twin = await play(real, 'a');
  const { writer, hosts } = real.world.stores;
  await writer.write(() => hosts.setNaming(twin.host.id, { name: 'a', labels: {} })); // as 0.1 let them come in
  const ids = [real.host.id, twin.host.id].map((id) => `${id}/box`);
  real.containers.push(container('box', { id: 'a'.repeat(64) }));
  twin.containers.push(container('box', { id: 'b'.repeat(64) }));
  t.same(idsOf(await real.call('GET', '/services')).toSorted(), ids.toSorted());
  t.equal((await real.call('GET', '/services/a%2Fbox')).status, 409);
  t.match(await real.call('POST', `/services/${encodeURIComponent(ids[1] ?? '')}/stop`), { status: 200 });
  t.match([real.acts, twin.acts], [[], [{ act: 'stop' }]]);
});

t.test('a name that looks like the beginning of an id hides nothing', async (t) => {
  const { containers, call } = await scene(t);
  const [box, posing] = [container('box'), container('abcabcabcabc')];
  box.id = 'abc'.repeat(20);
  containers.push(box, posing);
  t.equal((await call('POST', '/services/abcabcabcabc/stop')).status, 409, 'nobody guesses');
  t.match((await call('GET', '/services/a%2Fabcabcabcabc')).body.data, { containerId: posing.id });
  t.match((await call('GET', '/services/a%2Fbox')).body.data, { containerId: box.id });
});

t.test('a host that never ends is not followed', async (t) => {
  const { host, world, call } = await scene(t);
  host.disconnect();
  let asked = 0;
  host.answers = { 'containers.list': async () => ({ items: [], total: 1e6 + ++asked }) };
  await host.connect(world);
  t.equal((await call('GET', '/services')).status, 200);
  t.equal(asked, 100);
});

t.test('a host whose agent is too old to answer is named, with the reason', async (t) => {
  const { host, world, call } = await scene(t);
  host.disconnect();
  host.answers = {};
  await host.connect(world);
  t.same(idsOf(await call('GET', '/services')), []);
  t.match(await call('GET', '/services/box'), { status: 404, body: { error: /did not answer: a \(unsupported\)/ } });
});

t.test('what belongs to no service is acted on by its host', async (t) => {
  const { containers, acts, call } = await scene(t);
  containers.push(container('box', { state: 'exited' }));
  for (const [act, status] of Object.entries({ start: 'running', restart: 'running', stop: 'stopped' })) {
    const { status: code, body } = await call('POST', `/services/box/${act}`);
    t.match([code, body], [200, { success: true, data: { message: /^Service \w+ successfully$/, status } }]);
    t.equal(acts.at(-1)?.act, act);
  }
});

t.test("a service's container is acted on by a job of its service", async (t) => {
  const { world, host, containers, acts, call } = await scene(t);
  const serviceId = await world.deployed(host, 'shop');
  containers.push(container('shop-web-1', { serviceId, project: 'shop', service: 'web' }));
  const answer = call('POST', '/services/shop-web-1/stop');
  const job = await eventually(() => host.offers().find(({ kind }) => kind === 'stop'));
  Object.assign(containers[0] as KnownContainer, { state: 'exited' });
  await host.finish(job?.jobId ?? '', {}, { lifecycle: 'stopped' });
  t.match(await answer, {
    status: 200,
    body: { data: { message: 'Service stopped successfully', status: 'stopped' } },
  });
  t.same(acts, []);
  t.equal(world.app.services.require(ADMIN, serviceId).lifecycle, 'stopped', 'our own API knows');
  const [row] = world.app.audit.list(ADMIN, { page: 1, perPage: 1, order: 'desc' }).items;
  t.match(row, { action: 'services.stop', targetId: serviceId, result: 'ok' });
});

t.test('update is a redeploy with the newest images, and a failed one says why', async (t) => {
  const { world, host, containers, call } = await scene(t);
  const serviceId = await world.deployed(host, 'shop');
  containers.push(container('shop-web-1', { serviceId, project: 'shop', service: 'web' }));
  const update = async (end: object) => {
    const answer = call('POST', '/services/shop-web-1/update');
    const job = await eventually(() => host.offers().find(({ jobId }) => host.memory.openJobs.includes(jobId)));
    t.match(job, { kind: 'redeploy', pull: 'always' });
    await host.finish(job?.jobId ?? '', end);
    return answer;
  };
  Object.assign(containers[0] as KnownContainer, { id: 'f'.repeat(64), version: '1.0.1' });
  t.match(await update({}), {
    status: 200,
    body: { data: { message: 'Service updated successfully', version: '1.0.1' } },
  });
  const error = { code: 'image_unavailable', message: 'Cannot pull image "busybox:1"' };
  t.match(await update({ state: 'failed', error }), { status: 400, body: { success: false, error: /Cannot pull/ } });
});

t.test('what a key may not see is not there, and what it may not do is refused', async (t) => {
  const real = await scene(t);
  const { world, host, containers, acts, call, keyWith } = real;
  const other = await play(real, 'b');
  const [mine, theirs] = [await world.customer('mine'), await world.customer('theirs')];
  const serviceId = await world.deployed(host, 'shop', { customerId: mine });
  containers.push(container('box'), container('shop-web-1', { serviceId }));
  other.containers.push(container('far'));
  const see = async (key: string) => idsOf(await call<Shown[]>('GET', '/services', key));
  const all: Permission[] = ['services.*', 'hosts.*'];
  t.same(await see(await keyWith(all, { customerId: mine })), ['shop-web-1']);
  const stranger = await keyWith(all, { customerId: theirs });
  t.same(await see(stranger), []);
  t.same(await see(await keyWith(all, { hostLabels: { zone: 'eu' } })), ['box', 'shop-web-1']);
  const noHosts = await keyWith(['services.*']);
  t.same(await see(noHosts), ['shop-web-1'], 'others take hosts.read');
  for (const key of [stranger, noHosts]) {
    for (const path of ['', '/logs', '/stats']) t.equal((await call('GET', `/services/box${path}`, key)).status, 404);
    for (const act of ['start', 'stop', 'restart', 'update'])
      t.equal((await call('POST', `/services/box/${act}`, key)).status, 404, act);
  }
  for (const act of ['start', 'stop', 'restart', 'update'])
    t.equal((await call('POST', `/services/shop-web-1/${act}`, stranger)).status, 404, act);
  const reader = await keyWith(['services.*', 'hosts.read']);
  for (const act of ['start', 'stop', 'restart', 'update'])
    t.match(await call('POST', `/services/box/${act}`, reader), { status: 403, body: { error: /hosts\.update/ } }, act);
  t.same(acts, []);
});

t.test('a host that is away hides what it has, and is an error of the system', async (t) => {
  const real = await scene(t);
  real.containers.push(container('box'));
  const other = await play(real, 'b');
  other.containers.push(container('far', { state: 'exited', exitCode: 1 }));
  t.match((await real.call('GET', '/system/stats')).body.data, {
    services: { total: 2, running: 1, stopped: 1 },
    resources: { avgCpu: 50, avgMemory: 10, totalMemoryUsage: 100 },
    health: { status: 'healthy', warnings: 1, errors: 0 },
  });
  other.host.disconnect();
  t.same(idsOf(await real.call('GET', '/services')), ['box']);
  t.match(await real.call('GET', '/services/far'), { status: 404, body: { error: /did not answer: b/ } });
  t.match((await real.call('GET', '/system/stats')).body.data, { health: { status: 'unhealthy', errors: 1 } });
});

t.test('logs come with a level, and figures with their moment', async (t) => {
  const { world, host, containers, call } = await scene(t);
  containers.push(container('box'));
  host.disconnect();
  let asked: unknown;
  host.streams = {
    containerLogs: async (request, writer, opened) => {
      asked = request;
      opened();
      const line = {
        timestamp: '2025-05-05T10:00:00.000000000Z',
        stream: 'stderr',
        message: 'ERROR: no',
        container: 'box',
      };
      await writer.write(Buffer.from(`${JSON.stringify(line)}\n`));
    },
  };
  await host.connect(world);
  const { body } = await call('GET', '/services/box/logs?lines=5&since=2025-05-01T00:00:00Z');
  t.same(body.data, { logs: [{ timestamp: '2025-05-05T10:00:00.000000000Z', message: 'ERROR: no', level: 'error' }] });
  t.match(asked, { tail: 5, since: '2025-05-01T00:00:00Z' });
  t.equal((await call('GET', '/services/box/logs?since=yesterday')).status, 400);
  t.match((await call('GET', '/services/box/stats')).body.data, {
    cpu: 50,
    memory: 10,
    memoryUsage: 100,
    memoryLimit: 1000,
    restartCount: 0,
    timestamp: '1970-01-01T00:00:02.000Z',
  });
});
