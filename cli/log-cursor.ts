// Where a follower of logs stands, so that coming back after a lost connection shows each line once. Pure.
//
// `since` is inclusive and lines can share a timestamp, so what was shown at the last timestamp of each container is
// counted, and as many lines at that timestamp are dropped after a return.
import type { LogEntry } from './api-types.ts';

/** Lines of several containers arrive less out of order than this. */
const OVERLAP_MS = 10_000;

interface Position {
  timestamp: string;
  /** Lines shown at this very timestamp. */
  shown: number;
  /** Lines at this timestamp still to be dropped since the return. */
  repeats: number;
}

export class LogCursor {
  readonly #positions = new Map<string, Position>();

  /**
   * Where to go on, undefined before the first line: at the last timestamp of the container that is furthest behind,
   * but not far before the newest line, or one quiet container would have an hour of the others read again.
   */
  get since(): string | undefined {
    const last = [...this.#positions.values()].map((position) => position.timestamp).toSorted(compareTimes);
    const [oldest, newest] = [last[0], last.at(-1)];
    if (oldest === undefined || newest === undefined) return undefined;
    const overlap = new Date(Date.parse(newest) - OVERLAP_MS).toISOString();
    return compareTimes(oldest, overlap) > 0 ? oldest : overlap;
  }

  /** Call before reading from `since` again. */
  rewind(): void {
    for (const position of this.#positions.values()) position.repeats = position.shown;
  }

  /** False for a line that was shown before. */
  accept({ container, timestamp }: Pick<LogEntry, 'container' | 'timestamp'>): boolean {
    const position = this.#positions.get(container);
    const order = position ? compareTimes(timestamp, position.timestamp) : 1;
    if (!position || order > 0) {
      this.#positions.set(container, { timestamp, shown: 1, repeats: 0 });
      return true;
    }
    // Older than the last one: a repeat after a return, or a clock that was set back, which is worth showing twice.
    if (order < 0) return position.repeats === 0;
    if (position.repeats === 0) {
      position.shown++;
      return true;
    }
    position.repeats--;
    return false;
  }
}

/** RFC 3339 in UTC with any number of decimals: as text, once both have nine. */
function compareTimes(a: string, b: string): number {
  const [x, y] = [padded(a), padded(b)];
  return x < y ? -1 : x > y ? 1 : 0;
}

function padded(timestamp: string): string {
  const [seconds = '', fraction = ''] = timestamp.replace(/Z$/, '').split('.');
  return `${seconds}.${fraction.padEnd(9, '0')}`;
}
