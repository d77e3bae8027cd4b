// `longshore stats`: what a service or a host uses now, with --follow from now on, or with --since what it used.
import type { Argv } from 'yargs';
import { LongshoreError } from '#shared/errors.ts';
import type { Host } from '../host-types.ts';
import { apiCommand, withSession, type Command, type Session } from '../command.ts';
import { formatAge, parseSeconds, parseSince } from '../duration.ts';
import { requireIdByName } from '../names.ts';
import { requireServiceId } from '../services.ts';
import type { HostStats, HostUsageNow, ServiceStats, UsageNow } from '../stats-types.ts';
import type { Column } from '../table.ts';
import { watchStats } from '../watch-stats.ts';

/** As many rows as a terminal has, for an hour. */
const DEFAULT_STEP_S = 300;
const SIZES = ['B', 'K', 'M', 'G', 'T'];

interface StatsArgs {
  what: string;
  since?: string | undefined;
  step?: string | undefined;
  container?: string | undefined;
  follow: boolean;
}

const options = (yargs: Argv) =>
  apiCommand(yargs)
    .positional('what', { type: 'string', demandOption: true, describe: 'Name or id of a service or a host' })
    .option('since', { type: 'string', requiresArg: true, describe: 'What it used from then on: 2h or RFC 3339' })
    .option('step', { type: 'string', requiresArg: true, implies: 'since', describe: 'Time of one row (5m)' })
    .option('container', {
      type: 'string',
      requiresArg: true,
      implies: 'since',
      describe: 'One container of a service',
    })
    .option('follow', {
      type: 'boolean',
      default: false,
      alias: 'f',
      describe: 'Go on with each measurement of a service',
    });

export const command: Command = {
  add: (program, describe, world) => program.command('stats <what>', describe, options, withSession(world, stats)),
};

async function stats(session: Session, args: StatsArgs): Promise<void> {
  const found = await findSubject(session, args.what);
  if (args.follow) return follow(session, found, args);
  if (found.kind === 'host')
    return args.since === undefined ? hostNow(session, found.id) : hostThen(session, found.id, args);
  return args.since === undefined ? serviceNow(session, found.id) : serviceThen(session, found.id, args);
}

interface Subject {
  kind: 'service' | 'host';
  id: string;
}

/** A service before a host of that name: hosts can be meant by id. */
async function findSubject({ client }: Session, what: string): Promise<Subject> {
  if (what.startsWith('host_')) return { kind: 'host', id: encodeURIComponent(what) };
  const service = await unlessMissing(requireServiceId(client, what));
  if (service !== undefined) return { kind: 'service', id: service };
  const host = await unlessMissing(requireIdByName(client, 'host', what));
  if (host !== undefined) return { kind: 'host', id: host };
  throw new LongshoreError('not_found', { message: `There is no service and no host "${what}"` });
}

const unlessMissing = (found: Promise<string>): Promise<string | undefined> =>
  found.catch((error: unknown) => {
    if (error instanceof LongshoreError && error.code === 'not_found') return undefined;
    throw error;
  });

async function hostNow({ client, output, world }: Session, id: string): Promise<void> {
  const { resources, ...host } = await client.get<Host>(`/api/hosts/${id}`);
  if (output.isJson) return output.json(resources);
  const of = (used: number | null | undefined, total: number | null | undefined) =>
    used === null || used === undefined ? null : `${size(used)} of ${size(total ?? null) ?? '?'}`;
  output.facts({
    name: host.name,
    cpu: resources && `${cores(resources)} of ${host.facts?.cpus ?? '?'} cores`,
    load: resources?.load_1 ?? null,
    memory: of(resources?.memory_used_bytes, resources?.memory_total_bytes),
    disk: of(resources?.disk_used_bytes, resources?.disk_total_bytes),
    docker: size(resources?.docker_bytes ?? null),
    network: resources && `${rate(resources.network_rx_bytes_per_s)} in, ${rate(resources.network_tx_bytes_per_s)} out`,
    temperature: resources?.temperature_celsius ?? null,
    measured: resources && `${formatAge(resources.sampled_at, world.clock.now())} ago`,
  });
}

