// What hosts and services used, over the real API: who may ask, what the host is asked, what a client gets to see.
import t, { type Test } from 'tap';
import { HOST_FIGURES, nothingOf, USAGE_FIGURES, type HostSample } from '#shared/stats.ts';
import type { Params, Result } from '#shared/protocol/schema.ts';
import type { Caller } from '../../control/app/api/caller.ts';
import { LOOK_EVERY_MS } from '../../control/realtime/stats-feed.ts';
import { ADMIN, ControlWorld } from '../support/control-world.ts';
import { runCli, startCli } from '../support/cli.ts';
import { eventually } from '../support/eventually.ts';
import type { FakeHost } from '../support/fake-host.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { startRealHttp } from '../support/real-http.ts';

const AT = Date.parse('2026-11-01T00:00:00Z');
const STRETCH = { since: AT - 20_000, until: AT, stepMs: 10_000 };

const HOST_STATS: Result<'host.stats'> = {
  ...STRETCH,
  points: [
    { ...nothingOf(HOST_FIGURES), at: AT - 20_000, sampledAt: null },
    {
      ...nothingOf(HOST_FIGURES),
      cpuCores: 0.123456,
      load1: 1.5,
      memoryBytes: 2 ** 30,
      at: AT - 10_000,
      sampledAt: AT,
    },
  ],
};
const SERVICE_STATS: Result<'service.stats'> = {
  ...STRETCH,
  points: [{ ...nothingOf(USAGE_FIGURES), cpuCores: 2, rxBytesPerS: 10.4, at: AT - 10_000, sampledAt: AT }],
  containers: [
    {
      ...nothingOf(USAGE_FIGURES),
      cpuCores: 2,
      pids: 3,
      name: 'shop-web-1',
      service: 'web',
      restartCount: 1,
      startedAt: AT,
      at: AT,
    },
  ],
};
const SAMPLE: HostSample = {
  ...nothingOf(HOST_FIGURES),
  cpuCores: 1.5,
  load1: 2,
  load5: 1,
  load15: 0.5,
  memoryBytes: 2 ** 30,
  memoryTotalBytes: 2 ** 32,
  diskTotalBytes: 2 ** 40,
  uptimeS: 100,
  docker: { imageBytes: 5, containerBytes: 4, volumeBytes: null, buildCacheBytes: 0, at: AT },
  at: AT,
};

async function start(t: Test) {
  const world = new ControlWorld(t);
  const host = await world.join({ zone: 'eu' });
  const asked: (Params<'host.stats'> | Params<'service.stats'>)[] = [];
  host.answers = {
    'host.stats': async (question) => (asked.push(question), HOST_STATS),
    'service.stats': async (question) => (asked.push(question), SERVICE_STATS),
  };
  await host.connect(world);
  const id = await world.deployed(host, 'shop');
  const { http, key } = await startRealHttp(t, { world });
  const get = (path: string, secret = key) => http.get(path, secret);
  const keyOf = async (input: Partial<Caller>) =>
    (await world.app.keys.create(ADMIN, { name: 'bound', permissions: ['*'], ...toKey(input) })).secret;
  const scrape = async (secret = key) => {
    const answer = await fetch(`${http.url}/metrics`, { headers: { authorization: `Bearer ${secret}` } });
    return { status: answer.status, type: answer.headers.get('content-type'), text: await answer.text() };
  };
  return { world, host, id, asked, http, key, get, scrape, keyOf };
}

const toKey = ({ customerId, hostLabels, permissions }: Partial<Caller>) => ({
  ...(permissions && { permissions: [...permissions] }),
  ...(customerId && { customerId }),
  ...(hostLabels && { hostLabels }),
});

async function tell({ peer }: FakeHost, sample: HostSample): Promise<void> {
  peer?.notify('host.sample', sample);
  await peer?.request('echo', { data: '' });
}

