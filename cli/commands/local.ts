// `longshore local …`: what the agent of this host tells and does without the control plane.
import type { Argv } from 'yargs';
import {
  localEvents,
  localJobDetail,
  localJobs,
  localLogLine,
  localServices,
  localStatus,
  MAX_WAIT_S,
  type LocalEvent,
  type LocalJobDetail,
  type LocalJobView,
  type LocalService,
  type LocalVerb,
} from '#shared/local.ts';
import type { Command } from '../command.ts';
import { formatAge, parseSince } from '../duration.ts';
import { JobFailedError } from '../failures.ts';
import { openAgent, type LocalClient } from '../local-client.ts';
import { logPrinter } from '../log-printer.ts';
import { Output } from '../output.ts';
import type { Column } from '../table.ts';
import type { World } from '../world.ts';

interface Session {
  world: World;
  agent: LocalClient;
  output: Output;
}

interface LocalFlags {
  dataDir?: string | undefined;
  json: boolean;
}

export const command: Command = {
  add: (program, describe, world) =>
    program.command('local', describe, (own) => subcommands(options(own), world).demandCommand(1, 'Which of them?')),
};

const subcommands = (own: ReturnType<typeof options>, world: World) =>
  own
    .command('ps', 'List services with their containers', options, withAgent(world, ps))
    .command('status', 'Show how the agent stands', options, withAgent(world, status))
    .command('start <service>', 'Start its containers', waiting, withAgent(world, act('start')))
    .command('stop <service>', 'Stop its containers', waiting, withAgent(world, act('stop')))
    .command('restart <service>', 'Restart its containers', waiting, withAgent(world, act('restart')))
    .command('logs <service>', 'Show or follow its logs', logOptions, withAgent(world, logs))
    .command('jobs [job]', 'List jobs, newest first, or show one', jobOptions, withAgent(world, jobs))
    .command('events', 'Show what happened', latest, withAgent(world, events));

const options = <T>(yargs: Argv<T>) =>
  yargs
    .option('data-dir', {
      type: 'string',
      requiresArg: true,
      describe: "The agent's folder (LONGSHORE_DATA_DIR, ./data/agent, /var/lib/longshore)",
    })
    .option('json', { type: 'boolean', default: false, describe: "Print the agent's JSON", group: 'Output:' });

const one = <T>(yargs: Argv<T>) =>
  options(yargs).positional('service', { type: 'string', demandOption: true, describe: 'Its name or id' });

const waiting = <T>(yargs: Argv<T>) =>
  one(yargs).option('wait', { type: 'boolean', default: true, describe: 'Wait until it is done' });

const latest = <T>(yargs: Argv<T>) =>
  options(yargs).option('limit', { type: 'number', alias: 'n', default: 50, requiresArg: true, describe: 'The last' });

const jobOptions = <T>(yargs: Argv<T>) => latest(yargs).positional('job', { type: 'string', describe: 'Its id' });

const logOptions = <T>(yargs: Argv<T>) =>
  one(yargs)
    .option('follow', { type: 'boolean', default: false, alias: 'f', describe: 'Go on with new lines' })
    .option('tail', { type: 'number', alias: 'n', requiresArg: true, describe: 'Lines from the end (100)' })
    .option('since', { type: 'string', requiresArg: true, describe: 'From this time on: 10m or RFC 3339' })
    .option('timestamps', { type: 'boolean', default: false, alias: 't', describe: 'Show the time of each line' });

const withAgent =
  <Args>(world: World, handle: (session: Session, args: Args) => Promise<void>) =>
  async (args: Args & LocalFlags): Promise<void> => {
    using agent = openAgent(world, args.dataDir);
    await handle({ world, agent, output: new Output(world, args.json) }, args);
  };

interface Row extends Omit<LocalService, 'containers'> {
  container: LocalService['containers'][number] | null;
}

const CONTAINER_COLUMNS: Column<Row>[] = [
  { title: 'NAME', cell: (row) => row.name },
  { title: 'STATUS', cell: (row) => row.status },
  { title: 'HEALTH', cell: (row) => row.health },
  { title: 'RESTARTS', cell: (row) => row.restart_count },
  { title: 'WANTED', cell: (row) => (row.enabled ? row.wanted : 'disabled') },
  { title: 'JOB', cell: (row) => row.job },
  { title: 'CONTAINER', cell: (row) => row.container && row.container.name },
  { title: 'STATE', cell: (row) => row.container && stateOf(row.container) },
  { title: 'ID', cell: (row) => row.id },
  { title: 'REASON', cell: (row) => row.reason },
];

const stateOf = ({ state, health, exit_code: exitCode }: NonNullable<Row['container']>): string => {
  if (state === 'exited' && exitCode !== null) return `exited (${exitCode})`;
  return health === 'unknown' ? state : `${state} (${health})`;
};

async function ps({ agent, output }: Session): Promise<void> {
  const found = await agent.get(localServices(), '/services');
  if (output.isJson) return output.json(found);
  const rows = found.data.flatMap(({ containers, ...service }): Row[] =>
    containers.length === 0
      ? [{ ...service, container: null }]
      : containers.map((container) => ({ ...service, container })),
  );
  output.table(CONTAINER_COLUMNS, rows);
  if (!found.docker_reachable) output.note('Docker does not answer: this is what was seen last');
}

