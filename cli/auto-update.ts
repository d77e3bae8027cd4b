// `--auto-update "sat,sun 02:00 4h Europe/Berlin"`: the window in which a service takes newer images by itself.
import { WEEKDAYS, type Weekday } from '#shared/auto-update.ts';
import { LongshoreError } from '#shared/errors.ts';
import type { AutoUpdate } from './image-types.ts';
import { parseDuration } from './duration.ts';

export const AUTO_UPDATE_HELP = 'When to take newer images by itself: "[sat,sun] 02:00 4h [Europe/Berlin]", or none';

const MINUTE_MS = 60_000;

/** Null for `none`. `ownZone`: where none is given. Throws `bad_request`. */
export function parseAutoUpdate(text: string, ownZone: string): AutoUpdate | null {
  if (text.trim() === 'none') return null;
  const words = text.trim().split(/\s+/);
  const days = /^[a-z,]+$/i.test(words[0] ?? '') ? words.shift()?.toLowerCase().split(',') : undefined;
  const [start, duration, zone = ownZone, ...rest] = words;
  const isWhole = start !== undefined && /^\d\d:\d\d$/.test(start) && duration !== undefined && rest.length === 0;
  if (!isWhole || days?.some((day) => !isWeekday(day))) throw unreadable(text);
  const minutes = parseDuration(duration, '--auto-update') / MINUTE_MS;
  const window = { start, duration_minutes: minutes, time_zone: zone };
  return { window: days ? { days: days.filter(isWeekday), ...window } : window };
}

/** Of the machine that this runs on. */
export const ownTimeZone = (): string => Intl.DateTimeFormat().resolvedOptions().timeZone;

const isWeekday = (text: string): text is Weekday => (WEEKDAYS as readonly string[]).includes(text);

const unreadable = (text: string) =>
  new LongshoreError('bad_request', {
    message: `--auto-update "${text}" is no window`,
    details: 'Days if not every day, a time, how long, and where: "sat,sun 02:00 4h Europe/Berlin"; or none',
  });

export const printAutoUpdate = ({ window }: AutoUpdate): string =>
  [window.days?.join(','), window.start, `${window.duration_minutes}m`, window.time_zone].filter(Boolean).join(' ');
