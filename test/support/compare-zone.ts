// Holds shared/schedule against the model around the changes of one zone's clocks.
import { parseCron } from '#shared/schedule/cron.ts';
import { nextRunOf } from '#shared/schedule/next-run.ts';
import { anyJob, changesOf, forgetOffsets, liveThrough, toLine } from './cron-model.ts';
import { Random } from './random.ts';

const DAY = 24 * 3600_000;

export interface Comparison {
  compared: number;
  /** Each with what repeats it. */
  differences: string[];
}

/** Each change in these years, or some day when there is none. `lines`: around each of them. */
export function compareZone(
  timeZone: string,
  seed: number,
  { years: [from, to], lines }: { years: [from: number, to: number]; lines: number },
): Comparison {
  const random = new Random(seed);
  const changes = changesOf(timeZone, from, to);
  const chosen = changes.length > 0 ? changes : [Date.UTC(random.int(from, to), random.int(0, 11), 1)];
  const result: Comparison = { compared: 0, differences: [] };
  for (const change of chosen) {
    for (let i = 0; i < lines; i++) {
      const job = anyJob(random);
      const [start, end] = [change - DAY, change + DAY];
      const expected = liveThrough(job, timeZone, start, end).map(show).join(' ');
      const found = runsOf(toLine(job), timeZone, start, end).map(show).join(' ');
      result.compared += 1;
      if (found === expected) continue;
      result.differences.push(`${timeZone} "${toLine(job)}" seed ${seed}:\n  ${expected}\n  ${found}`);
    }
    forgetOffsets();
  }
  return result;
}

function runsOf(line: string, timeZone: string, from: number, to: number): number[] {
  const cron = parseCron(line);
  const runs: number[] = [];
  for (let at = nextRunOf(cron, timeZone, from); at !== null && at <= to; at = nextRunOf(cron, timeZone, at))
    runs.push(at);
  return runs;
}

const show = (at: number): string => new Date(at).toISOString().slice(0, 16);
