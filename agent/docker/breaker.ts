// Whether Docker answers at all. A call that gets no answer in time may be slow by itself, so one small question settles
// it; while Docker is silent every other call is refused at once instead of waiting for its own deadline.
//
//   closed ──a call is late──▶ doubted ──the question is late too──▶ open ──▶ asks every 5 s
//     ▲────────answer──────────────┘                                  │
//     └──────────────────────────────answer───────────────────────────┘
//
// Being refused is an answer: a socket nobody listens on fails by itself, and at once.
import type { Clock } from '#shared/time.ts';

/** A frozen engine that comes back is noticed this soon. */
const ASK_EVERY_MS = 5_000;

export interface BreakerDeps {
  /** A question that any engine answers at once. Resolves to false when no answer came in time; never rejects. */
  ask: () => Promise<boolean>;
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
    if (!this.#isAsking && this.#openSince === null) void this.#ask();
  }

  /** Asks no more. */
  stop(): void {
    this.#isStopped = true;
    this.#cancel?.();
  }

  async #ask(): Promise<void> {
    this.#isAsking = true;
    const askedAt = this.#deps.clock.now();
    const isAnswering = await this.#deps.ask();
    this.#isAsking = false;
    if (this.#isStopped) return;
    if (!isAnswering) this.#cancel = this.#deps.clock.after(ASK_EVERY_MS, () => void this.#ask());
    this.#set(isAnswering ? null : (this.#openSince ?? askedAt));
  }

  #set(openSince: number | null): void {
    if (this.#openSince === openSince) return;
    this.#openSince = openSince;
    for (const listener of this.#listeners) listener();
  }
}
