// One log on its way from its newest line back to its oldest.
import type { LogMatch } from '#shared/protocol/search-parts.ts';

/** Before the first step, and after the last: stamps as texts, so that they compare. */
export const UNSEEN = '~';
export const DONE = '';

export interface Scan {
  /** Lines from this stamp on were looked at; UNSEEN before the first step, DONE at the end. */
  readonly reached: string;
  /** Looks at some more. Rejects when the log cannot be read. */
  step(): Promise<LogMatch[]>;
}

/** What a search may still use of its time and bytes. */
export interface Budget {
  /** False when there is nothing left. */
  spend(bytes: number): boolean;
  /** A log goes no further: what lies before is past a bound. */
  exhaust(): void;
}

/** One log in several parts, the newest first. */
export class ChainedScan implements Scan {
  readonly #parts: Scan[];
  reached: string;

  constructor(parts: readonly Scan[]) {
    this.#parts = parts.filter(({ reached }) => reached !== DONE);
    this.reached = this.#parts.length === 0 ? DONE : UNSEEN;
  }

  async step(): Promise<LogMatch[]> {
    const [part] = this.#parts;
    const matches = (await part?.step()) ?? [];
    if (part?.reached === DONE) this.#parts.shift();
    if (this.#parts.length === 0) this.reached = DONE;
    // A part that is through, or was not begun, says nothing new of how far back this is.
    else if (part && part.reached !== DONE && part.reached < this.reached) this.reached = part.reached;
    return matches;
  }
}
