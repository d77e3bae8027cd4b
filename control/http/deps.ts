// What the HTTP server is given by control/system.ts: the app layer, and who takes the sockets it has let in.
import type { Logger } from 'pino';
import type { WebSocket } from '@fastify/websocket';
import type { App, Caller } from '../app/api.ts';
import type { LogEntry } from '#shared/model.ts';
import type { Clock } from '#shared/time.ts';
import type { LogSink } from '../realtime/live-session.ts';

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
  /** Addresses (CIDR) whose X-Forwarded-For is believed; empty: the socket's address counts. */
  trustedProxy: string[];
  rateLimits: RateLimits;
  /** How users reach us; an https one turns on HSTS. Null: plain http on `listen`. */
  publicUrl: string | null;
}

export interface LogQuery {
  /** Lines from the end. */
  tail: number;
  /** RFC 3339. */
  since: string | null;
}

/** Logs of a service, for whoever the guard let through; both throw not_found for what the caller may not see. */
export interface LogAccess {
  read(caller: Caller, serviceId: string, query: LogQuery): Promise<LogEntry[]>;
  /** Owns the socket from here on: one message a line, a bounded queue, a count of what was missed. */
  follow(socket: WebSocket, caller: Caller, serviceId: string, query: LogQuery): void;
  /** New lines for a socket that shows other things as well; returns what closes it. */
  subscribe(caller: Caller, serviceId: string, sink: LogSink): () => void;
}

export interface HttpDeps {
  app: App;
  /** Owns the socket from here on: the agent's handshake, its limits, its end. */
  acceptAgent(socket: WebSocket, remoteAddress: string): void;
  /** Throws the error that answers the upgrade instead (`unavailable` with retryAfter in a reconnect storm). */
  admitAgent?(remoteAddress: string): void;
  logs: LogAccess;
  config: HttpConfig;
  clock: Clock;
  log: Logger;
}
