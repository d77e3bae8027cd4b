// The newest lines of many hosts, in bounded memory.
import type { FoundLine } from '../api/log-search.ts';

/** So often the limit is held before the older ones are dropped. */
const HOLD_FACTOR = 4;

export class Newest {
  readonly #limit: number;
  #lines: FoundLine[] = [];
  #hasDropped = false;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Whether lines were left out. */
  get hasDropped(): boolean {
    return this.#hasDropped;
  }

  add(line: FoundLine): void {
    this.#lines.push(line);
    if (this.#lines.length >= HOLD_FACTOR * this.#limit) this.#cut();
  }

  /** The newest first; of one time by host and container, so that the same search gives the same answer. */
  take(): FoundLine[] {
    this.#cut();
    return this.#lines;
  }

  #cut(): void {
    this.#hasDropped ||= this.#lines.length > this.#limit;
    this.#lines = this.#lines.toSorted(byNewest).slice(0, this.#limit);
  }
}

const byNewest = (a: FoundLine, b: FoundLine): number =>
  compare(b.timestamp, a.timestamp) || compare(a.hostId, b.hostId) || compare(a.container, b.container);

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
