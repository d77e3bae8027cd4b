// `api`: a page of 20 from 1 000, 10 000 and 100 000 services, against a bare Fastify that answers with the same bytes; and
// the same while services change their status and ten sockets hear of it.
//
//     node bench/api.ts             SIZES=1000,100000 for fewer sizes, ROUNDS=3, ROUND_MS=3000
import type { Asked, ApiOrders } from './support/api-roles.ts';
import { percentile, printTable, round } from './support/report.ts';
import { RoleProcess } from './support/roles.ts';

const SIZES = (process.env['SIZES'] ?? '1000,10000,100000').split(',').map(Number);
const ROUNDS = Number(process.env['ROUNDS'] ?? 3);
const ROUND_MS = Number(process.env['ROUND_MS'] ?? 3000);
const WARM_MS = 1000;
const CONNECTIONS = 10;
const SOCKETS = 10;
const CHANGES_PER_SECOND = 50;
const PATH = '/api/services?per_page=20';
const ROLES = './api-roles.ts';

interface Round extends Asked {
  perSecond: number;
  /** CPU of the server for a request. */
  cpuUs: number;
}

interface Party {
  url: string;
  process: RoleProcess<ApiOrders>;
  rounds: Round[];
}

const client = new RoleProcess<ApiOrders>(ROLES);
const rows: Record<string, string | number>[] = [];
/** Requests a second while nothing changes, of both, by the number of services. */
const quiet = new Map<number, { ours: number; bare: number }>();

for (const services of SIZES) {
  const ours = new RoleProcess<ApiOrders>(ROLES);
  const { url, key } = await ours.order('serve', { services });
  const text = await (await fetch(url + PATH, { headers: { authorization: `Bearer ${key}` } })).text();
  const peer = new RoleProcess<ApiOrders>(ROLES);
  const bare: Party = { process: peer, rounds: [], url: (await peer.order('bare', { text })).url };
  const alone: Party = { process: ours, rounds: [], url };
  await inTurn([bare, alone], key);
  quiet.set(services, { ours: medianOf(alone, 'perSecond'), bare: medianOf(bare, 'perSecond') });
  rows.push(toRow(services, 'nothing changes', alone, bare, text.length));

  const live: Party = { process: ours, rounds: [], url };
  const bareAgain: Party = { ...bare, rounds: [] };
  const listener = new RoleProcess<ApiOrders>(ROLES);
  await listener.order('listen', { url, key, sockets: SOCKETS });
  await ours.order('change', { perSecond: CHANGES_PER_SECOND });
  await inTurn([bareAgain, live], key);
  const { changed } = await ours.order('change', { perSecond: 0 });
  const { messages } = await listener.order('heard', null);
  rows.push(
    toRow(services, `${SOCKETS} sockets hear ${changed} changes (${messages} messages)`, live, bareAgain, text.length),
  );
  for (const party of [listener, peer, ours]) {
    await party.order('stop', null);
    party.end();
  }
}
client.end();
printTable(`api: GET ${PATH}, ${CONNECTIONS} connections, median of ${ROUNDS}`, rows);
const [smallest = 0, largest = 0] = [SIZES[0], SIZES.at(-1)];
const slowdown = (who: 'ours' | 'bare') =>
  round((quiet.get(smallest)?.[who] ?? 0) / (quiet.get(largest)?.[who] ?? 1), 2);
console.log(
  `\nFrom ${smallest} to ${largest} services ${slowdown('ours')} times slower, the bare server meanwhile ${slowdown('bare')}.`,
);

/** In turn, so that all meet the same machine; the first round warms up and does not count. */
async function inTurn(parties: Party[], key: string): Promise<void> {
  for (const party of parties) await measure(party, key, WARM_MS);
  for (const party of parties) party.rounds.length = 0;
  for (let n = 0; n < ROUNDS; n++) for (const party of parties) await measure(party, key, ROUND_MS);
}

async function measure({ url, process: server, rounds }: Party, key: string, durationMs: number): Promise<void> {
  const before = await server.usage();
  const start = performance.now();
  const asked = await client.order('ask', { url, path: PATH, key, connections: CONNECTIONS, durationMs });
  const seconds = (performance.now() - start) / 1000;
  const cpuMs = (await server.usage()).cpuMs - before.cpuMs;
  rounds.push({ ...asked, perSecond: asked.requests / seconds, cpuUs: (cpuMs * 1000) / asked.requests });
}

function medianOf({ rounds }: Party, figure: keyof Round): number {
  return percentile(
    rounds.map((each) => each[figure]),
    0.5,
  );
}

function toRow(
  services: number,
  what: string,
  ours: Party,
  bare: Party,
  bytes: number,
): Record<string, string | number> {
  const [mine, theirs] = [medianOf(ours, 'perSecond'), medianOf(bare, 'perSecond')];
  return {
    services,
    meanwhile: what,
    bytes: bytes,
    'bare Fastify, req/s': Math.round(theirs),
    'Longshore, req/s': Math.round(mine),
    ratio: round(mine / theirs, 2),
    'bare p50 / p99, ms': `${round(medianOf(bare, 'p50Ms'), 2)} / ${round(medianOf(bare, 'p99Ms'), 2)}`,
    'ours p50 / p99, ms': `${round(medianOf(ours, 'p50Ms'), 2)} / ${round(medianOf(ours, 'p99Ms'), 2)}`,
    'CPU µs a request, bare / ours': `${round(medianOf(bare, 'cpuUs'))} / ${round(medianOf(ours, 'cpuUs'))}`,
  };
}
