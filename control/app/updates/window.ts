// Maintenance windows: when one is open, and when it opens next. Pure.
import { WEEKDAYS, type MaintenanceWindow } from '#shared/auto-update.ts';
import { addDays, dayAt, instantOf, weekdayOf, type CalendarDay } from '#shared/zoned-time.ts';

/** A window is at most a day long; where clocks are set, its day may be 25 hours ago. */
const DAYS_BACK = 2;
const DAYS_AHEAD = 8;
const MINUTE_MS = 60_000;

export interface Opening {
  opensAt: number;
  /** Not open any more at this moment. */
  closesAt: number;
}

/** The opening that is now; undefined when it is closed. Where two overlap, the later one. */
export const openingAt = (window: MaintenanceWindow, now: number): Opening | undefined =>
  openingsAround(window, now).findLast(({ opensAt, closesAt }) => opensAt <= now && now < closesAt);

export const isOpen = (window: MaintenanceWindow, now: number): boolean => openingAt(window, now) !== undefined;

/** The next after now, also when it is open now. */
export function nextOpening(window: MaintenanceWindow, now: number): number {
  return openingsAround(window, now).find(({ opensAt }) => opensAt > now)?.opensAt ?? Number.POSITIVE_INFINITY;
}

/** In order. */
function openingsAround(window: MaintenanceWindow, now: number): Opening[] {
  const today = dayAt(window.timeZone, now);
  const offsets = Array.from({ length: DAYS_BACK + DAYS_AHEAD + 1 }, (_, n) => n - DAYS_BACK);
  const days = offsets.map((offset) => addDays(today, offset)).filter((day) => opensOn(window, day));
  return days.map((day) => {
    const opensAt = instantOf(window.timeZone, day, minuteOfDay(window.start));
    return { opensAt, closesAt: opensAt + window.durationMinutes * MINUTE_MS };
  });
}

function opensOn({ days }: MaintenanceWindow, day: CalendarDay): boolean {
  const weekday = WEEKDAYS[weekdayOf(day)];
  return days === undefined || (weekday !== undefined && days.includes(weekday));
}

function minuteOfDay(start: string): number {
  const [hours = 0, minutes = 0] = start.split(':').map(Number);
  return hours * 60 + minutes;
}
