// A clock that stands still until the test moves it.
import type { Clock } from '#shared/time.ts';

export class ManualClock implements Clock {
  #now: number;
  #waiting: { at: number; run: () => void }[] = [];

  constructor(nowMs = Date.parse('2026-11-01T00:00:00Z')) {
    this.#now = nowMs;
  }

  now(): number {
    return this.#now;
  }

  after(delayMs: number, run: () => void): () => void {
    const entry = { at: this.#now + delayMs, run };
    this.#waiting.push(entry);
    return () => void (this.#waiting = this.#waiting.filter((each) => each !== entry));
  }

  /** Moves on, running what falls due on the way, in order, at its own time. */
  advance(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      const next = this.#waiting.filter((each) => each.at <= end).toSorted((a, b) => a.at - b.at)[0];
      if (!next) break;
      this.#waiting = this.#waiting.filter((each) => each !== next);
      this.#now = Math.max(this.#now, next.at);
      next.run();
    }
    this.#now = end;
  }

  /** What waited dies with the process that waited for it. */
  clear(): void {
    this.#waiting = [];
  }

  /** How many calls are waiting for their time. */
  get pending(): number {
    return this.#waiting.length;
  }
}
