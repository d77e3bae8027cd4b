// A clock that stands still until the test moves it.
import type { Clock } from '#shared/time.ts';

export class ManualClock implements Clock {
  #now: number;
  #elapsed = 0;
  #waiting: { at: number; run: () => void }[] = [];

  constructor(nowMs = Date.parse('2026-11-01T00:00:00Z')) {
    this.#now = nowMs;
  }

  now(): number {
    return this.#now;
  }

  elapsed(): number {
    return this.#elapsed;
  }

  after(delayMs: number, run: () => void): () => void {
    const entry = { at: this.#elapsed + delayMs, run };
    this.#waiting.push(entry);
    return () => void (this.#waiting = this.#waiting.filter((each) => each !== entry));
  }

  /** Moves on, running what falls due on the way, in order, at its own time. */
  advance(ms: number): void {
    const end = this.#elapsed + ms;
    for (;;) {
      const next = this.#waiting.filter((each) => each.at <= end).toSorted((a, b) => a.at - b.at)[0];
      if (!next) break;
      this.#waiting = this.#waiting.filter((each) => each !== next);
      this.#pass(Math.max(0, next.at - this.#elapsed));
      next.run();
    }
    this.#pass(end - this.#elapsed);
  }

  /** Somebody sets the clock, forward or back: no time passes, and nothing that waits is nearer to its end. */
  jump(ms: number): void {
    this.#now += ms;
  }

  /** What waited dies with the process that waited for it. */
  clear(): void {
    this.#waiting = [];
  }

  /** How many calls are waiting for their time. */
  get pending(): number {
    return this.#waiting.length;
  }

  #pass(ms: number): void {
    this.#elapsed += ms;
    this.#now += ms;
  }
}
