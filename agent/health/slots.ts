// So many begin at once and no more; the others wait in the order they came. Work that takes long goes on without its
// slot: a few that hang must not keep all others waiting.
import { aborted, type Clock } from '#shared/time.ts';

export interface SlotsOptions {
  count: number;
  /** Past it the slot is another's. */
  holdMs: number;
  clock: Clock;
}

export class Slots {
  readonly #waiting = new Set<() => void>();
  readonly #options: SlotsOptions;
  #free: number;

  constructor(options: SlotsOptions) {
    this.#options = options;
    this.#free = options.count;
  }

  /** Rejects with the signal's reason when it aborts before there is room. */
  async run<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    const { clock, holdMs } = this.#options;
    await this.#take(signal);
    let isHeld = true;
    const give = () => {
      if (isHeld) this.#give();
      isHeld = false;
    };
    const cancel = clock.after(holdMs, give);
    try {
      return await work();
    } finally {
      cancel();
      give();
    }
  }

  async #take(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#free > 0) {
      this.#free -= 1;
      return;
    }
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.add(resolve);
    await Promise.race([promise, aborted(signal)]);
    if (!signal.aborted) return;
    if (!this.#waiting.delete(resolve)) this.#give(); // it was given one at the same moment
    throw signal.reason;
  }

  #give(): void {
    const [next] = this.#waiting;
    if (!next) {
      this.#free += 1;
      return;
    }
    this.#waiting.delete(next);
    next();
  }
}
