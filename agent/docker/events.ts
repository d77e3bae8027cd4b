// One event stream to Docker for everybody. Subscribers hear of a project's containers, or of all.
//
// Level-triggered: Docker's stream may break and forget, so after each (re)connect everyone gets `resync` and lists.
// An event is a hint to look, never the truth.
import { sleep, type Clock } from '#shared/time.ts';
import type { Logger } from '#shared/log.ts';
import type { Breaker } from './breaker.ts';
import type { Engine, EngineEvent } from './engine.ts';

export type EngineSignal = { kind: 'event'; event: EngineEvent } | { kind: 'resync' };
export type Listener = (signal: EngineSignal) => void;

export interface EventHub {
  /** Whether the stream is up and Docker answers; while it is not so, lists fail too. */
  readonly isConnected: boolean;
  /** Since when it is not so, in milliseconds since the epoch; null before the first try has ended, and while it is. */
  readonly awaySince: number | null;
  /** Calls `listener` for one project, or for all containers (`'*'`). The returned function ends it; twice is fine. */
  subscribe(project: string, listener: Listener): () => void;
  /** Tells everybody what Docker cannot know, as an event of its own. */
  announce(event: EngineEvent): void;
}

export interface EventHubDeps {
  engine: Pick<Engine, 'openEvents'>;
  /** A stream stays up while Docker is frozen, and who looked meanwhile saw nothing. Absent: the stream alone tells. */
  breaker?: Pick<Breaker, 'openSince' | 'onChange'>;
  clock: Clock;
  log: Logger;
}

/** Docker restarts within seconds; a short, capped backoff finds it soon and costs nothing. */
const RETRY_MS = { first: 100, most: 5_000 };

/** Connects in the background and keeps reconnecting until the signal aborts. */
export function startEventHub(deps: EventHubDeps, signal: AbortSignal): EventHub {
  const hub = new Hub(deps);
  void hub.run(signal);
  return hub;
}

class Hub implements EventHub {
  readonly #deps: EventHubDeps;
  readonly #listeners = new Map<string, Set<Listener>>();
  #isOpen = false;
  #lostAt: number | null = null;

  constructor(deps: EventHubDeps) {
    this.#deps = deps;
    deps.breaker?.onChange(() => this.#resync());
  }

  get isConnected(): boolean {
    return this.#isOpen && (this.#deps.breaker?.openSince ?? null) === null;
  }

  get awaySince(): number | null {
    return this.#lostAt ?? this.#deps.breaker?.openSince ?? null;
  }

  subscribe(project: string, listener: Listener): () => void {
    const listeners = this.#listeners.get(project) ?? new Set();
    this.#listeners.set(project, listeners.add(listener));
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0 && this.#listeners.get(project) === listeners) this.#listeners.delete(project);
    };
  }

  announce(event: EngineEvent): void {
    this.#tell(event);
  }

  async run(signal: AbortSignal): Promise<void> {
    let delayMs = RETRY_MS.first;
    while (!signal.aborted) {
      try {
        const { closed } = await this.#deps.engine.openEvents((event) => this.#tell(event), signal);
        delayMs = RETRY_MS.first;
        this.#isOpen = true;
        this.#lostAt = null;
        this.#resync();
        await closed;
      } catch (error) {
        if (!signal.aborted) this.#deps.log.debug({ err: error }, 'no event stream from Docker');
      }
      this.#isOpen = false;
      this.#lostAt ??= this.#deps.clock.now();
      await sleep(this.#deps.clock, delayMs, signal).catch(() => undefined); // aborted: the loop ends
      delayMs = Math.min(delayMs * 2, RETRY_MS.most);
    }
  }

  #resync(): void {
    if (!this.isConnected) return;
    for (const listeners of this.#listeners.values()) this.#call(listeners, { kind: 'resync' });
  }

  #tell(event: EngineEvent): void {
    for (const key of event.project ? [event.project, '*'] : ['*']) {
      const listeners = this.#listeners.get(key);
      if (listeners) this.#call(listeners, { kind: 'event', event });
    }
  }

  /** A listener that throws must not silence the others. */
  #call(listeners: Set<Listener>, signal: EngineSignal): void {
    for (const listener of listeners) {
      try {
        listener(signal);
      } catch (error) {
        this.#deps.log.error({ err: error }, 'an event listener failed');
      }
    }
  }
}
