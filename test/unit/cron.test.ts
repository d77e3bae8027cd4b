// What a cron line says, and when it is due next.
import t from 'tap';
import { LongshoreError } from '#shared/errors.ts';
import { parseCron } from '#shared/schedule/cron.ts';
import { nextRunOf } from '#shared/schedule/next-run.ts';

function problemOf(line: string): string | undefined {
  try {
    parseCron(line);
    return undefined;
  } catch (error) {
    if (!(error instanceof LongshoreError) || error.code !== 'invalid_schedule') throw error;
    return error.fields?.['cron'];
  }
}

/** The next runs after a moment, in UTC. */
function runs(line: string, timeZone: string, after: string, count: number): string[] {
  const found: string[] = [];
  let at: number | null = Date.parse(after);
  while (found.length < count && at !== null) {
    at = nextRunOf(parseCron(line), timeZone, at);
    found.push(at === null ? 'never' : new Date(at).toISOString().replace(':00.000', ''));
  }
  return found;
}

t.test('A66: a line that is no schedule, or runs more often than once a minute, is invalid_schedule', async (t) => {
  const bad = ['', '* * * * * *', '*/30 * * * * *', '1,31 * * * * *', '99 * * * *', '@reboot', '@fortnightly'];
  const worse = ['* * * *', '0 0 31 2 *', '5/15 * * * *', '*/0 * * * *', '0 0 L * *', '0 0 15W * *', '0 0 ? * *'];
  const worst = ['0 0 * * 5#2', '0 0 * 1feb *', '$(id) * * * *', `${'0,'.repeat(200)}0 * * * *`];
  for (const line of [...bad, ...worse, ...worst]) t.type(problemOf(line), 'string', line.slice(0, 40));
});

t.test('names, ranges, steps, lists, nicknames and one second of the minute are taken', async (t) => {
  const good = ['*/15 * * * *', '0 4 * * mon-fri', '0 9-17/2 1,15 jan,JUL *', '@daily', '@hourly', '0 0 * * 7'];
  for (const line of [...good, '30 * * * * *', ' 0  4 * * * ']) t.equal(problemOf(line), undefined, line);
});

t.test('the next runs of ordinary lines', async (t) => {
  const from = '2026-11-21T09:10:34Z';
  t.strictSame(runs('*/20 * * * *', 'UTC', from, 3), ['2026-11-21T09:20Z', '2026-11-21T09:40Z', '2026-11-21T10:00Z']);
  t.strictSame(runs('@monthly', 'Europe/Berlin', from, 2), ['2026-11-30T23:00Z', '2026-12-31T23:00Z']);
  t.strictSame(runs('0 12 29 2 *', 'UTC', from, 2), ['2028-02-29T12:00Z', '2032-02-29T12:00Z']);
  t.strictSame(runs('15 30 4 * * *', 'UTC', from, 1), ['2026-11-22T04:30:15.000Z']);
  const thirteenths = ['2026-11-27T00:00Z', '2026-12-04T00:00Z', '2026-12-11T00:00Z', '2026-12-13T00:00Z'];
  t.strictSame(runs('0 0 13 * fri', 'UTC', from, 4), thirteenths, 'one of the days is enough, as in crontab(5)');
  t.strictSame(runs('0 0 */2 * fri', 'UTC', from, 2), ['2026-11-27T00:00Z', '2026-12-11T00:00Z'], 'but not with *');
});

t.test('F37: a fixed time in a skipped hour runs once right after, in a repeated hour once', async (t) => {
  const spring = ['2026-03-28T01:30Z', '2026-03-29T01:00Z', '2026-03-30T00:30Z'];
  t.strictSame(runs('30 2 * * *', 'Europe/Berlin', '2026-03-28T00:00:00Z', 3), spring);
  const autumn = ['2026-10-24T00:30Z', '2026-10-25T00:30Z', '2026-10-26T01:30Z'];
  t.strictSame(runs('30 2 * * *', 'Europe/Berlin', '2026-10-24T00:00:00Z', 3), autumn);
  const halfAnHour = ['2026-10-03T15:30Z', '2026-10-04T15:15Z'];
  t.strictSame(runs('15 2 * * *', 'Australia/Lord_Howe', '2026-10-03T15:00:00Z', 2), halfAnHour);
});

t.test('F37: a line with * in the hour or the minute follows the clock', async (t) => {
  const spring = ['2026-03-30T00:00Z', '2026-03-30T00:30Z'];
  t.strictSame(runs('*/30 2 * * *', 'Europe/Berlin', '2026-03-28T12:00:00Z', 2), spring);
  const autumn = ['2026-10-25T00:00Z', '2026-10-25T00:30Z', '2026-10-25T01:00Z', '2026-10-25T01:30Z'];
  t.strictSame(runs('*/30 2 * * *', 'Europe/Berlin', '2026-10-24T12:00:00Z', 4), autumn);
});
