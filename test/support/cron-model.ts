// cron(8) of Debian once more, for comparison: it lives through every minute of real time with its eye on a clock on the
// wall, as the daemon does. Shares nothing with shared/schedule but the question.
import type { Random } from './random.ts';

export interface ModelJob {
  minutes: number[] | '*';
  hours: number[] | '*';
  /** 0 is Sunday. */
  weekdays: number[] | '*';
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const SEASON_MINUTES = 180;
/** The 1st of January 1970. */
const THURSDAY = 4;

export const toLine = ({ minutes, hours, weekdays }: ModelJob): string =>
  `${String(minutes)} ${String(hours)} * * ${String(weekdays)}`;

export function anyJob(random: Random): ModelJob {
  const some = (limit: number) => [...new Set([random.int(0, limit), random.int(0, limit)])].toSorted((a, b) => a - b);
  // Clocks are set in the small hours.
  const hours = () => (random.int(0, 2) === 0 ? some(23) : some(4));
  return {
    minutes: random.int(0, 3) === 0 ? '*' : some(59),
    hours: random.int(0, 3) === 0 ? '*' : hours(),
    weekdays: random.int(0, 2) === 0 ? [...new Set([0, random.int(0, 6), random.int(0, 6)])] : '*', // most are set on Sundays
  };
}

/** Every time the job runs after `from`, up to and with `to`; both on a whole minute. */
export function liveThrough(job: ModelJob, timeZone: string, from: number, to: number): number[] {
  const isSteady = job.minutes === '*' || job.hours === '*';
  const runs: number[] = [];
  let shown = clockAt(timeZone, from);
  let done = shown;
  for (let at = from + MINUTE; at <= to; at += MINUTE) {
    const before = shown;
    shown = clockAt(timeZone, at);
    const jumped = shown - before - 1;
    if (Math.abs(jumped) >= SEASON_MINUTES) done = shown - 1;
    const readings = isSteady ? [shown] : range(done + 1, shown);
    if (readings.some((reading) => matches(job, reading))) runs.push(at);
    done = Math.max(done, shown);
  }
  return runs;
}

function matches({ minutes, hours, weekdays }: ModelJob, reading: number): boolean {
  const day = Math.floor(reading / 1440);
  const minuteOfDay = reading - day * 1440;
  const isIn = (allowed: number[] | '*', value: number) => allowed === '*' || allowed.includes(value);
  const isDue = isIn(minutes, minuteOfDay % 60) && isIn(hours, Math.floor(minuteOfDay / 60));
  return isDue && isIn(weekdays, (day + THURSDAY) % 7);
}

const range = (low: number, high: number): number[] =>
  Array.from({ length: Math.max(0, high - low + 1) }, (_, i) => low + i);

/** Minutes since 1970 as the clock shows them. */
const clockAt = (timeZone: string, at: number): number => at / MINUTE + offsetMinutes(timeZone, at);

const formats = new Map<string, Intl.DateTimeFormat>();
const offsets = new Map<string, number>();

/** Clocks are not set twice in an hour: one that begins and ends alike need not be looked through. */
function offsetMinutes(timeZone: string, at: number): number {
  const hour = at - (at % HOUR);
  const [start, end] = [askOffset(timeZone, hour), askOffset(timeZone, hour + HOUR)];
  return start === end ? start : askOffset(timeZone, at);
}

/** From the name that Intl gives the offset, `GMT+05:30`. */
function askOffset(timeZone: string, at: number): number {
  const key = `${timeZone} ${at}`;
  const known = offsets.get(key);
  if (known !== undefined) return known;
  const format = formats.get(timeZone) ?? new Intl.DateTimeFormat('en', { timeZone, timeZoneName: 'longOffset' });
  formats.set(timeZone, format);
  const name = format.formatToParts(at).find(({ type }) => type === 'timeZoneName')?.value ?? '';
  const [, sign = '+', hours = '0', minutes = '0'] = /GMT(?:([+-])(\d\d):(\d\d))?/.exec(name) ?? [];
  const offset = (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes));
  offsets.set(key, offset);
  return offset;
}

/** What `liveThrough` has looked up; the next zone needs none of it. */
export const forgetOffsets = (): void => offsets.clear();

/** When the clocks of a zone are set, to the minute. */
export function changesOf(timeZone: string, fromYear: number, toYear: number): number[] {
  const found: number[] = [];
  const step = 24 * 3600_000;
  for (let at = Date.UTC(fromYear, 0, 1); at < Date.UTC(toYear + 1, 0, 1); at += step) {
    const [low, high] = [askOffset(timeZone, at), askOffset(timeZone, at + step)];
    if (low === high) continue;
    let minute = at;
    while (offsetMinutes(timeZone, minute) === low) minute += MINUTE;
    found.push(minute);
  }
  forgetOffsets();
  return found;
}
