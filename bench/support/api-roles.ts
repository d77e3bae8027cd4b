// The parties of the api bench: Longshore's HTTP over its real app and database, a bare Fastify that answers with the same
// bytes, and a client.
import Fastify from 'fastify';
import { WebSocket } from 'ws';
import { newId } from '#shared/ids.ts';
import type { ServiceReport } from '#shared/model.ts';
import { buildHttp } from '../../control/http/server.ts';
import type { ServiceRecord } from '../../control/store/records.ts';
import { ADMIN, ControlWorld } from '../../test/support/control-world.ts';
import { FACTS, type FakeHost } from '../../test/support/fake-host.ts';
import { fakeDeps } from '../../test/support/http-server.ts';
import { askRepeatedly } from './http-client.ts';
import { percentile } from './report.ts';
import { playRole, type Usage } from './roles.ts';

export type ApiOrders = {
  /** Fills a database and serves it. */
  serve: [{ services: number }, { url: string; key: string }];
  /** Changes the status of services from now on, so many a second; 0 stops. */
  change: [{ perSecond: number }, { changed: number }];
  bare: [{ text: string }, { url: string }];
  /** Asks as fast as answers come, over so many connections. */
  ask: [Ask, Asked];
  /** Opens sockets that hear all news. */
  listen: [{ url: string; key: string; sockets: number }, { open: number }];
  heard: [null, { messages: number }];
  stop: [null, null];
  usage: [null, Usage];
};

export interface Ask {
  url: string;
  path: string;
  key: string;
  connections: number;
  durationMs: number;
}

export interface Asked {
  requests: number;
  p50Ms: number;
  p99Ms: number;
}

const SERVICES_A_HOST = 20;
const SERVICES_A_CUSTOMER = 50;
/** Writes that share a commit while the database is filled. */
const BATCH = 256;
const UNLIMITED = { anonymous: 1e9, authenticated: 1e9, deploy: 1e9 };
/** A compose file of ordinary length; sealed apart from what the list reads. */
const COMPOSE = `services:\n  web:\n    image: ghcr.io/example/web:1.4.2\n${'    # a line of an ordinary file\n'.repeat(40)}`;

const SOURCE = {
  compose: COMPOSE,
  variables: { TOKEN: 'x'.repeat(32) },
  secretNames: ['TOKEN'],
  files: {},
  templateVersion: 1,
};

let cleanUp: (() => unknown)[] = [];
let world: ControlWorld;
let host: FakeHost;
let serviceIds: string[] = [];
let timer: NodeJS.Timeout | undefined;
let changed = 0;
let messages = 0;

async function serve({ services }: { services: number }) {
  world = new ControlWorld({ teardown: (run: () => unknown) => cleanUp.push(run) } as never);
  host = await world.joinAndConnect({}, 'busy');
  const busy = Array.from({ length: SERVICES_A_HOST }, (_, n) => toService(host.id, n));
  await inBatches(busy, (record) => world.stores.services.insert(record, SOURCE));
  serviceIds = busy.map(({ id }) => id);
  await fill(services - busy.length);
  const { secret: key } = await world.app.keys.create(ADMIN, { name: 'bench', permissions: ['*'] });
  const deps = fakeDeps(world.app);
  const { http, stop } = await buildHttp({ ...deps, config: { ...deps.config, rateLimits: UNLIMITED } });
  cleanUp.push(stop);
  return { url: await http.listen({ host: '127.0.0.1', port: 0 }), key };
}

/** Neighbours in a list lie on different hosts, as in a fleet that grew. */
async function fill(services: number): Promise<void> {
  const hosts = Array.from({ length: Math.ceil(services / SERVICES_A_HOST) }, () => newId('host'));
  await inBatches(hosts, (id, n) => {
    world.stores.hosts.insert({ id, name: `host-${n}`, agentKey: `key-${id}`, labels: { zone: 'eu' }, createdAt: n });
    world.stores.hosts.setFacts(id, { ...FACTS, hostname: `host-${n}`, addresses: ['203.0.113.7', '2001:db8::7'] }, n);
  });
  const records = Array.from({ length: services }, (_, n) => toService(hosts[n % hosts.length] as string, n));
  await inBatches(records, (record) => world.stores.services.insert(record, SOURCE));
}