t.test('a stretch is asked from the host, and gaps are null', async (t) => {
  const { get, host, id, asked } = await start(t);
  const { status, body } = await get(`/api/hosts/${host.id}/stats?since=2026-10-31T23:00:00%2B01:00&step=60`);
  t.equal(status, 200);
  t.match(body, {
    since: '2026-10-31T23:59:40.000Z',
    step: 10,
    points: [
      { timestamp: '2026-10-31T23:59:40.000Z', sampled_at: null, cpu_usage: null, memory_used_bytes: null },
      { sampled_at: '2026-11-01T00:00:00.000Z', cpu_usage: 0.123, load_1: 1.5, memory_used_bytes: 2 ** 30 },
    ],
  });
  t.match((await get(`/api/services/${id}/stats?container=shop-web-1&until=2026-11-01T00:00:00Z`)).body, {
    points: [{ cpu_usage: 2, network_rx_bytes_per_s: 10, pids: null }],
    containers: [{ name: 'shop-web-1', service: 'web', pids: 3, restart_count: 1 }],
  });
  t.strictSame(asked, [
    { since: Date.parse('2026-10-31T22:00:00Z'), stepMs: 60_000 },
    { serviceId: id, container: 'shop-web-1', until: AT },
  ]);
});

t.test('a question that makes no sense is refused before the host is asked', async (t) => {
  const { get, host, id, asked } = await start(t);
  for (const query of ['since=yesterday', 'step=5', 'step=1.5', 'step=100000', 'page=1', 'container=web'])
    t.equal((await get(`/api/hosts/${host.id}/stats?${query}`)).status, 400, query);
  t.equal((await get(`/api/services/${id}/stats?container=`)).status, 400);
  t.strictSame(asked, []);
});

t.test("another customer's service, and a host of other labels, are not there", async (t) => {
  const { get, keyOf, world, host, id, asked } = await start(t);
  const stranger = await keyOf({ customerId: await world.customer('Acme') });
  t.equal((await get(`/api/services/${id}/stats`, stranger)).status, 404);
  const elsewhere = await keyOf({ hostLabels: { zone: 'us' } });
  t.equal((await get(`/api/services/${id}/stats`, elsewhere)).status, 404);
  t.equal((await get(`/api/hosts/${host.id}/stats`, elsewhere)).status, 404);
  t.equal((await get('/api/hosts/host_none/stats')).status, 404);
  t.strictSame(asked, []);
});

t.test('a host that is away has no history to show', async (t) => {
  const { get, host, id } = await start(t);
  host.disconnect();
  for (const path of [`/api/hosts/${host.id}/stats`, `/api/services/${id}/stats`])
    t.match(await get(path), { status: 409, body: { error: { code: 'host_offline' } } });
});

t.test('the details of a host have what it said last, never dated ahead', async (t) => {
  const { get, world, host } = await start(t);
  t.match((await get(`/api/hosts/${host.id}`)).body, { resources: null });
  await tell(host, { ...SAMPLE, at: world.clock.now() + 3_600_000 });
  t.match((await get(`/api/hosts/${host.id}`)).body, {
    resources: {
      cpu_usage: 1.5,
      load_15: 0.5,
      memory_total_bytes: 2 ** 32,
      docker: { image_bytes: 5, volume_bytes: null },
      sampled_at: new Date(world.clock.now()).toISOString(),
    },
  });
});

