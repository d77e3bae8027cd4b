// `longshore schedules …`: what hosts do by themselves and when, and what became of it.
import type { Argv } from 'yargs';
import { SCHEDULE_KINDS } from '#shared/schedule/schedule.ts';
import { LongshoreError } from '#shared/errors.ts';
import { apiCommand, argument, group, withSession, type Session } from '../command.ts';
import { parseSeconds } from '../duration.ts';
import { pagingOptions, showList, type PagingArgs } from '../list.ts';
import { parsePairs } from '../pairs.ts';
import type { RunTarget, Schedule, ScheduleRun } from '../schedule-types.ts';
import { requireServiceId } from '../services.ts';
import type { Column } from '../table.ts';

export const command = group('schedules', (own, world) =>
  own
    .command(['list', 'ls'], 'List schedules', (y) => pagingOptions(apiCommand(y)), withSession(world, list))
    .command('create <name>', 'Make a schedule', createOptions, withSession(world, create))
    .command('enable <schedule>', 'Let it run from now on', one, withSession(world, enable))
    .command('disable <schedule>', 'Let it rest', one, withSession(world, disable))
    .command(['delete <schedule>', 'rm'], 'Delete it and its runs', one, withSession(world, remove))
    .command('run <schedule>', 'Run it now', one, withSession(world, runNow))
    .command('runs <schedule> [run]', 'What it did, or one run with its output', runOptions, withSession(world, runs)),
);

const one = (yargs: Argv) => argument(yargs, 'schedule', 'Its id');

const runOptions = (yargs: Argv) => pagingOptions(one(yargs)).positional('run', { type: 'string', describe: 'Its id' });

const createOptions = (yargs: Argv) =>
  argument(yargs, 'name', 'What it is called')
    .usage('$0 schedules create <name> --kind restart --cron "30 3 * * *" --service shop')
    .option('kind', { choices: SCHEDULE_KINDS, demandOption: true, describe: 'What it does' })
    .option('cron', { type: 'string', requiresArg: true, demandOption: true, describe: 'When, as crontab(5) has it' })
    .option('timezone', { type: 'string', requiresArg: true, describe: 'Where the clock stands (UTC)' })
    .option('service', {
      type: 'string',
      alias: 's',
      array: true,
      nargs: 1,
      default: [],
      describe: 'For these, by name or id',
    })
    .option('description', { type: 'string', requiresArg: true, describe: 'What it is for' })
    .option('label', { type: 'string', array: true, nargs: 1, default: [], describe: 'For services with NAME=VALUE' })
    .option('all', { type: 'boolean', default: false, describe: 'For every service' })
    .option('delay', { type: 'string', requiresArg: true, describe: 'Between two services of a host: 30s' })
    .option('jitter', { type: 'string', requiresArg: true, describe: 'Each host is up to so much later: 10m' })
    .option('catch-up', { type: 'boolean', default: false, describe: 'One run for all that a host was off for' })
    .option('in', { type: 'string', requiresArg: true, describe: 'Of exec: which service of the compose file' })
    .option('timeout', { type: 'string', requiresArg: true, describe: 'Of exec: how long it may take (5m)' });

interface CreateArgs {
  name: string;
  kind: string;
  cron: string;
  timezone?: string | undefined;
  service: string[];
  description?: string | undefined;
  label: string[];
  all: boolean;
  delay?: string | undefined;
  jitter?: string | undefined;
  catchUp: boolean;
  in?: string | undefined;
  timeout?: string | undefined;
  '--'?: string[];
}

const COLUMNS: Column<Schedule>[] = [
  { title: 'ID', cell: ({ id }) => id },
  { title: 'NAME', cell: ({ name }) => name },
  { title: 'KIND', cell: ({ kind }) => kind },
  { title: 'CRON', cell: ({ cron }) => cron },
  { title: 'TIMEZONE', cell: ({ timezone }) => timezone },
  { title: 'NEXT', cell: ({ enabled, next_run: next }) => (enabled ? next : 'disabled') },
  { title: 'LAST', cell: ({ last_run: last }) => last?.state ?? null, style: (text) => STYLE[text] },
];

const STYLE: Record<string, 'green' | 'red' | 'yellow'> = {
  succeeded: 'green',
  skipped: 'yellow',
  pending: 'yellow',
  running: 'yellow',
  failed: 'red',
};

