// How many services are healed at the same time: health checks that time out under load, or a database that many need
// and that went down, must not have a host start everything at once.
import { sleep, type Clock } from '#shared/time.ts';
import type { HealingLimits } from './limits.ts';

export class Turns {
  readonly #clock: Clock;
  readonly #pauseMs: number;
  readonly #waiting: (() => void)[] = [];
  #free: number;

  constructor(clock: Clock, { atOnce, pauseMs }: Pick<HealingLimits, 'atOnce' | 'pauseMs'>) {
    this.#clock = clock;
    this.#free = atOnce;
    this.#pauseMs = pauseMs;
  }

  /** Runs `work` in the order of asking, and keeps its place for a pause after it. Ends with the signal. */
  async take(work: () => Promise<void>, signal: AbortSignal): Promise<void> {
    if (this.#free > 0) this.#free -= 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      signal.throwIfAborted();
      await work();
      await sleep(this.#clock, this.#pauseMs, signal);
    } finally {
      this.#pass();
    }
  }

  /** After an abort each in line is let through to end. */
  release(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  #pass(): void {
    const next = this.#waiting.shift();
    if (next) next();
    else this.#free += 1;
  }
}
