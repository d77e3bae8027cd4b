// Whether a schedule is due, from where it was last looked at and what the clock shows now. Pure.
//
//   due within the last 90 s            run; what was missed before it is told with it
//   due longer ago, nothing since       one run for all of it (catch_up one), or told as missed (none)
//   the clock was set back < 3 h        what has run does not run again
//   the clock was set back further      a correction: goes on from the new time
import type { CatchUp, RunTrigger } from '#shared/schedule/schedule.ts';

/** More than the longest wait between two looks, and what a restart of the agent takes. */
const ON_TIME_MS = 90_000;
const CORRECTION_MS = 3 * 3600_000;
/** Missed ones are counted up to here. */
const MAX_COUNTED = 1_000;
const HOUR_MS = 3600_000;
/** Where the last of very many is looked for, one after the other. */
const WINDOWS_MS = [HOUR_MS, 24 * HOUR_MS, 31 * 24 * HOUR_MS, 366 * 24 * HOUR_MS];

export interface Plan {
  /** The first time after a moment, null when there is none. */
  next: (after: number) => number | null;
  catchUp: CatchUp;
  /** How much later this host is, always. */
  jitterMs: number;
  /** The run before has not ended. */
  isRunning: boolean;
}

export interface Due {
  /** Undefined: nothing is due. A reason: it is not run, and why. */
  run?: { dueAt: number; trigger: RunTrigger; missed: number; reason: string | null } | undefined;
  /** Where the next look goes on. */
  cursor: number;
  /** When that should be at the latest; null: never. */
  nextAt: number | null;
}

export function decideDue({ next, catchUp, jitterMs, isRunning }: Plan, known: number, now: number): Due {
  const upTo = now - jitterMs;
  const cursor = known - upTo >= CORRECTION_MS ? upTo : Math.max(known, upTo);
  const from = Math.min(known, cursor);
  const { last, count } = passed(next, from, upTo);
  const upcoming = next(cursor);
  const later = { cursor, nextAt: upcoming === null ? null : upcoming + jitterMs };
  if (last === undefined) return later;
  const isOnTime = upTo - last <= ON_TIME_MS;
  const trigger = isOnTime ? ('schedule' as const) : ('catch_up' as const);
  const common = { dueAt: last, trigger };
  if (isOnTime && isRunning) return skip(later, common, count - 1, 'the run before has not ended');
  if (isOnTime) return { ...later, run: { ...common, missed: count - 1, reason: null } };
  if (catchUp === 'none') return skip(later, common, count, 'the host was off, or its clock was set');
  if (isRunning) return skip(later, common, count, 'the run before has not ended');
  return { ...later, run: { ...common, missed: count - 1, reason: null } };
}

const skip = (
  later: Pick<Due, 'cursor' | 'nextAt'>,
  run: { dueAt: number; trigger: RunTrigger },
  missed: number,
  reason: string,
): Due => ({ ...later, run: { ...run, missed, reason } });

/** What lies after `from`, up to and with `upTo`. */
function passed(next: Plan['next'], from: number, upTo: number): { last: number | undefined; count: number } {
  let last: number | undefined;
  let count = 0;
  for (let at = next(from); at !== null && at <= upTo; at = next(at)) {
    last = at;
    count += 1;
    if (count === MAX_COUNTED) return { last: latest(next, last, upTo), count };
  }
  return { last, count };
}

function latest(next: Plan['next'], known: number, upTo: number): number {
  for (const window of WINDOWS_MS) {
    let last: number | undefined;
    const from = Math.max(known, upTo - window);
    for (let at = next(from); at !== null && at <= upTo; at = next(at)) last = at;
    if (last !== undefined) return last;
  }
  return known;
}
