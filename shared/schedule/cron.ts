// A cron line as crontab(5) has it: five fields, or six with a second in front. node-cron reads names, ranges, steps
// and lists; what it would take beyond crontab(5) is refused here, so that a line means the same as on any Debian.
// docs/decisions/0019-schedules-on-the-host.md tells what else of node-cron is used, and what is not.
import { validateDetailed } from 'node-cron';
import { LongshoreError } from '../errors.ts';

export interface Cron {
  /** Of each minute that fits. */
  second: number;
  /** From here on ascending. */
  minutes: readonly number[];
  hours: readonly number[];
  days: readonly number[];
  /** From 1. */
  months: readonly number[];
  /** From 0 for Sunday. */
  weekdays: readonly number[];
  /** Both days of the month and of the week are chosen: then one of them is enough. */
  isEitherDay: boolean;
  /** `*` in the minute or the hour: it follows the clock, whatever is done to that. Otherwise it is for fixed times. */
  isSteady: boolean;
}

/** No line that a person wrote is longer; a list of all 60 minutes has 169 characters. */
const MAX_CHARS = 200;

/** Throws `invalid_schedule` with the reason under `fields.cron`. */
export function parseCron(text: string): Cron {
  const line = text.trim().replace(/\s+/g, ' ');
  if (line.length > MAX_CHARS) throw invalid(`has more than ${MAX_CHARS} characters`);
  if (/[a-z]\d|\d[a-z]|[?#]/i.test(line)) throw invalid('has something that crontab(5) does not know');
  const { valid, errors, fields } = validateDetailed(line);
  if (!valid || !fields) throw invalid(errors[0]?.message ?? 'is no cron line');
  const [second = 0, ...moreSeconds] = fields.second;
  if (moreSeconds.length > 0) throw invalid('runs more often than once a minute');
  const star = starsOf(line, fields);
  return {
    second,
    minutes: ascending(fields.minute),
    hours: ascending(fields.hour),
    days: ascending(fields.dayOfMonth),
    months: ascending(fields.month),
    weekdays: ascending(fields.dayOfWeek),
    isEitherDay: !star.day && !star.weekday,
    isSteady: star.minute || star.hour,
  };
}

interface Stars {
  minute: boolean;
  hour: boolean;
  day: boolean;
  weekday: boolean;
}

type Fields = NonNullable<ReturnType<typeof validateDetailed>['fields']>;

/** Which fields begin with `*`, as cron(8) asks; of `@daily` and the like those that leave all open. */
function starsOf(line: string, { hour, dayOfMonth, dayOfWeek }: Fields): Stars {
  if (line.startsWith('@'))
    return { minute: false, hour: hour.length === 24, day: dayOfMonth.length === 31, weekday: dayOfWeek.length === 7 };
  const [minute, hours, day, , weekday] = line.split(' ').slice(-5);
  return { minute: isStar(minute), hour: isStar(hours), day: isStar(day), weekday: isStar(weekday) };
}

const isStar = (field: string | undefined): boolean => field?.startsWith('*') === true;

/** node-cron has letters for the last day, the nearest weekday and the like. */
function ascending(values: readonly (number | string)[]): number[] {
  const numbers = values.filter((value) => typeof value === 'number');
  if (numbers.length < values.length) throw invalid('has a day that crontab(5) does not know');
  return [...new Set(numbers)].toSorted((a, b) => a - b);
}

const invalid = (problem: string): LongshoreError =>
  new LongshoreError('invalid_schedule', { fields: { cron: problem } });
