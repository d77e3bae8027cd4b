// When to look at everything again, for who compares all there is every few seconds: not while nothing was committed, and
// never so often that looking takes more than a small share of the event loop.
import type { Clock } from '#shared/time.ts';
import type { Stores } from '../store/stores.ts';

/** Of the event loop: what takes 300 ms with ten thousand hosts is done every six seconds. */
const MAX_SHARE = 0.05;
/** What is quicker holds nobody up. */
const QUICK_MS = 20;

export class Pace {
  readonly #clock: Clock;
  #commits = 0;
  /** As many as there were when everything was seen to be as it should. */
  #settledAt = -1;
  #restsUntil = 0;

  constructor(writer: Pick<Stores['writer'], 'onCommit'>, clock: Clock) {
    this.#clock = clock;
    writer.onCommit(() => (this.#commits += 1));
  }

  /** Calls `isSettled` when it is time: true when nothing is to be done, also because nothing can have changed. */
  rests(isSettled: () => boolean): boolean {
    const [startedAt, commits] = [this.#clock.elapsed(), this.#commits];
    if (commits === this.#settledAt || startedAt < this.#restsUntil) return true;
    const isDone = isSettled();
    const tookMs = this.#clock.elapsed() - startedAt;
    this.#restsUntil = tookMs > QUICK_MS ? startedAt + tookMs / MAX_SHARE : 0;
    if (isDone) this.#settledAt = commits;
    return isDone;
  }
}