async function status({ agent, output }: Session): Promise<void> {
  const found = await agent.get(localStatus(), '/status');
  if (output.isJson) return output.json(found);
  const { control, docker, outbox } = found;
  output.facts({
    agent: `${found.agent_version}, since ${found.started_at}`,
    host: found.host_id,
    folder: found.data_dir,
    'control plane': `${control.url}, ${control.connected ? 'connected' : 'not connected'} since ${control.since}`,
    reason: control.reason,
    docker: docker.reachable ? `answers, version ${docker.version}` : 'does not answer',
    'not told yet': `${outbox.events} events, ${outbox.bytes} bytes`,
    services: found.services,
    'open jobs': found.open_jobs,
  });
}

const PAST = { start: 'started', stop: 'stopped', restart: 'restarted' } as const;

const act =
  (verb: LocalVerb) =>
  async ({ agent, output }: Session, { service, wait }: { service: string; wait: boolean }): Promise<void> => {
    const path = `/services/${encodeURIComponent(service)}/${verb}`;
    const begun = await agent.post(localJobDetail(), path, { wait: wait ? MAX_WAIT_S : 0 });
    const job = wait ? await untilEnded(agent, begun) : begun;
    if (wait && job.state !== 'succeeded') throw failureOf(job, service);
    if (output.isJson) return output.json(job);
    output.line(`${service}: ${wait ? PAST[verb] : `job ${job.id}`}`);
  };

async function untilEnded(agent: LocalClient, begun: LocalJobDetail): Promise<LocalJobDetail> {
  let job = begun;
  while (job.finished_at === null) job = await agent.get(localJobDetail(), jobPath(job.id), { wait: MAX_WAIT_S });
  return job;
}

function failureOf({ id, kind, state, error, failed_step: step }: LocalJobDetail, service: string): JobFailedError {
  const where = step === null ? '' : ` at step ${step}`;
  return JobFailedError.from(`The ${kind} of "${service}" ${state}${where}`, error, `\`longshore local jobs ${id}\``);
}

interface LogArgs {
  service: string;
  follow: boolean;
  tail?: number | undefined;
  since?: string | undefined;
  timestamps: boolean;
}

async function logs({ world, agent, output }: Session, args: LogArgs): Promise<void> {
  const since = args.since === undefined ? undefined : parseSince(args.since, world.clock.now());
  const printer = logPrinter(output, args.timestamps);
  const query = { follow: args.follow, tail: args.tail, since };
  const path = `/services/${encodeURIComponent(args.service)}/logs`;
  for await (const entry of agent.lines(localLogLine(), path, query)) printer.entry(entry);
}

const jobColumnsAt = (nowMs: number): Column<LocalJobView>[] => [
  { title: 'ID', cell: (job) => job.id },
  { title: 'SERVICE', cell: (job) => job.service_name ?? job.service_id },
  { title: 'KIND', cell: (job) => job.kind },
  { title: 'STATE', cell: (job) => job.state },
  { title: 'BY', cell: byOf },
  { title: 'ENDED', cell: (job) => formatAge(job.finished_at, nowMs) },
  { title: 'ERROR', cell: errorOf },
];

const byOf = ({ cause }: LocalJobView): string => cause ?? 'control plane';
const errorOf = ({ error }: LocalJobView): string | null => error && `${error.message} (${error.code})`;

const STEP_COLUMNS: Column<LocalJobDetail['steps'][number]>[] = [
  { title: 'STEP', cell: (step) => step.step },
  { title: 'STATE', cell: (step) => step.state },
  { title: 'AT', cell: (step) => step.at },
];

async function jobs(
  { world, agent, output }: Session,
  { job, limit }: { job?: string | undefined; limit: number },
): Promise<void> {
  if (job !== undefined) return showJob(await agent.get(localJobDetail(), jobPath(job), { wait: 0 }), output);
  const found = await agent.get(localJobs(), '/jobs', { limit });
  if (output.isJson) return output.json(found);
  output.table(jobColumnsAt(world.clock.now()), found.data);
}

const jobPath = (id: string): string => `/jobs/${encodeURIComponent(id)}`;

function showJob(job: LocalJobDetail, output: Output): void {
  if (output.isJson) return output.json(job);
  output.facts({
    id: job.id,
    service: job.service_name ?? job.service_id,
    kind: job.kind,
    state: job.state,
    by: byOf(job),
    error: errorOf(job),
    details: job.error?.details ?? null,
    'started at': job.started_at,
    'finished at': job.finished_at,
  });
  output.table(STEP_COLUMNS, job.steps);
}

const EVENT_COLUMNS: Column<LocalEvent>[] = [
  { title: 'AT', cell: (event) => event.at },
  { title: 'SERVICE', cell: (event) => event.service_name ?? event.service_id },
  { title: 'KIND', cell: (event) => event.kind },
  { title: 'TOLD', cell: (event) => (event.told ? 'yes' : 'no') },
  { title: 'MESSAGE', cell: (event) => event.message },
];

async function events({ agent, output }: Session, { limit }: { limit: number }): Promise<void> {
  const found = await agent.get(localEvents(), '/events', { limit });
  if (output.isJson) return output.json(found);
  output.table(EVENT_COLUMNS, found.data);
}
