// Pure: how a service of PhoenixPanel is, in its words: status, uptime, what it uses, what went wrong, and figures.
import type { Host, HostEvent } from '../../app/api/hosts.ts';
import type { Schedule, ScheduleRunRecord } from '../../app/api/schedules.ts';
import type { SystemHealth, SystemPartName, Trouble } from '../../app/api/system-services.ts';
import { toAgent, toPart, toScheduled, toTime, type ServiceView } from './service-view.ts';

interface Complaint {
  level: Trouble['level'];
  message: string;
  at: number;
}

type Figures = Record<string, number | null>;

interface Facts {
  reason?: string | null;
  startedAt: number | null;
  usage: Figures;
  sampledAt: number | null;
  complaints: readonly Complaint[];
  performance: Figures;
}

/** More than anybody reads. */
const MAX_SHOWN = 20;

function toHealth({ id, name, type, status }: ServiceView, facts: Facts, now: number) {
  const { reason = null, startedAt, usage, sampledAt, complaints, performance } = facts;
  return {
    id,
    name,
    type,
    status,
    reason,
    uptime_seconds: startedAt === null ? null : Math.max(0, Math.floor((now - startedAt) / 1000)),
    resource_usage: { ...rounded(usage), sampled_at: sampledAt === null ? null : toTime(sampledAt) },
    recent_errors: complaints
      .slice(0, MAX_SHOWN)
      .map(({ level, message, at }) => ({ level, message, occurred_at: toTime(at) })),
    performance: rounded(performance),
    checked_at: toTime(now),
  };
}

export function toPartHealth(health: SystemHealth, now: number) {
  const { process, database, trouble: reason, startedAt } = health;
  const fileBytes = database.fileBytes + database.walBytes;
  const usage = {
    cpu_percent: process.cpuPercent,
    memory_bytes: process.memoryBytes,
    disk_bytes: health.name === 'database' ? fileBytes : null,
  };
  const facts = {
    reason,
    startedAt,
    usage,
    sampledAt: now,
    complaints: complaintsOf(health),
    performance: PERFORMANCE[health.name](health),
  };
  return toHealth(toPart(health), facts, now);
}

const PERFORMANCE: Record<SystemPartName, (health: SystemHealth) => Figures> = {
  control_plane: ({ process, control }) => ({
    event_loop_lag_ms: process.loopLagMs,
    heap_bytes: process.heapBytes,
    hosts_connected: control.agentsConnected,
  }),
  job_processor: ({ control }) => ({
    jobs_waiting: sum([control.jobs.queued, control.jobs.offered, control.jobs.accepted]),
    jobs_running: control.jobs.running ?? 0,
    webhooks_waiting: control.deliveriesWaiting,
  }),
  scheduler: ({ scheduler }) => ({ tasks: scheduler.schedules, tasks_enabled: scheduler.enabled }),
  database: ({ database }) => ({ write_ms: database.writeMs, wal_bytes: database.walBytes }),
};

function complaintsOf({ name, troubles, failedJobs, scheduler }: SystemHealth): readonly Complaint[] {
  if (name === 'job_processor') return failedJobs.map(asError);
  if (name === 'scheduler') return scheduler.failedRuns.map(toComplaint);
  return name === 'control_plane' ? troubles : troubles.filter(isOfStorage);
}

const isOfStorage = ({ code }: Trouble): boolean => code !== null && /^(SQLITE_|storage_full$)/.test(code);

/** What of a host's timeline is a warning, and what an error. */
const LEVELS: Record<string, Trouble['level']> = {
  offline: 'warning',
  gap: 'warning',
  services_unknown: 'warning',
  services_forgotten: 'warning',
  host_rolled_back: 'warning',
  control_restored: 'warning',
  protocol_violation: 'error',
  identity_conflict: 'error',
  revoked: 'warning',
};

export function toAgentHealth({ host, events }: { host: Host; events: readonly HostEvent[] }, now: number) {
  const { facts, usage } = host;
  const view = toAgent(host);
  const isHere = host.status === 'connected';
  const used = {
    cpu_percent: facts && percentOf(usage?.cpuCores ?? null, facts.cpus),
    memory_bytes: usage?.memoryBytes ?? null,
    memory_total_bytes: usage?.memoryTotalBytes ?? null,
    disk_bytes: usage?.diskBytes ?? null,
    disk_total_bytes: usage?.diskTotalBytes ?? null,
  };
  const performance = {
    load_1m: usage?.load1 ?? null,
    load_5m: usage?.load5 ?? null,
    received_bytes_per_second: usage?.rxBytesPerS ?? null,
    sent_bytes_per_second: usage?.txBytesPerS ?? null,
    host_uptime_seconds: isHere ? (usage?.uptimeS ?? null) : null,
  };
  const complaints = events.flatMap(({ status, message, at }) => {
    const level = LEVELS[status];
    return level ? [{ level, message, at }] : [];
  });
  const startedAt = isHere ? (facts?.agentStartedAt ?? null) : null;
  return toHealth(
    view,
    { reason: reasonOf(host), startedAt, usage: used, sampledAt: usage?.at ?? null, complaints, performance },
    now,
  );
}

const percentOf = (part: number | null, whole: number): number | null => (part === null ? null : (part / whole) * 100);

function reasonOf({ status, facts }: Host): string | null {
  if (status === 'connected') return facts?.dockerAwaySince ? 'Docker does not answer' : null;
  return { offline: 'it is not connected', fenced: 'two machines answer for it', revoked: 'it was revoked' }[status];
}

/** `runs`: the last of them, the newest first. */
export function toTaskHealth(schedule: Schedule, runs: readonly ScheduleRunRecord[], now: number) {
  const ended = runs.filter(({ finishedAt }) => finishedAt !== null);
  const took = ended.flatMap((run) => (run.startedAt === null ? [] : [((run.finishedAt ?? 0) - run.startedAt) / 1000]));
  const countOf = (state: ScheduleRunRecord['state']) => ended.filter((run) => run.state === state).length;
  const performance = {
    runs: ended.length,
    runs_succeeded: countOf('succeeded'),
    runs_failed: countOf('failed'),
    runs_skipped: countOf('skipped'),
    last_duration_seconds: took[0] ?? null,
    average_duration_seconds: took.length === 0 ? null : sum(took) / took.length,
  };
  const complaints = runs.filter(({ state }) => state === 'failed').map(toComplaint);
  return toHealth(toScheduled(schedule), { startedAt: null, usage: {}, sampledAt: null, complaints, performance }, now);
}

function toComplaint({ reason, targets, scheduleId, hostId, finishedAt, dueAt }: ScheduleRunRecord): Complaint {
  const failed = targets.filter(({ state }) => state === 'failed');
  const whys = failed.map((target) => `${target.serviceName ?? hostId}: ${target.reason ?? 'failed'}`);
  const why = [reason ?? [], whys].flat().join('; ');
  return asError({
    message: `Task ${scheduleId} on ${hostId} failed${why === '' ? '' : `: ${why}`}`,
    at: finishedAt ?? dueAt,
  });
}

const asError = (said: { message: string; at: number }): Complaint => ({ level: 'error', ...said });

const sum = (figures: readonly (number | undefined)[]): number =>
  figures.reduce<number>((all, it) => all + (it ?? 0), 0);

const rounded = (figures: Figures): Figures =>
  Object.fromEntries(
    Object.entries(figures).map(([name, it]) => [name, it === null ? null : Math.round(it * 100) / 100]),
  );
