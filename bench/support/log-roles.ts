// The parties of the log bench, each in a process of its own, so that CPU and memory have an owner:
//
//   docker ──▶ agent ══ peer ══▶ control ──▶ client        docker ──▶ dockerode
//
// The first message from the bench is the order; a role answers with what it needs to tell.
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { PassThrough } from 'node:stream';
import Dockerode from 'dockerode';
import { WebSocket, WebSocketServer } from 'ws';
import { createDockerEngine } from '../../agent/docker/docker-engine.ts';
import { createLogStreamer } from '../../agent/docker/logs.ts';
import { createMask } from '../../agent/secrets/mask.ts';
import { LogHub } from '../../control/realtime/log-hub.ts';
import { serveLogSocket } from '../../control/realtime/log-socket.ts';
import { LongshoreError } from '#shared/errors.ts';
import { silentLogger } from '#shared/log.ts';
import { createPeer } from '#shared/protocol/peer.ts';
import type { Peer } from '#shared/protocol/peer-types.ts';
import { wsSocket } from '#shared/protocol/ws-socket.ts';
import { systemClock } from '#shared/time.ts';

export interface Order {
  role: 'agent' | 'control' | 'client' | 'dockerode';
  socketPath: string;
  project: string;
  container: string;
  /** Where control listens; 0 for control itself. */
  port: number;
  lines: number;
  /** Where the agent reads: the log files, or the Engine's API as for lines that come live. */
  source: 'files' | 'api';
}

export interface Usage {
  cpuMs: number;
  rssBytes: number;
}

/** What a role says: where it listens, that it is ready, how much it used, that it has all lines. */
export type Report = { port?: number; isReady?: true; usage?: Usage; receivedBytes?: number };

const SERVICE_ID = 'svc_bench';
const ONE_BOX = { clock: systemClock, log: silentLogger() };

/** Secrets that the lines are searched for; none of them holds one. */
const SECRETS = Number(process.env['SECRETS'] ?? 0);

export type LogAgent = Pick<Order, 'socketPath' | 'port' | 'source'> & {
  projectOf: (serviceId: string) => string | undefined;
};

/** The part of an agent that streams logs, linked to control. */
export async function startLogAgent({ socketPath, port, source, projectOf }: LogAgent): Promise<void> {
  const mask = createMask(Array.from({ length: SECRETS }, () => randomBytes(24).toString('base64url')));
  const engine = createDockerEngine({ socketPath });
  const logs = createLogStreamer({
    ...ONE_BOX,
    socketPath,
    listContainers: (name) => engine.listProject(name),
    onContainerChange: () => () => undefined,
    projectOf,
    maskOf: () => () => mask,
    ...(source === 'api' && { findLogFile: () => Promise.resolve(undefined) }),
  });
  const ws = new WebSocket(`ws://127.0.0.1:${port}/agent`, { perMessageDeflate: false });
  await once(ws, 'open');
  createPeer({ ...ONE_BOX, socket: wsSocket(ws), handlers: { requests: {}, notifications: {}, streams: { logs } } });
}

async function runAgent(order: Order): Promise<void> {
  await startLogAgent({ ...order, projectOf: () => order.project });
  report({ isReady: true });
}

/** The part of control that hands logs to its viewers, who ask for `/SERVICE_ID`. Returns its port. */
export async function startLogControl(): Promise<number> {
  let agent: Peer | undefined;
  const hub = new LogHub({
    ...ONE_BOX,
    openLogs: (serviceId, params) => {
      if (!agent) throw new LongshoreError('host_offline');
      return agent.openStream('logs', { serviceId, ...params });
    },
    onHostUp: () => () => undefined,
  });
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: false });
  server.on('connection', (ws, request) => {
    const handlers = { requests: {}, notifications: {}, streams: {} };
    if (request.url === '/agent') agent = createPeer({ ...ONE_BOX, socket: wsSocket(ws), handlers });
    else serveLogSocket(hub, ws, request.socket, { serviceId: request.url?.slice(1) ?? '', ...WHOLE_LOG });
  });
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

const WHOLE_LOG = { tail: null, since: null, isBatch: true };

async function runControl(): Promise<void> {
  report({ port: await startLogControl() });
}

/** Entries in a message, without looking into them. */
export function countEntries(message: Buffer): number {
  let entries = 0;
  for (let at = message.indexOf(ENTRY); at >= 0; at = message.indexOf(ENTRY, at + ENTRY.length)) entries++;
  return entries;
}

const ENTRY = Buffer.from('{"timestamp":"');

/** Counts entries as `wc -l` counts lines: without looking into them. */
async function runClient({ port, lines }: Order): Promise<void> {
  const ws = new WebSocket(`ws://127.0.0.1:${port}/${SERVICE_ID}`, { perMessageDeflate: false });
  let entries = 0;
  let bytes = 0;
  ws.on('message', (data: Buffer) => {
    bytes += data.length;
    entries += countEntries(data);
    if (entries < lines) return;
    report({ receivedBytes: bytes });
    ws.terminate();
  });
  await once(ws, 'open');
}

async function runDockerode({ socketPath, container, lines }: Order): Promise<void> {
  const docker = new Dockerode({ socketPath });
  const query = { follow: true as const, stdout: true, stderr: true, timestamps: true };
  const logs = await docker.getContainer(container).logs(query);
  const out = new PassThrough();
  let [count, bytes] = [0, 0];
  out.on('data', (data: Buffer) => {
    bytes += data.length;
    for (let at = data.indexOf(10); at >= 0; at = data.indexOf(10, at + 1)) count++;
    if (count >= lines) report({ receivedBytes: bytes });
  });
  docker.modem.demuxStream(logs, out, out);
}

const ROLES = { agent: runAgent, control: runControl, client: runClient, dockerode: runDockerode };

function report(message: Report): void {
  process.send?.(message);
}

function usage(): Usage {
  const { user, system } = process.cpuUsage();
  return { cpuMs: (user + system) / 1000, rssBytes: process.memoryUsage.rss() };
}

if (import.meta.main) {
  process.on('message', (order: Order | 'usage') => {
    if (order === 'usage') report({ usage: usage() });
    else void ROLES[order.role](order);
  });
  process.on('disconnect', () => process.exit());
}
