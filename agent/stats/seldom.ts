// Work that is dear and that nobody waits for: done in the background, seldom, and the more seldom the longer it takes.
import type { Scope } from '#shared/lifecycle.ts';
import type { Logger } from '#shared/log.ts';
import type { Clock } from '#shared/time.ts';

export interface Pace {
  everyMs: number;
  /** How many times as long as it took it rests at least. */
  restFactor: number;
  /** Default: at the first tick. */
  firstAfterMs?: number;
}

export interface SeldomDeps {
  clock: Clock;
  log: Logger;
}

export class Seldom {
  readonly #deps: SeldomDeps;
  readonly #scope: Scope;
  readonly #name: string;
  readonly #pace: Pace;
  readonly #work: (signal: AbortSignal) => Promise<void>;
  #nextAt: number;
  #endedAt = -Infinity;
  #tookMs = 0;
  #isRunning = false;

  /** `name` says in the log what was done. A failure of `work` is logged and waits for the next time. */
  constructor(deps: SeldomDeps, scope: Scope, name: string, pace: Pace, work: (signal: AbortSignal) => Promise<void>) {
    this.#deps = deps;
    this.#scope = scope;
    this.#name = name;
    this.#pace = pace;
    this.#work = work;
    this.#nextAt = deps.clock.elapsed() + (pace.firstAfterMs ?? 0);
  }

  /** Begins when it is time. */
  tick(): void {
    if (this.#isRunning || this.#deps.clock.elapsed() < this.#nextAt) return;
    this.#isRunning = true;
    this.#scope.run(this.#name, (signal) => this.#run(signal));
  }

  /** Next time this long after the last end, if that is sooner; never without its rest. */
  hasten(afterMs: number): void {
    this.#nextAt = Math.min(this.#nextAt, this.#endedAt + this.#restOf(afterMs));
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#deps;
    const startedAt = clock.elapsed();
    try {
      await this.#work(signal);
    } catch (error) {
      log.debug({ err: error }, `could not measure the ${this.#name}`);
    }
    this.#endedAt = clock.elapsed();
    this.#tookMs = this.#endedAt - startedAt;
    this.#nextAt = this.#endedAt + this.#restOf(this.#pace.everyMs);
    this.#isRunning = false;
  }

  #restOf(atLeastMs: number): number {
    return Math.max(atLeastMs, this.#tookMs * this.#pace.restFactor);
  }
}
