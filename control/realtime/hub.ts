// GET /api/ws once it is upgraded: the bus on one side, a session for each socket on the other.
import type { Logger } from 'pino';
import type { WebSocket } from 'ws';
import type { Caller } from '../app/api/caller.ts';
import type { Bus, LiveEvent } from '../app/api/live.ts';
import type { Corkable } from './log-socket.ts';
import { LiveSession, type LiveDeps } from './live-session.ts';

export interface HubDeps extends LiveDeps {
  app: LiveDeps['app'] & { bus: Bus };
  log: Logger;
}

export class Hub {
  readonly #deps: HubDeps;
  readonly #sessions = new Set<LiveSession>();

  constructor(deps: HubDeps) {
    this.#deps = deps;
  }

  /** Starts passing news on; returns what ends it. */
  listen(): () => void {
    return this.#deps.app.bus.subscribe((event) => this.#publish(event));
  }

  /** `tcp` is what carries the socket: log lines leave it in batches. */
  accept(socket: WebSocket, tcp: Corkable, caller: Caller): void {
    const session = new LiveSession(socket, tcp, caller, this.#deps);
    this.#sessions.add(session);
    socket.once('close', () => {
      this.#sessions.delete(session);
      session.end();
    });
  }

  /** A session that fails must not reach the publisher: it has committed already, and others wait for the same news. */
  #publish(event: LiveEvent): void {
    for (const session of this.#sessions) {
      try {
        session.offer(event);
      } catch (error) {
        this.#deps.log.error({ err: error, type: event.type }, 'a live event was not passed on');
      }
    }
  }
}
