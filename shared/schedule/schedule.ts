// The words of schedules that both sides share. Plain data, as in model.ts.

/** What a schedule does. `update` redeploys when newer images are there; `cleanup` and `statistics` are about a host. */
export const SCHEDULE_KINDS = [
  'restart',
  'start',
  'stop',
  'redeploy',
  'backup',
  'drill',
  'exec',
  'cleanup',
  'statistics',
  'update',
] as const;
export type ScheduleKind = (typeof SCHEDULE_KINDS)[number];

/** Kinds that are done once for a host, and not for each service. */
export const isHostKind = (kind: ScheduleKind): kind is 'cleanup' | 'statistics' =>
  kind === 'cleanup' || kind === 'statistics';

/** What becomes of runs that were missed while the host was off: nothing, or one for all of them. */
export const CATCH_UPS = ['none', 'one'] as const;
export type CatchUp = (typeof CATCH_UPS)[number];

/** One service, some services, the services with these labels, or every service. */
export type ScheduleTargets =
  | { serviceId: string }
  | { serviceIds: string[] }
  | { labels: Record<string, string> }
  | { isAll: true };
/** Services that one schedule may name. */
export const MAX_NAMED_SERVICES = 100;

/** A schedule as hosts keep it: nothing else is needed to run it with control away. */
export interface ScheduleSpec {
  id: string;
  name: string;
  /** Grows with each change; an older one is ignored. */
  revision: number;
  kind: ScheduleKind;
  /** As parseCron takes it. */
  cron: string;
  timeZone: string;
  targets: ScheduleTargets;
  /** Reaches this customer's services only; null: every service. */
  customerId: string | null;
  /** Customers whose services must not be started: they are suspended. */
  heldCustomers: string[];
  delayBetweenS: number;
  catchUp: CatchUp;
  /** Each host waits up to so long, always the same time of its own. */
  jitterS: number;
  isEnabled: boolean;
  /** For `exec`: the program and its arguments, and in which compose service it runs where there are several. */
  exec?: { command: string[]; composeService: string | null; timeoutS: number } | undefined;
}

/** `pending`: asked for by hand, and its host has not said anything yet. */
export const RUN_STATES = ['pending', 'running', 'succeeded', 'failed', 'skipped'] as const;
export type RunState = (typeof RUN_STATES)[number];
export const RUN_TRIGGERS = ['schedule', 'catch_up', 'manual'] as const;
export type RunTrigger = (typeof RUN_TRIGGERS)[number];

/** What a run did for one service, or for the host. */
export interface RunTarget {
  /** Null: the host. */
  serviceId: string | null;
  serviceName: string | null;
  state: RunState;
  /** Why it was skipped or failed. */
  reason: string | null;
  jobId: string | null;
  /** The end of what it said. */
  output: string | null;
}

/** One time that a schedule was due on a host. */
export interface ScheduleRun {
  id: string;
  scheduleId: string;
  trigger: RunTrigger;
  state: RunState;
  reason: string | null;
  /** Times before this one that nothing was done for. */
  missed: number;
  /** All times in milliseconds since the epoch, on the host's clock. */
  dueAt: number;
  startedAt: number | null;
  finishedAt: number | null;
  targets: RunTarget[];
}

/** Of one target, and of all targets of a run together: a run travels in one message. */
export const OUTPUT_CHARS = 8_000;
export const RUN_OUTPUT_CHARS = 64_000;