t.test('metrics: the fleet, and the control plane itself, in the text format', async (t) => {
  const { scrape, host, id } = await start(t);
  await tell(host, SAMPLE);
  const { status, type, text } = await scrape();
  t.strictSame([status, type], [200, 'text/plain; version=0.0.4; charset=utf-8']);
  for (const line of [
    `longshore_host_cpu_cores_used{host_id="${host.id}",host="one"} 1.5`,
    `longshore_host_connected{host_id="${host.id}",host="one"} 1`,
    `longshore_host_docker_bytes{host_id="${host.id}",host="one",part="images"} 5`,
    `longshore_service_running{service_id="${id}",service="shop",host_id="${host.id}"} 1`,
    'longshore_left_out{kind="services"} 0',
    'longshore_agents_connected 1',
    'longshore_jobs_open{state="queued"} 0',
    'longshore_webhook_deliveries_waiting 0',
    'longshore_websockets_open 0',
  ])
    t.ok(text.includes(`\n${line}\n`), line);
  await eventually(async () => /^longshore_event_loop_lag_seconds\{quantile="0.99"\} /m.test((await scrape()).text));
  t.notMatch(text, /part="volumes"|temperature/, 'what is not known has no line');
  for (const line of text.trimEnd().split('\n'))
    t.match(line, /^(# (HELP|TYPE) [a-z_0-9]+ .+|[a-z_0-9]+(\{([a-z_]+="[^"]*",?)+\})? -?[0-9.e+-]+)$/, line);
});

t.test('metrics of a key that sees a part are that part, without the control plane', async (t) => {
  const { scrape, keyOf, world, host } = await start(t);
  const customerId = await world.customer('Acme');
  await world.deployed(host, 'theirs', { customerId });
  const customers = await scrape(await keyOf({ customerId }));
  t.match(customers.text, /service="theirs",host_id="[^"]+",customer_id="cust_/);
  t.notMatch(customers.text, /service="shop"|longshore_jobs_open|process_/);
  const elsewhere = await scrape(await keyOf({ hostLabels: { zone: 'us' } }));
  t.notMatch(elsewhere.text, /host="one"|service="/);
  const half = await scrape(await keyOf({ permissions: ['hosts.read'] }));
  t.equal(half.status, 403);
  t.match(JSON.parse(half.text), { error: { code: 'forbidden', details: 'Needs services.read' } });
});

/** A client on /api/ws that watches the service, and the clock it is asked by. */
async function watch(t: Test, watched: Awaited<ReturnType<typeof start>>, secret = watched.key) {
  const { world, id } = watched;
  const clock = new ManualClock();
  const { http } = await startRealHttp(t, { world, deps: { clock } });
  const socket = http.socket('/api/ws', { key: secret });
  await socket.opened;
  socket.say({ type: 'subscribe', types: ['service.stats'], service_ids: [id] });
  const told = (count: number) =>
    eventually(() => socket.messages.filter(({ type }) => type === 'service.stats'), {
      until: (it) => it.length === count,
    });
  /** Until the next look waits for its time, as it did when there were so many timers. */
  const rest = (timers: number) => eventually(() => clock.pending === timers, { intervalMs: 1 });
  return { clock, socket, told, rest };
}

t.test('who watches a service is told of each measurement once, and the host is asked only meanwhile', async (t) => {
  const watched = await start(t);
  const { host, id, asked } = watched;
  let at = AT;
  const [container] = SERVICE_STATS.containers;
  host.answers = {
    'service.stats': async (question) => {
      asked.push(question);
      return { ...SERVICE_STATS, containers: container ? [{ ...container, at }] : [] };
    },
  };
  await host.connect(watched.world);
  const { clock, socket, told, rest } = await watch(t, watched);
  t.match(await told(1), [{ service_id: id, containers: [{ name: 'shop-web-1', cpu_usage: 2 }] }]);
  const timers = clock.pending;
  clock.advance(LOOK_EVERY_MS);
  await rest(timers);
  t.equal(asked.length, 2);
  at += LOOK_EVERY_MS;
  clock.advance(LOOK_EVERY_MS);
  t.match(await told(2), [{}, { containers: [{ sampled_at: '2026-11-01T00:00:10.000Z' }] }]);
  socket.say({ type: 'unsubscribe', types: ['service.stats'] });
  await socket.untilType('unsubscribed');
  clock.advance(10 * LOOK_EVERY_MS);
  t.equal((await watched.get(`/api/services/${id}/stats`)).status, 200);
  t.equal(asked.length, 4, 'the last one by hand');
});

t.test('a watched host may go away and come back; a service that is gone is said', async (t) => {
  const watched = await start(t);
  const { host, id, world } = watched;
  const { clock, socket, told, rest } = await watch(t, watched);
  await told(1);
  const timers = clock.pending;
  host.disconnect();
  clock.advance(LOOK_EVERY_MS);
  await rest(timers);
  t.notOk(socket.messages.some(({ type }) => type === 'error'));
  await host.connect(world);
  const { job } = await world.app.services.remove(ADMIN, id, 0);
  await host.finish(job.id, {}, null);
  clock.advance(LOOK_EVERY_MS);
  t.match(await socket.untilType('error'), { code: 'not_found', service_id: id });
});

t.test("A32: another customer's figures cannot be watched, nor without services.read", async (t) => {
  const watched = await start(t);
  const { keyOf, world, asked } = watched;
  const stranger = await keyOf({ customerId: await world.customer('Acme') });
  t.match(await (await watch(t, watched, stranger)).socket.untilType('error'), { code: 'not_found' });
  const reader = await keyOf({ permissions: ['hosts.read', 'services.logs'] });
  t.match(await (await watch(t, watched, reader)).socket.untilType('error'), { code: 'forbidden' });
  t.strictSame(asked, []);
});

t.test('longshore stats shows what is and what was, of services and hosts', async (t) => {
  const { http, key, host, asked } = await start(t);
  await tell(host, SAMPLE);
  const run = (...args: string[]) => runCli(['stats', ...args], { url: http.url, env: { LONGSHORE_API_KEY: key } });
  t.match(await run('shop'), { exitCode: 0, stdout: /^CONTAINER\tCPU\t.*\nshop-web-1\t2\.00\t-\t.*\t3\t1\t/ });
  t.match(await run('shop', '--since', '2h', '--step', '1m'), {
    stdout: /^TIME\tCPU\t.*\n2026-10-31T23:59:50.000Z\t2\.00\t/,
  });
  t.match(asked.at(-1), { stepMs: 60_000 });
  for (const name of ['one', host.id]) t.match(await run(name), { stdout: /^name\tone\ncpu\t1\.50 of 2 cores\n/ });
  t.match(await run('one'), { stdout: /\nmemory\t1\.0G of 4\.0G\n/ });
  t.match(await run('one', '--since', '1h'), {
    stdout: /^TIME\tCPU\tLOAD\t.*\n.*Z\t-\t-\t.*\n.*Z\t0\.12\t1\.5\t1\.0G\t/,
  });
  t.match(JSON.parse((await run('one', '--json')).stdout), { cpu_usage: 1.5 });
  t.match(await run('nobody'), { exitCode: 3, stderr: /There is no service and no host "nobody"/ });
  t.match(await run('shop', '--step', '1m'), { exitCode: 2 });
  for (const wrong of [
    ['one', '-f'],
    ['shop', '-f', '--since', '1h'],
  ])
    t.match(await run(...wrong), { exitCode: 2, stderr: /--follow is for what a service uses/ });
});

t.test('longshore stats --follow goes on until Ctrl-C', async (t) => {
  const { http, key } = await start(t);
  const interrupt = new AbortController();
  const options = { url: http.url, env: { LONGSHORE_API_KEY: key }, interrupt: interrupt.signal };
  const table = startCli(['stats', 'shop', '-f'], options);
  const lines = startCli(['stats', 'shop', '-f', '--json'], options);
  await eventually(() => table.stdout.includes('shop-web-1') && lines.stdout.endsWith('\n'));
  interrupt.abort();
  t.equal((await table.done).exitCode, 130);
  t.match(JSON.parse((await lines.done).stdout), [{ name: 'shop-web-1', pids: 3 }]);
});
