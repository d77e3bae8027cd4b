// Whether Docker answers at all. A call that gets no answer in time may be slow by itself, so one small question settles
// it; while Docker is silent every other call is refused at once instead of waiting for its own deadline.
//
//   closed ──a call is late──▶ doubted ──the question is late too──▶ open ──▶ asks on and on
//     ▲────────answer──────────────┘                                  │
//     └──────────────────────────────answer───────────────────────────┘
//
// Being refused is an answer: a socket nobody listens on fails by itself, and at once.
import type { Clock } from '#shared/time.ts';

/** Any engine that works answers a question this soon. */
const DOUBT_MS = 5_000;
/**
 * Once open it waits on for the same answer: a frozen engine gives it as soon as it is back, and one that is merely slow is
 * not given up for good. Each question takes a place in the engine's queue, which is not endless.
 */
const PATIENCE_MS = 60_000;
const PAUSE_MS = 1_000;

export interface BreakerDeps {
  /** A question that any engine answers at once. Resolves to false when no answer came within the limit; never rejects. */
  ask: (limitMs: number) => Promise<boolean>;
  clock: Clock;
}

export class Breaker {
  readonly #deps: BreakerDeps;
  readonly #listeners: (() => void)[] = [];
  #openSince: number | null = null;
  #isAsking = false;
  #cancel: (() => void) | undefined;
  #isStopped = false;

  constructor(deps: BreakerDeps) {
    this.#deps = deps;
  }

  /** Milliseconds since the epoch; null while it is closed. */
  get openSince(): number | null {
    return this.#openSince;
  }

  /** Calls back whenever it has opened or closed. */
  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /** A call had no answer in time. */
  doubt(): void {
    if (!this.#isStopped && !this.#isAsking && this.#openSince === null) void this.#ask(DOUBT_MS);
  }

  /** Asks no more. */
  stop(): void {
    this.#isStopped = true;
    this.#cancel?.();
  }

  async #ask(limitMs: number): Promise<void> {
    this.#isAsking = true;
    const askedAt = this.#deps.clock.now();
    const isAnswering = await this.#deps.ask(limitMs);
    this.#isAsking = false;
    if (this.#isStopped) return;
    if (!isAnswering) this.#cancel = this.#deps.clock.after(PAUSE_MS, () => void this.#ask(PATIENCE_MS));
    this.#set(isAnswering ? null : (this.#openSince ?? askedAt));
  }

  #set(openSince: number | null): void {
    if (this.#openSince === openSince) return;
    this.#openSince = openSince;
    for (const listener of this.#listeners) listener();
  }
}
