// Which hosts are connected now: one session a host, the newest. Owns the map and its listeners; gateway.ts fills it,
// control/app dispatches through it.
import { LongshoreError } from '#shared/errors.ts';
import type { Logger } from '#shared/log.ts';
import type { Proof } from '#shared/protocol/handshake.ts';
import type { Peer, RequestOptions } from '#shared/protocol/peer-types.ts';
import type { MethodName, Params, Result } from '#shared/protocol/schema.ts';
import { CLOSE } from '#shared/protocol/limits.ts';

/** A host that has proven who it is. */
export interface Caller {
  hostId: string;
  /** Canonical public key, see shared/protocol/identity.ts. */
  agentKey: string;
  /** What the host said of itself when it connected. */
  proof: Proof;
  remoteAddress: string;
  /** Milliseconds since the epoch. */
  connectedAt: number;
}

export interface Session extends Caller {
  peer: Peer;
}

type Listener = (session: Session) => void;

/** An agent that lost its link is back within its first windows (1, 2, 4 s), unless the host itself is away. */
const RETRY_AFTER_S = 5;

export class Sessions {
  readonly #log: Logger;
  readonly #byHost = new Map<string, Session>();
  readonly #onConnect = new Set<Listener>();
  readonly #onDisconnect = new Set<Listener>();

  constructor(log: Logger) {
    this.#log = log;
  }

  find(hostId: string): Session | undefined {
    return this.#byHost.get(hostId);
  }

  /** Throws `host_offline`. */
  require(hostId: string): Session {
    const session = this.find(hostId);
    if (session) return session;
    throw new LongshoreError('host_offline', { retryAfter: RETRY_AFTER_S });
  }

  /** A request to a host that must be there: throws `host_offline` also when the link closes before the answer. */
  async ask<M extends MethodName>(
    hostId: string,
    method: M,
    params: Params<M>,
    options?: RequestOptions,
  ): Promise<Result<M>> {
    try {
      return await this.require(hostId).peer.request(method, params, options);
    } catch (cause) {
      if (!(cause instanceof LongshoreError) || cause.code !== 'link_closed') throw cause;
      throw new LongshoreError('host_offline', { retryAfter: RETRY_AFTER_S, cause });
    }
  }

  list(): Session[] {
    return [...this.#byHost.values()];
  }

  get count(): number {
    return this.#byHost.size;
  }

  /** Returns what takes the listener off again. */
  onConnect(listener: Listener): () => void {
    this.#onConnect.add(listener);
    return () => this.#onConnect.delete(listener);
  }

  /** Called before a newer session of the same host connects, never after. */
  onDisconnect(listener: Listener): () => void {
    this.#onDisconnect.add(listener);
    return () => this.#onDisconnect.delete(listener);
  }

  /** The host must have no session; see `drop`. Leaves by itself when its peer closes. */
  add(session: Session): void {
    this.#byHost.set(session.hostId, session);
    void session.peer.closed.then(() => this.#remove(session));
    this.#tell(this.#onConnect, session);
  }

  /** Ends a session now, without waiting for its socket. */
  drop(session: Session, code: number, reason: string): void {
    session.peer.destroy(code, reason);
    this.#remove(session);
  }

  /** Closes the host's link with 4403; the store already knows that it is revoked. */
  revoke(hostId: string): void {
    const session = this.find(hostId);
    if (session) this.drop(session, CLOSE.revoked, 'revoked');
  }

  #remove(session: Session): void {
    if (this.#byHost.get(session.hostId) !== session) return;
    this.#byHost.delete(session.hostId);
    this.#tell(this.#onDisconnect, session);
  }

  #tell(listeners: Set<Listener>, session: Session): void {
    for (const listener of listeners) {
      try {
        listener(session);
      } catch (error) {
        this.#log.error({ err: error, hostId: session.hostId }, 'a session listener failed');
      }
    }
  }
}