const RUN_COLUMNS: Column<ScheduleRun>[] = [
  { title: 'ID', cell: ({ id }) => id },
  { title: 'DUE', cell: (run) => run.due_at },
  { title: 'HOST', cell: (run) => run.host_id },
  { title: 'TRIGGER', cell: ({ trigger }) => trigger },
  { title: 'STATE', cell: ({ state }) => state, style: (text) => STYLE[text] },
  { title: 'REASON', cell: (run) => run.reason ?? run.targets.find(({ reason }) => reason !== null)?.reason ?? null },
];

const TARGET_COLUMNS: Column<RunTarget>[] = [
  { title: 'SERVICE', cell: (target) => target.service_name },
  { title: 'STATE', cell: ({ state }) => state, style: (text) => STYLE[text] },
  { title: 'JOB', cell: (target) => target.job_id },
  { title: 'REASON', cell: ({ reason }) => reason },
];

const list = (session: Session, { page, perPage }: PagingArgs): Promise<void> =>
  showList(session, '/api/schedules', { page, perPage }, COLUMNS);

async function create(session: Session, args: CreateArgs): Promise<void> {
  const { client, output } = session;
  const { name, kind, cron, timezone, delay, jitter, '--': words = [] } = args;
  const body = {
    name,
    description: args.description,
    kind,
    cron,
    timezone,
    targets: await targetsOf(session, args),
    delay_between_s: delay === undefined ? undefined : parseSeconds(delay, '--delay'),
    jitter_s: jitter === undefined ? undefined : parseSeconds(jitter, '--jitter'),
    catch_up: args.catchUp ? 'one' : 'none',
    command: words.length > 0 ? words : undefined,
    service: args.in,
    timeout_s: args.timeout === undefined ? undefined : parseSeconds(args.timeout, '--timeout'),
  };
  const answer = await client.send<Schedule>('POST', '/api/schedules', { body });
  if (output.isJson) return output.json(answer.body);
  output.line(`${answer.body.id}: ${name}, next at ${answer.body.next_run}`);
}

async function targetsOf({ client }: Session, { service, label, all }: CreateArgs): Promise<object> {
  const given = [service.length > 0, label.length > 0, all].filter(Boolean).length;
  if (given !== 1)
    throw new LongshoreError('bad_request', { message: 'For which? Use one of --service, --label, --all' });
  const [only, ...others] = await Promise.all(service.map((name) => requireServiceId(client, name)));
  if (only !== undefined) return others.length === 0 ? { service_id: only } : { service_ids: [only, ...others] };
  return all ? { all: true } : { labels: parsePairs(label, '--label') };
}

const enable = (session: Session, args: { schedule: string }) => setEnabled(session, args.schedule, true);
const disable = (session: Session, args: { schedule: string }) => setEnabled(session, args.schedule, false);

async function setEnabled({ client, output }: Session, schedule: string, enabled: boolean): Promise<void> {
  const answer = await client.send<Schedule>('PATCH', pathOf(schedule), { body: { enabled } });
  if (output.isJson) return output.json(answer.body);
  output.line(enabled ? `${schedule}: next at ${answer.body.next_run}` : `${schedule}: disabled`);
}

async function remove({ client, output }: Session, { schedule }: { schedule: string }): Promise<void> {
  await client.send('DELETE', pathOf(schedule));
  if (output.isJson) return output.json(null);
  output.line(`${schedule}: deleted`);
}

async function runNow({ client, output }: Session, { schedule }: { schedule: string }): Promise<void> {
  const { body } = await client.send<{ runs: ScheduleRun[] }>('POST', `${pathOf(schedule)}/run`);
  if (output.isJson) return output.json(body);
  for (const { id, host_id: host } of body.runs) output.line(`${id}: asked for on ${host}`);
}

async function runs(
  session: Session,
  args: PagingArgs & { schedule: string; run?: string | undefined },
): Promise<void> {
  const { schedule, run: id, page, perPage } = args;
  const path = `${pathOf(schedule)}/runs`;
  if (id === undefined) return showList(session, path, { page, perPage }, RUN_COLUMNS);
  const { client, output } = session;
  const run = await client.get<ScheduleRun>(`${path}/${encodeURIComponent(id)}`);
  if (output.isJson) return output.json(run);
  output.table(TARGET_COLUMNS, run.targets);
  for (const { output: text } of run.targets) if (text) output.line(text.trimEnd());
}

const pathOf = (schedule: string): string => `/api/schedules/${encodeURIComponent(schedule)}`;