async function hostThen({ client, output, world }: Session, id: string, args: StatsArgs): Promise<void> {
  const answer = await client.get<HostStats>(`/api/hosts/${id}/stats`, toQuery(args, world.clock.now()));
  if (output.isJson) return output.json(answer);
  output.table<HostStats['points'][number]>([timeColumn, ...HOST_COLUMNS], answer.points);
}

async function follow({ client, output, world }: Session, { kind, id }: Subject, args: StatsArgs): Promise<void> {
  if (kind === 'host' || args.since !== undefined)
    throw new LongshoreError('bad_request', { message: '--follow is for what a service uses from now on' });
  await watchStats(client, id, (containers) => {
    if (output.isJson) output.json(containers, 'line');
    else showContainers(output, containers, world.clock.now());
  });
}

async function serviceNow({ client, output, world }: Session, id: string): Promise<void> {
  const { containers } = await client.get<ServiceStats>(`/api/services/${id}/stats`);
  if (output.isJson) return output.json(containers);
  showContainers(output, containers, world.clock.now());
}

function showContainers(output: Session['output'], containers: ServiceStats['containers'], nowMs: number): void {
  output.table<ServiceStats['containers'][number]>(
    [
      { title: 'CONTAINER', cell: (container) => container.name },
      ...USAGE_COLUMNS,
      { title: 'RESTARTS', cell: (container) => container.restart_count },
      { title: 'UP', cell: (container) => formatAge(container.started_at, nowMs) },
    ],
    containers,
  );
}

async function serviceThen({ client, output, world }: Session, id: string, args: StatsArgs): Promise<void> {
  const query = { container: args.container, ...toQuery(args, world.clock.now()) };
  const answer = await client.get<ServiceStats>(`/api/services/${id}/stats`, query);
  if (output.isJson) return output.json(answer);
  output.table<ServiceStats['points'][number]>([timeColumn, ...USAGE_COLUMNS], answer.points);
}

const toQuery = ({ since, step }: StatsArgs, nowMs: number) => ({
  since: since === undefined ? undefined : parseSince(since, nowMs),
  step: step === undefined ? DEFAULT_STEP_S : parseSeconds(step, '--step'),
});

const timeColumn: Column<{ timestamp: string }> = { title: 'TIME', cell: ({ timestamp }) => timestamp };

type Traffic = Pick<
  UsageNow,
  'network_rx_bytes_per_s' | 'network_tx_bytes_per_s' | 'disk_read_bytes_per_s' | 'disk_write_bytes_per_s'
>;

const TRAFFIC_COLUMNS: Column<Traffic>[] = [
  { title: 'NET IN', cell: (now) => rate(now.network_rx_bytes_per_s) },
  { title: 'NET OUT', cell: (now) => rate(now.network_tx_bytes_per_s) },
  { title: 'DISK READ', cell: (now) => rate(now.disk_read_bytes_per_s) },
  { title: 'DISK WRITE', cell: (now) => rate(now.disk_write_bytes_per_s) },
];

const USAGE_COLUMNS: Column<UsageNow>[] = [
  { title: 'CPU', cell: (now) => cores(now) },
  { title: 'MEMORY', cell: (now) => size(now.memory_used_bytes) },
  ...TRAFFIC_COLUMNS,
  { title: 'PIDS', cell: (now) => now.pids },
];

const HOST_COLUMNS: Column<HostUsageNow>[] = [
  { title: 'CPU', cell: (now) => cores(now) },
  { title: 'LOAD', cell: (now) => now.load_1 },
  { title: 'MEMORY', cell: (now) => size(now.memory_used_bytes) },
  { title: 'DISK', cell: (now) => size(now.disk_used_bytes) },
  ...TRAFFIC_COLUMNS,
  { title: 'TEMPERATURE', cell: (now) => now.temperature_celsius },
];

const cores = ({ cpu_usage: used }: { cpu_usage: number | null }): string | null =>
  used === null ? null : used.toFixed(2);

/** In steps of 1024: 1.5G. */
function size(bytes: number | null): string | null {
  if (bytes === null) return null;
  const step = bytes < 1 ? 0 : Math.min(Math.floor(Math.log2(bytes) / 10), SIZES.length - 1);
  return `${(bytes / 1024 ** step).toFixed(step === 0 ? 0 : 1)}${SIZES[step]}`;
}

const rate = (bytesPerS: number | null): string | null => (bytesPerS === null ? null : `${size(bytesPerS)}/s`);
