// Finds any of many byte patterns in one pass (Wu and Manber, 1994): it looks at two bytes, and unless they end the first
// eight of some pattern it moves on by up to seven. An ordinary log line costs some twenty look-ups, however many patterns
// there are.

/** How much of each pattern is looked for before the rest is compared; no pattern is shorter. */
export const WINDOW = 8;
const BLOCK = 2;
const BLOCKS = 65_536;

export interface Match {
  start: number;
  end: number;
}

export class Matcher {
  readonly patterns: readonly Uint8Array[];
  /** By the two bytes at the end of the window: how far the window may move without missing a pattern. */
  readonly #shifts = new Uint8Array(BLOCKS).fill(WINDOW - BLOCK + 1);
  /** By the same two bytes, where they end a window: the patterns that may begin there, longest first. */
  readonly #candidates = new Map<number, Uint8Array[]>();

  constructor(patterns: readonly Uint8Array[]) {
    this.patterns = patterns.filter(({ length }) => length >= WINDOW).toSorted((a, b) => b.length - a.length);
    for (const pattern of this.patterns) this.#add(pattern);
  }

  /** The first match that lies within [from, to), the longest at its place. */
  find(bytes: Uint8Array, from: number, to: number): Match | undefined {
    for (let at = from + WINDOW - 1; at < to; ) {
      const block = blockAt(bytes, at);
      const shift = this.#shifts[block] as number;
      if (shift > 0) {
        at += shift;
        continue;
      }
      const start = at - WINDOW + 1;
      const found = this.#candidates.get(block)?.find((pattern) => isAt(bytes, start, to, pattern));
      if (found) return { start, end: start + found.length };
      at++;
    }
    return undefined;
  }

  #add(pattern: Uint8Array): void {
    for (let at = BLOCK - 1; at < WINDOW; at++) {
      const block = blockAt(pattern, at);
      this.#shifts[block] = Math.min(this.#shifts[block] as number, WINDOW - 1 - at);
    }
    const last = blockAt(pattern, WINDOW - 1);
    this.#candidates.set(last, [...(this.#candidates.get(last) ?? []), pattern]);
  }
}

const blockAt = (bytes: Uint8Array, end: number): number => ((bytes[end - 1] as number) << 8) | (bytes[end] as number);

function isAt(bytes: Uint8Array, start: number, to: number, pattern: Uint8Array): boolean {
  if (start + pattern.length > to) return false;
  for (let i = 0; i < pattern.length; i++) if (bytes[start + i] !== pattern[i]) return false;
  return true;
}
