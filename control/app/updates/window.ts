// Maintenance windows: when one is open. Pure.
import { WEEKDAYS, type MaintenanceWindow } from '#shared/auto-update.ts';
import { addDays, dayAt, instantOf, weekdayOf, type CalendarDay } from '#shared/zoned-time.ts';

/** A window is at most a day long; where clocks are set, its day may be 25 hours ago. */
const DAYS_BACK = 2;
const MINUTE_MS = 60_000;

export interface Opening {
  opensAt: number;
  /** Not open any more at this moment. */
  closesAt: number;
}

/** The opening that is now; undefined when it is closed. Where two overlap, the later one. */
export function openingAt(window: MaintenanceWindow, now: number): Opening | undefined {
  const today = dayAt(window.timeZone, now);
  const days = Array.from({ length: DAYS_BACK + 1 }, (_, back) => addDays(today, -back));
  return days
    .filter((day) => opensOn(window, day))
    .map((day) => openingOn(window, day))
    .find(({ opensAt, closesAt }) => opensAt <= now && now < closesAt);
}

function openingOn(window: MaintenanceWindow, day: CalendarDay): Opening {
  const opensAt = instantOf(window.timeZone, day, minuteOfDay(window.start));
  return { opensAt, closesAt: opensAt + window.durationMinutes * MINUTE_MS };
}

function opensOn({ days }: MaintenanceWindow, day: CalendarDay): boolean {
  const weekday = WEEKDAYS[weekdayOf(day)];
  return days === undefined || (weekday !== undefined && days.includes(weekday));
}

function minuteOfDay(start: string): number {
  const [hours = 0, minutes = 0] = start.split(':').map(Number);
  return hours * 60 + minutes;
}
