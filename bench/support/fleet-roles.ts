// The parties of the fleet bench as they speak with it: one control process and a few with agents in them.
import type { Usage } from './roles.ts';

export type ControlOrders = {
  /** Writes hosts with these keys into a new database, with one service each. */
  fill: [{ dataDir: string; keys: string[] }, null];
  /** Starts the control plane, whole. */
  start: [{ dataDir: string; port: number; tls: 'auto' | 'off'; baseDomain: string | null }, Started];
  /** As SIGTERM does: links close with 1012. */
  stop: [null, null];
  /** What the event loop was late since it was asked last. */
  lag: [null, Lag];
  /** Collects garbage, as V8 does sooner or later. */
  settle: [null, null];
  /** A WebSocket server that answers with what it got. */
  bareEcho: [null, { url: string }];
  usage: [null, Usage];
};

export interface Started {
  url: string;
  key: string;
  controlPin: string;
  tlsPin: string | null;
}

export interface Lag {
  p50Ms: number;
  p99Ms: number;
  mostMs: number;
}

export type AgentOrders = {
  /** Makes agents; returns their public keys. */
  make: [{ agents: number }, { keys: string[] }];
  /** Starts all their links. */
  start: [Pick<Started, 'url' | 'controlPin' | 'tlsPin'>, null];
  /** Answers once all have come in since then: when each did, on the clock of the machine. */
  untilIn: [{ since: number }, { inAt: number[] }];
  /** Drops all connections at once, without a word. */
  cut: [null, null];
  /** Answers once every agent has had as many commands as this since it was made: when each had. */
  untilHad: [{ commands: number }, { hadAt: number[] }];
  /** Each of the first agents asks for an echo again as soon as it has one. */
  echo: [{ agents: number; durationMs: number }, Echoes];
  /** The same over bare WebSockets. */
  bareEcho: [{ url: string; sockets: number; durationMs: number }, Echoes];
  stop: [null, null];
  usage: [null, Usage];
};

export interface Echoes {
  count: number;
  p50Ms: number;
  p99Ms: number;
}
