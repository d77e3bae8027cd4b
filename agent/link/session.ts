// The agent's link for as long as the agent lives: connects, stays, comes back. Whoever needs control asks for
// `current`; nothing here waits for it, because the host works on without.
//
//   connecting ──welcome──▶ up ──lost──▶ waiting ──▶ connecting
//        └──refused──▶ waiting | refused | revoked ──▶ connecting        (agent/link/backoff.ts says when)
import { LongshoreError, toLongshoreError } from '#shared/errors.ts';
import type { Scope } from '#shared/lifecycle.ts';
import type { Logger } from '#shared/log.ts';
import { errorOfClose } from '#shared/protocol/closing.ts';
import type { Welcome } from '#shared/protocol/handshake.ts';
import type { Peer } from '#shared/protocol/peer-types.ts';
import { CLOSE } from '#shared/protocol/limits.ts';
import { sleep } from '#shared/time.ts';
import { planRetry, type Retry } from './backoff.ts';
import { connectToControl, type Connection, type ConnectOptions } from './connection.ts';

/** `revoked`: services keep running, no commands come; a person decides. `refused`: a person has to mend something. */
export type LinkState = 'connecting' | 'up' | Retry['state'] | 'stopped';

export interface Link {
  /** Undefined while there is no link. */
  readonly current: Peer | undefined;
  readonly state: LinkState;
  /** When it last came up or was lost; the start, before that. Milliseconds since the epoch. */
  readonly since: number;
  /** Why there is no link; undefined while there is. */
  readonly lastError: LongshoreError | undefined;
  /** Called at each welcome. Register before the first await after `startLink`, or look at `current` as well. */
  onUp(listener: (peer: Peer, welcome: Welcome) => void): void;
  onDown(listener: (error: LongshoreError) => void): void;
  /** Called each time control says that it has shut this host out, also instead of a welcome. */
  onRevoked(listener: () => void): void;
}

export interface LinkOptions extends Omit<ConnectOptions, 'connection' | 'signal'> {
  /** Uniform in [0, 1). */
  random: () => number;
  /** Tries are never further apart than this; default 64 s. */
  lastWindowMs?: number | undefined;
  /** Replaced in tests of the loop alone. */
  connect?: (options: ConnectOptions) => Promise<Connection>;
}

/** A link that stood this long has recovered: the next failure starts with the shortest window again. */
const STABLE_MS = 60_000;

/** Returns at once; the first welcome is told through `onUp`. Stops with the scope, after what is under way. */
export function startLink(options: LinkOptions, scope: Scope): Link {
  const link = new AgentLink(options);
  scope.onStop('link', () => link.stop());
  scope.run('link', (signal) => link.run(signal));
  return link;
}

class AgentLink implements Link {
  readonly #options: LinkOptions;
  readonly #log: Logger;
  readonly #onUp: ((peer: Peer, welcome: Welcome) => void)[] = [];
  readonly #onDown: ((error: LongshoreError) => void)[] = [];
  readonly #onRevoked: (() => void)[] = [];
  #current: Peer | undefined;
  #state: LinkState = 'connecting';
  #since: number;
  #lastError: LongshoreError | undefined;
  #connections = 0;
  #failures = 0;
  /** Once welcomed, the key is enough: the token is not shown again. */
  #hasJoined = false;

  constructor(options: LinkOptions) {
    this.#options = options;
    this.#log = options.log;
    this.#since = options.clock.now();
  }

  get current(): Peer | undefined {
    return this.#current;
  }

  get state(): LinkState {
    return this.#state;
  }

  get since(): number {
    return this.#since;
  }

  get lastError(): LongshoreError | undefined {
    return this.#lastError;
  }

  onUp(listener: (peer: Peer, welcome: Welcome) => void): void {
    this.#onUp.push(listener);
  }

  onDown(listener: (error: LongshoreError) => void): void {
    this.#onDown.push(listener);
  }

  onRevoked(listener: () => void): void {
    this.#onRevoked.push(listener);
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const error = await this.#live(signal);
      if (signal.aborted) break;
      await this.#rest(error, signal).catch((reason: unknown) => {
        if (!signal.aborted) throw reason;
      });
    }
    this.#state = 'stopped';
  }

  async stop(): Promise<void> {
    await this.#current?.close(CLOSE.goingAway, 'stopped');
  }

  /** One connection from its first byte to its end; returns why it ended. */
  async #live(signal: AbortSignal): Promise<LongshoreError> {
    this.#state = 'connecting';
    const attempt = await this.#connect(signal).catch(toLongshoreError);
    if (attempt instanceof LongshoreError) return attempt;
    if (signal.aborted) attempt.peer.destroy(CLOSE.goingAway, 'stopped');
    return await this.#stayUp(attempt);
  }

  #connect(signal: AbortSignal): Promise<Connection> {
    const { connect = connectToControl, destination } = this.#options;
    const { enrol, ...known } = destination;
    return connect({
      ...this.#options,
      destination: { ...known, enrol: this.#hasJoined ? undefined : enrol },
      connection: ++this.#connections,
      signal,
    });
  }

  /** Resolves when the link is lost. A listener that throws is a fault that ends the process, not the link. */
  async #stayUp({ peer, welcome }: Connection): Promise<LongshoreError> {
    this.#hasJoined = true;
    this.#current = peer;
    this.#state = 'up';
    this.#since = this.#options.clock.now();
    this.#lastError = undefined;
    this.#log.info({ hostId: welcome.hostId, connection: this.#connections }, 'connected to the control plane');
    const cancelStable = this.#options.clock.after(STABLE_MS, () => (this.#failures = 0));
    for (const listener of this.#onUp) listener(peer, welcome);
    const { code, reason } = await peer.closed;
    cancelStable();
    this.#current = undefined;
    this.#since = this.#options.clock.now();
    const error = errorOfClose(code, reason);
    for (const listener of this.#onDown) listener(error);
    return error;
  }

  async #rest(error: LongshoreError, signal: AbortSignal): Promise<void> {
    this.#failures += 1;
    const { random, lastWindowMs } = this.#options;
    const facts = { failures: this.#failures, code: error.code, retryAfterS: error.retryAfter, lastWindowMs };
    const { delayMs, state } = planRetry(facts, random);
    this.#lastError = error;
    this.#state = state;
    if (state === 'revoked') for (const listener of this.#onRevoked) listener();
    this.#log.warn({ err: error, delayMs, state }, 'no link to the control plane; services are not affected');
    await sleep(this.#options.clock, delayMs, signal);
  }
}
