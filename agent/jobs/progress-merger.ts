// Thins a step's chatter for people who watch: at most five lines a second, and always the latest. Nothing durable goes
// through here; a line that is lost is followed by a newer one or by the step's outcome.
import type { StepUpdate } from '../deploy/job-run.ts';
import type { Clock } from '#shared/time.ts';

/** Five a second: faster than anyone reads, slow enough for a thousand watchers. */
export const MERGE_WINDOW_MS = 200;

export class ProgressMerger {
  readonly #clock: Clock;
  readonly #emit: (update: StepUpdate) => void;
  #pending: StepUpdate | undefined;
  #lastAt = Number.NEGATIVE_INFINITY;
  #cancelTimer: (() => void) | undefined;

  constructor(clock: Clock, emit: (update: StepUpdate) => void) {
    this.#clock = clock;
    this.#emit = emit;
  }

  /** The latest percent and the latest message win, each by itself. */
  push(update: StepUpdate): void {
    this.#pending = { ...this.#pending, ...update };
    if (this.#cancelTimer) return;
    const waitMs = this.#lastAt + MERGE_WINDOW_MS - this.#clock.elapsed();
    if (waitMs <= 0) this.#flush();
    else this.#cancelTimer = this.#clock.after(waitMs, () => this.#flush());
  }

  /** Drops what waits: the step's outcome says more. */
  stop(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    this.#pending = undefined;
  }

  #flush(): void {
    this.#cancelTimer = undefined;
    const update = this.#pending;
    this.#pending = undefined;
    this.#lastAt = this.#clock.elapsed();
    if (update) this.#emit(update);
  }
}
