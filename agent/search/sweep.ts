// Goes through many logs at once from now into the past: always on in the log that is furthest behind. So the matches
// come in the order of time, the newest first, and nothing is read that lies before the last one wanted.
import type { LogMatch, SearchStop } from '#shared/protocol/search-parts.ts';
import { DONE, UNSEEN, type Scan } from './scan.ts';

export interface SweepOptions {
  limit: number;
  /** Why to stop now, if so. */
  stopReason: () => SearchStop | null;
  /** The newest first, over all calls. */
  onFound: (matches: LogMatch[]) => void;
  /** After each step: lines from this stamp on were looked at. */
  onReached: (stamp: string | null) => void;
  onUnreadable: (scan: Scan) => void;
}

export interface Swept {
  stopped: SearchStop | null;
  searchedFrom: string | null;
}

export async function sweep(scans: readonly Scan[], options: SweepOptions): Promise<Swept> {
  const { limit, stopReason, onReached } = options;
  const open = new Set(scans.filter(({ reached }) => reached !== DONE));
  const found = new Found(options);
  for (;;) {
    const next = furthestBehind(open);
    const frontier = next?.reached ?? DONE;
    found.release(frontier);
    if (found.count === limit && (next || found.isHolding)) return { stopped: 'limit', searchedFrom: found.oldest };
    if (!next) return { stopped: null, searchedFrom: null };
    const searchedFrom = frontier === UNSEEN ? null : frontier;
    onReached(searchedFrom);
    const stopped = stopReason();
    if (stopped !== null) {
      found.release(DONE);
      return { stopped, searchedFrom };
    }
    found.add(await step(next, open, options));
  }
}

async function step(scan: Scan, open: Set<Scan>, { onUnreadable }: SweepOptions): Promise<LogMatch[]> {
  try {
    const matches = await scan.step();
    if (scan.reached === DONE) open.delete(scan);
    return matches;
  } catch {
    open.delete(scan);
    onUnreadable(scan);
    return [];
  }
}

const furthestBehind = (open: Set<Scan>): Scan | undefined =>
  [...open].reduce<Scan | undefined>((last, scan) => (!last || scan.reached > last.reached ? scan : last), undefined);

/** So often the limit may wait before those that can no longer be wanted are dropped. */
const WAITING_FACTOR = 4;

/** Matches wait until no newer one can come. */
class Found {
  readonly #options: SweepOptions;
  #waiting: LogMatch[] = [];
  count = 0;
  oldest: string | null = null;

  constructor(options: SweepOptions) {
    this.#options = options;
  }

  get isHolding(): boolean {
    return this.#waiting.length > 0;
  }

  add(matches: LogMatch[]): void {
    this.#waiting.push(...matches);
    const { limit } = this.#options;
    if (this.#waiting.length <= WAITING_FACTOR * limit) return;
    this.#waiting = this.#waiting.toSorted(byNewest).slice(0, limit + 1); // the one too many tells that there are more
  }

  /** Hands out what is not older than the stamp, up to the limit. */
  release(stamp: string): void {
    const { limit, onFound } = this.#options;
    const ready = this.#waiting.filter(({ timestamp }) => timestamp >= stamp);
    if (ready.length === 0) return;
    const released = ready.toSorted(byNewest).slice(0, limit - this.count);
    const isOut = new Set(released);
    this.#waiting = this.#waiting.filter((match) => !isOut.has(match));
    this.count += released.length;
    this.oldest = released.at(-1)?.timestamp ?? this.oldest;
    if (released.length > 0) onFound(released);
  }
}

const byNewest = (a: LogMatch, b: LogMatch): number =>
  a.timestamp < b.timestamp ? 1 : a.timestamp > b.timestamp ? -1 : 0;
