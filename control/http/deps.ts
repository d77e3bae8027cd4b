// What the HTTP server is given by control/system.ts: the app layer, and who takes the sockets it has let in.
import { createServer, type RequestListener, type Server, type ServerOptions } from 'node:http';
import type { Logger } from 'pino';
import type { WebSocket } from '@fastify/websocket';
import type { Clock } from '#shared/time.ts';
import type { App } from '../app/api/app.ts';
import type { LogHub } from '../realtime/log-hub.ts';
import type { LogSourceDeps } from '../realtime/log-upstream.ts';

/** Requests a minute. */
export interface RateLimits {
  /** By address, for requests without a valid key. */
  anonymous: number;
  /** By key, unless the key has its own limit. */
  authenticated: number;
  /** By key, for creating and redeploying services; counted apart from the others. */
  deploy: number;
}

export const DEFAULT_RATE_LIMITS: RateLimits = { anonymous: 60, authenticated: 120, deploy: 10 };

export interface HttpConfig {
  listen: { host: string; port: number };
  /** Where AIKit's paths are as in its document, at the same address; 0 or absent: nowhere. */
  aikitPort?: number;
  /** Addresses (CIDR) whose X-Forwarded-For is believed; empty: the socket's address counts. */
  trustedProxy: string[];
  rateLimits: RateLimits;
  /** How users reach us; an https one turns on HSTS. Null: as `listen` says. */
  publicUrl: string | null;
}

/** Not yet listening. */
export type CreateServer = (handler: RequestListener, limits: ServerOptions) => Server;

export const plainServer: CreateServer = (handler, limits) => createServer(limits, handler);

export interface HttpDeps {
  app: App;
  /** Of TLS servers, where TLS is on; plain ones by itself. */
  createServer?: CreateServer;
  /** Owns the socket from here on: the agent's handshake, its limits, its end. */
  acceptAgent(socket: WebSocket, remoteAddress: string): void;
  /** Throws what answers the upgrade instead: `unavailable` in a reconnect storm. */
  admitAgent(remoteAddress: string): void;
  /** Ends the links of all agents, each with its own time to come back. */
  closeAgents?: () => Promise<void>;
  /** Follows logs; the guard and the app have let the viewer through before it is asked. */
  logs: LogHub;
  /** Opens a service's log on its host; throws host_offline. */
  openLogs: LogSourceDeps['openLogs'];
  config: HttpConfig;
  clock: Clock;
  log: Logger;
}
