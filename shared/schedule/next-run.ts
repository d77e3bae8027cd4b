// When a cron line is due next, through changes of the clocks, as cron(8) of Debian has it. Pure.
//
//   a line for fixed times   in an hour that is skipped: once, right after it; in one that comes twice: the first time
//   a line with * in the     whenever the clock shows it: not in an hour that is skipped, twice in one that comes twice
//   minute or the hour
//   a change of 3 h or more  is a correction and no season: every line follows the new time at once
import { addDays, clockOn, dayAt, weekdayOf, type CalendarDay, type DayClock } from '../zoned-time.ts';
import type { Cron } from './cron.ts';

const MINUTE_MS = 60_000;
const CORRECTION_MS = 3 * 3600_000;
/** From one 29th of February to the next it may take eight years. */
const MAX_DAYS = 366 * 8 + 2;

/** The first time after `after`, in milliseconds since the epoch; null: not within eight years. */
export function nextRunOf(cron: Cron, timeZone: string, after: number): number | null {
  const first = addDays(dayAt(timeZone, after), -1); // what was skipped before midnight may be due after it
  for (let i = 0; i < MAX_DAYS; i++) {
    const day = addDays(first, i);
    const found = firstOn(cron, timeZone, day, after);
    if (found === undefined) continue;
    // Where midnight comes twice, the next day has begun before this one is over.
    return Math.min(found, firstOn(cron, timeZone, addDays(day, 1), after) ?? found);
  }
  return null;
}

function firstOn(cron: Cron, timeZone: string, day: CalendarDay, after: number): number | undefined {
  if (!isDue(cron, day)) return undefined;
  const clock = clockOn(timeZone, day);
  const [least, most] = [Math.min(clock.before, clock.after), Math.max(clock.before, clock.after)];
  let found = Infinity;
  for (const wall of readingsOn(cron, day)) {
    if (wall - most > found) break; // this one and all that follow come later
    if (wall - least <= after) continue;
    for (const at of timesOf(cron, clock, wall)) if (at > after && at < found) found = at;
  }
  return found === Infinity ? undefined : found;
}

function isDue({ months, days, weekdays, isEitherDay }: Cron, day: CalendarDay): boolean {
  if (!months.includes(day.month)) return false;
  const isDay = days.includes(day.day);
  const isWeekday = weekdays.includes((weekdayOf(day) + 1) % 7);
  return isEitherDay ? isDay || isWeekday : isDay && isWeekday;
}

/** What the clock shows when the line is due, as if it stood in UTC; ascending. */
function* readingsOn({ hours, minutes, second }: Cron, { year, month, day }: CalendarDay): Generator<number> {
  const midnight = Date.UTC(year, month - 1, day, 0, 0, second);
  for (const hour of hours) for (const minute of minutes) yield midnight + (hour * 60 + minute) * MINUTE_MS;
}

/** When a reading counts: never, once or twice. */
function timesOf({ isSteady }: Cron, { before, after, changedAt }: DayClock, wall: number): number[] {
  if (before === after) return [wall - after];
  const times = [wall - before].filter((at) => at < changedAt).concat([wall - after].filter((at) => at >= changedAt));
  if (isSteady || Math.abs(after - before) >= CORRECTION_MS) return times;
  return times.length === 0 ? [changedAt] : times.slice(0, 1);
}
