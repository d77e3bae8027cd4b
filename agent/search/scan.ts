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
    this.reached = this.#parts[0]?.reached ?? DONE;
  }

  async step(): Promise<LogMatch[]> {
    const [part] = this.#parts;
    const matches = (await part?.step()) ?? [];
    if (part?.reached === DONE) this.#parts.shift();
    const { reached } = this.#parts[0] ?? { reached: DONE };
    // A part that was not begun may say nothing new of how far back this is.
    if (reached < this.reached) this.reached = reached;
    return matches;
  }
}
