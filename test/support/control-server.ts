// A bare WebSocket server with a gateway on it: control's end of the link and nothing else of control.
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Test } from 'tap';
import { WebSocketServer } from 'ws';
import { silentLogger } from '#shared/log.ts';
import { createIdentity, type Identity } from '#shared/protocol/identity.ts';
import { systemClock, type Clock } from '#shared/time.ts';
import {
  AGENT_SOCKET_OPTIONS,
  createGateway,
  type Gateway,
  type GatewayDeps,
  type IdentityConflict,
} from '../../control/agents/gateway.ts';
import { Sessions } from '../../control/agents/sessions.ts';
import { MemoryRegistry } from './agent-registry.ts';
import { noHandlers } from './peer-pair.ts';

export interface ControlServer {
  gateway: Gateway;
  sessions: Sessions;
  registry: MemoryRegistry;
  identity: Identity;
  conflicts: IdentityConflict[];
  port: number;
  /** Of each connection, in order: which port the agent speaks from. */
  remotePorts: number[];
  /** As in a join token. */
  url: string;
  /** Nobody reaches it any more. Safe to repeat. */
  stop(): Promise<void>;
}

export interface ControlOptions extends Partial<Omit<GatewayDeps, 'registry' | 'sessions' | 'onIdentityConflict'>> {
  registry?: MemoryRegistry;
  clock?: Clock;
  /** Default: this machine only. */
  host?: string;
  /** PEM; plain without. */
  tls?: { cert: string; key: string };
}

export async function startControlServer(t: Test, options: ControlOptions = {}): Promise<ControlServer> {
  const { host = '127.0.0.1', registry = new MemoryRegistry(), identity = createIdentity(), tls, ...rest } = options;
  const sessions = new Sessions(silentLogger());
  const conflicts: IdentityConflict[] = [];
  const gateway = createGateway({
    clock: systemClock,
    log: silentLogger(),
    handlersFor: () => ({ ...noHandlers(), requests: { echo: (params) => Promise.resolve(params) } }),
    ...rest,
    identity,
    registry,
    sessions,
    onIdentityConflict: (conflict) => conflicts.push(conflict),
  });
  const answer: RequestListener = (_request, response) => response.writeHead(426).end();
  const http = tls ? createTlsServer(tls, answer) : createServer(answer);
  const server = new WebSocketServer({ server: http, ...AGENT_SOCKET_OPTIONS });
  const remotePorts: number[] = [];
  server.on('connection', (ws, { socket }) => {
    remotePorts.push(socket.remotePort ?? 0);
    gateway.acceptAgent(ws, socket.remoteAddress ?? '');
  });
  http.listen(0, host);
  await once(http, 'listening');
  const stop = async () => {
    for (const ws of server.clients) ws.terminate();
    await new Promise((resolve) => server.close(resolve));
    http.closeAllConnections();
    await new Promise((resolve) => http.close(resolve));
  };
  t.teardown(stop);
  const { port } = http.address() as AddressInfo;
  const url = `${tls ? 'https' : 'http'}://${host}:${port}`;
  return { gateway, sessions, registry, identity, conflicts, port, remotePorts, url, stop };
}
