// Times of day in a time zone, through changes of its clocks. Pure; Node's own zone data (Intl) says how they are set.

/** A day of the calendar; months from 1. */
export interface CalendarDay {
  year: number;
  month: number;
  day: number;
}

const DAY_MS = 24 * 3600_000;

/** No offsets such as `+02:00`, which Intl takes as well: those know no summer. */
const ZONE_NAME = /^[A-Za-z][A-Za-z0-9_+/-]{0,63}$/;

export function isTimeZone(text: string): boolean {
  if (!ZONE_NAME.test(text)) return false;
  try {
    return formatterOf(text) !== undefined;
  } catch {
    return false;
  }
}

/** Making one takes longer than all that is done with it. */
const formatters = new Map<string, Intl.DateTimeFormat>();
/** There are about 600 zones, but anybody may spell them in thousands of ways, and each takes 30 KB. */
const MAX_FORMATTERS = 1_000;

function formatterOf(timeZone: string): Intl.DateTimeFormat {
  const known = formatters.get(timeZone);
  if (known) return known;
  const numeric = { year: 'numeric', month: 'numeric', day: 'numeric' } as const;
  const time = { hour: 'numeric', minute: 'numeric', second: 'numeric', hourCycle: 'h23' } as const;
  const made = new Intl.DateTimeFormat('en-US', { timeZone, era: 'short', ...numeric, ...time });
  if (formatters.size >= MAX_FORMATTERS) formatters.clear();
  formatters.set(timeZone, made);
  return made;
}

/** What a clock on the wall shows, as if it stood in UTC. */
function wallClock(timeZone: string, at: number): number {
  const parts = formatterOf(timeZone).formatToParts(at);
  const number = (type: Intl.DateTimeFormatPartTypes) => Number(parts.find((part) => part.type === type)?.value);
  const [hour, minute, second] = [number('hour'), number('minute'), number('second')];
  return Date.UTC(number('year'), number('month') - 1, number('day'), hour, minute, second);
}

export function dayAt(timeZone: string, at: number): CalendarDay {
  const wall = new Date(wallClock(timeZone, at));
  return { year: wall.getUTCFullYear(), month: wall.getUTCMonth() + 1, day: wall.getUTCDate() };
}

/** `days` later, or earlier where it is negative. */
export function addDays({ year, month, day }: CalendarDay, days: number): CalendarDay {
  const moved = new Date(Date.UTC(year, month - 1, day + days));
  return { year: moved.getUTCFullYear(), month: moved.getUTCMonth() + 1, day: moved.getUTCDate() };
}

/** From 0 for Monday. */
export const weekdayOf = ({ year, month, day }: CalendarDay): number =>
  (new Date(Date.UTC(year, month - 1, day)).getUTCDay() + 6) % 7;

/**
 * When a clock shows this. A time that comes twice is the first of the two; one that is skipped comes as much later as
 * was skipped (02:30 is then 03:30), as in RFC 5545.
 */
export function instantOf(timeZone: string, { year, month, day }: CalendarDay, minuteOfDay: number): number {
  const wall = Date.UTC(year, month - 1, day, 0, minuteOfDay);
  // A clock is set once in two days at most, so these are what is true before and after.
  const [before, after] = [offsetAt(timeZone, wall - DAY_MS), offsetAt(timeZone, wall + DAY_MS)];
  const candidates = [wall - before, wall - after].toSorted((a, b) => a - b);
  return candidates.find((at) => wallClock(timeZone, at) === wall) ?? wall - before;
}

/** Ahead of UTC, in milliseconds. */
const offsetAt = (timeZone: string, at: number): number => wallClock(timeZone, at) - at;

/** How a clock goes on a day and close to it: in milliseconds ahead of UTC before and after it is set, if it is. */
export interface DayClock {
  before: number;
  after: number;
  /** The first moment with `after`; -Infinity when it is not set. */
  changedAt: number;
}

export function clockOn(timeZone: string, { year, month, day }: CalendarDay): DayClock {
  const midnight = Date.UTC(year, month - 1, day);
  const [low, high] = [midnight - DAY_MS, midnight + 2 * DAY_MS];
  const [before, after] = [offsetAt(timeZone, low), offsetAt(timeZone, high)];
  if (before === after) return { before, after, changedAt: -Infinity };
  return { before, after, changedAt: changeBetween(timeZone, low, high) };
}

/** To the second. */
function changeBetween(timeZone: string, from: number, to: number): number {
  const after = offsetAt(timeZone, to);
  let [low, high] = [from, to];
  while (high - low > 1000) {
    const middle = Math.floor((low + high) / 2000) * 1000;
    if (offsetAt(timeZone, middle) === after) high = middle;
    else low = middle;
  }
  return high;
}