async function inBatches<T>(items: T[], write: (item: T, n: number) => void): Promise<void> {
  for (let from = 0; from < items.length; from += BATCH) {
    const batch = items.slice(from, from + BATCH);
    await world.stores.writer.write(() => batch.forEach((item, i) => write(item, from + i)));
  }
}

function toService(hostId: string, n: number): ServiceRecord {
  const id = newId('svc');
  const at = Date.parse('2026-03-29T10:00:00Z') + n * 1000;
  return {
    id,
    name: `service-${n}`,
    displayName: `Service ${n}`,
    category: 'web',
    lifecycle: n % 10 === 0 ? 'stopped' : 'running',
    health: 'healthy',
    isEnabled: true,
    reason: null,
    customerId: `cust_${Math.floor(n / SERVICES_A_CUSTOMER)}`,
    hostId,
    method: 'template',
    templateId: 'uptime-kuma',
    labels: { team: 'platform', tier: 'gold' },
    revision: 3,
    rollbackOnFailure: true,
    healthTimeoutS: 120,
    createdAt: at,
    updatedAt: at,
    deployedAt: at,
    limits: { cpu: 1, memoryMb: 512 },
    suspendedFrom: null,
    autoUpdate: null,
    updateAvailable: null,
    setId: null,
    setRevision: null,
    hostname: null,
    report: toReport(id, n, at),
  };
}

const toReport = (serviceId: string, n: number, at: number): ServiceReport => ({
  serviceId,
  lifecycle: 'running',
  health: 'healthy',
  reason: null,
  revision: 3,
  containers: ['web', 'cache'].map((service, i) => ({
    id: `${n}`.padStart(64, 'c0ffee'),
    name: `service-${n}-${service}-1`,
    service,
    image: `ghcr.io/example/${service}:1.4.2`,
    imageId: `sha256:${`${n}`.padStart(64, '0')}`,
    state: 'running',
    health: 'healthy',
    exitCode: null,
    startedAt: at,
    ports: i === 0 ? [{ host: 8000 + (n % 1000), container: 80, protocol: 'tcp', address: '0.0.0.0' }] : [],
  })),
  at,
});

/** The way an agent's word takes: a report, its commit, the news to everyone. */
async function change({ perSecond }: { perSecond: number }) {
  clearInterval(timer);
  if (perSecond > 0)
    timer = setInterval(() => {
      const n = changed++;
      const report = toReport(serviceIds[n % serviceIds.length] as string, n, Date.now());
      const isSick = Math.floor(n / serviceIds.length) % 2 === 0; // each time another word than the last
      void host.tell({ kind: 'service.report', report: { ...report, health: isSick ? 'unhealthy' : 'healthy' } });
      host.memory.events.splice(0, host.memory.events.length - 1); // only the last number is needed
    }, 1000 / perSecond);
  return { changed };
}

async function bare({ text }: { text: string }) {
  const http = Fastify();
  http.get('/api/services', (_request, reply) => reply.type('application/json; charset=utf-8').send(text));
  cleanUp.push(() => http.close());
  return { url: await http.listen({ host: '127.0.0.1', port: 0 }) };
}

async function ask({ url, path, key, connections, durationMs }: Ask): Promise<Asked> {
  const end = performance.now() + durationMs;
  const headers = { authorization: `Bearer ${key}` };
  const workers = Array.from({ length: connections }, () => askRepeatedly(new URL(path, url), headers, end));
  const times = (await Promise.all(workers)).flat();
  return { requests: times.length, p50Ms: percentile(times, 0.5), p99Ms: percentile(times, 0.99) };
}

async function listen({ url, key, sockets }: { url: string; key: string; sockets: number }) {
  for (let i = 0; i < sockets; i++) {
    const socket = new WebSocket(`${url.replace('http', 'ws')}/api/ws`, {
      headers: { authorization: `Bearer ${key}` },
    });
    socket.on('message', () => messages++);
    await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
    cleanUp.push(() => socket.terminate());
  }
  return { open: sockets };
}

async function stop(): Promise<null> {
  clearInterval(timer);
  for (const run of cleanUp.toReversed()) await run();
  cleanUp = [];
  return null;
}

playRole<ApiOrders>({ serve, change, bare, ask, listen, stop, heard: () => Promise.resolve({ messages }) });
