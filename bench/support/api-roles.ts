// The parties of the api bench: Longshore's HTTP over its real app and database, a bare Fastify that answers with the same
// bytes, and a client.
import Fastify from 'fastify';
import { WebSocket } from 'ws';
import { buildHttp } from '../../control/http/server.ts';
import { ADMIN, ControlWorld } from '../../test/support/control-world.ts';
import type { FakeHost } from '../../test/support/fake-host.ts';
import { fakeDeps } from '../../test/support/http-server.ts';
import { fillHosts, fillServices, toReport } from './fill.ts';
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
const UNLIMITED = { anonymous: 1e9, authenticated: 1e9, deploy: 1e9 };
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
  serviceIds = await fillServices(world.stores, [host.id], SERVICES_A_HOST);
  const hosts = await fillHosts(
    world.stores,
    Array.from({ length: Math.ceil(services / SERVICES_A_HOST) }, (_, n) => `key-${n}`),
  );
  await fillServices(world.stores, hosts, services - serviceIds.length);
  const { secret: key } = await world.app.keys.create(ADMIN, { name: 'bench', permissions: ['*'] });
  const deps = fakeDeps(world.app);
  const { http, stop } = await buildHttp({ ...deps, config: { ...deps.config, rateLimits: UNLIMITED } });
  cleanUp.push(stop);
  return { url: await http.listen({ host: '127.0.0.1', port: 0 }), key };
}

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
