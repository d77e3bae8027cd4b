// Which backups of a service stay when it keeps only some. Pure: by the days, weeks and months of UTC, so that every host
// decides alike.
import type { Retention } from '#shared/backup.ts';

export interface Dated {
  id: string;
  /** Milliseconds since the epoch. */
  at: number;
}

const DAY_MS = 24 * 3600_000;
/** 1970-01-01 was a Thursday: weeks begin on Monday (ISO 8601). */
const MONDAY_SHIFT = 3;

const dayOf = (at: number): number => Math.floor(at / DAY_MS);
const weekOf = (at: number): number => Math.floor((dayOf(at) + MONDAY_SHIFT) / 7);
const monthOf = (at: number): number => new Date(at).getUTCFullYear() * 12 + new Date(at).getUTCMonth();

/** Ids of those that go, the oldest first. The newest one always stays, whatever the rules say. */
export function toForget(backups: readonly Dated[], { last, daily, weekly, monthly }: Retention): string[] {
  const newestFirst = backups.toSorted((a, b) => b.at - a.at || (a.id < b.id ? 1 : -1));
  const kept = new Set([
    ...newestFirst.slice(0, Math.max(1, last)),
    ...newestPer(newestFirst, dayOf, daily),
    ...newestPer(newestFirst, weekOf, weekly),
    ...newestPer(newestFirst, monthOf, monthly),
  ]);
  return newestFirst
    .filter((one) => !kept.has(one))
    .map(({ id }) => id)
    .toReversed();
}

/** The newest of each of the last periods that have one: a host that was off for a year loses nothing by it. */
function newestPer(newestFirst: readonly Dated[], periodOf: (at: number) => number, count: number): Dated[] {
  const byPeriod = new Map<number, Dated>();
  for (const one of newestFirst) {
    const period = periodOf(one.at);
    if (!byPeriod.has(period)) byPeriod.set(period, one);
  }
  return [...byPeriod.values()].slice(0, count);
}
