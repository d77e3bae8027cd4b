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

function formatterOf(timeZone: string): Intl.DateTimeFormat {
  const known = formatters.get(timeZone);
  if (known) return known;
  const numeric = { year: 'numeric', month: 'numeric', day: 'numeric' } as const;
  const time = { hour: 'numeric', minute: 'numeric', second: 'numeric', hourCycle: 'h23' } as const;
  const made = new Intl.DateTimeFormat('en-US', { timeZone, era: 'short', ...numeric, ...time });
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
