// The parties of the flood bench: the log paths of an agent and of control as the log bench has them, and followers that
// count what came and what they were told they missed, or look how late each line is.
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { countEntries, startLogAgent, startLogControl } from './log-roles.ts';
import { percentile } from './report.ts';
import { playRole, type Usage } from './roles.ts';

export type FloodOrders = {
  control: [null, { port: number }];
  agent: [{ socketPath: string; port: number; projects: Record<string, string> }, null];
  /** Answers once the socket is open. */
  follow: [Follow, null];
  /** Answers once so many lines have come or are told to be missed. */
  count: [{ lines: number }, Counted];
  /** How late lines were, from their timestamp to here. */
  lateness: [null, { lines: number; p99Ms: number; mostMs: number }];
  usage: [null, Usage];
};

interface Follow {
  port: number;
  serviceId: string;
  /** How long it leaves each message lying before it reads on. */
  pauseMs: number;
  /** Looks at each line, which costs too much in a flood. */
  isTimed: boolean;
}

interface Counted {
  delivered: number;
  missed: number;
}

const POLL_MS = 20;
const LONGEST_GAP_BYTES = 100;
const GAP = /"type":"gap","missed":(\d+)/;
const TIMESTAMP = /"timestamp":"([^"]+)"/g;
const counted: Counted = { delivered: 0, missed: 0 };
const latenessMs: number[] = [];

async function follow({ port, serviceId, pauseMs, isTimed }: Follow): Promise<null> {
  const openedAt = Date.now();
  const socket = new WebSocket(`ws://127.0.0.1:${port}/${serviceId}`, { perMessageDeflate: false });
  socket.on('message', (message: Buffer) => {
    count(message);
    if (isTimed) time(message, openedAt);
    if (pauseMs === 0) return;
    socket.pause();
    setTimeout(() => socket.resume(), pauseMs);
  });
  await once(socket, 'open');
  return null;
}

function count(message: Buffer): void {
  const gap = message.length < LONGEST_GAP_BYTES ? GAP.exec(message.toString()) : null;
  counted.missed += Number(gap?.[1] ?? 0);
  counted.delivered += countEntries(message);
}

/** Lines of before somebody followed are not late. */
function time(message: Buffer, openedAt: number): void {
  const now = Date.now();
  const writtenAt = [...message.toString().matchAll(TIMESTAMP)].map(([, timestamp = '']) => Date.parse(timestamp));
  latenessMs.push(...writtenAt.filter((at) => at >= openedAt).map((at) => now - at));
}

playRole<FloodOrders>({
  follow,
  control: async () => ({ port: await startLogControl() }),
  agent: async ({ projects, ...order }) => {
    await startLogAgent({ ...order, source: 'api', projectOf: (serviceId) => projects[serviceId] });
    return null;
  },
  count: async ({ lines }) => {
    while (counted.delivered + counted.missed < lines) await sleep(POLL_MS);
    return counted;
  },
  lateness: async () => {
    const lines = latenessMs.length;
    return { lines, p99Ms: percentile(latenessMs, 0.99), mostMs: Math.max(...latenessMs) };
  },
});
