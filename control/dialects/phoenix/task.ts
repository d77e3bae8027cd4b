// Pure: what a scheduled task does, in PhoenixPanel's words and in ours.
import { LongshoreError } from '#shared/errors.ts';
import type { ScheduleKind, ScheduleTargets } from '#shared/schedule/schedule.ts';
import type { NewSchedule } from '../../app/api/schedules.ts';
import { joinWords, splitWords } from './words.ts';

export interface Task {
  type: string;
  data?: TaskWords | undefined;
}

export interface TaskWords {
  servers?: string | string[] | undefined;
  labels?: Record<string, string> | undefined;
  command?: string | string[] | undefined;
  delay_between?: number | undefined;
  timeout?: number | undefined;
}

/** Of the servers a task is for, `all` or names; or the labels they have. */
export type Servers = 'all' | string[] | { labels: Record<string, string> };

export type TaskOrder = Pick<NewSchedule, 'kind' | 'delayBetweenS' | 'exec'> & { servers: Servers };

/** Its documents name `server_command`, and the others by what they do: each may be written as one or as many. */
const TYPES: Record<string, ScheduleKind> = {
  backup: 'backup',
  backups: 'backup',
  update: 'update',
  updates: 'update',
  statistics: 'statistics',
  statistics_collection: 'statistics',
  cleanup: 'cleanup',
  cleanup_operations: 'cleanup',
};
const SERVER_COMMAND = 'server_command';

/** Commands that are no program of the server. */
const COMMANDS: Record<string, ScheduleKind> = {
  restart: 'restart',
  start: 'start',
  stop: 'stop',
  kill: 'stop', // what does not end by itself in time is killed
  redeploy: 'redeploy',
  backup: 'backup',
  update: 'update',
};

const DEFAULT_TIMEOUT_S = 300;

/** Throws `validation_error`. */
export function fromTask({ type, data = {} }: Task): TaskOrder {
  const common = { servers: fromServers(data), delayBetweenS: data.delay_between ?? 0 };
  const name = type.toLowerCase().replaceAll(/[\s-]+/g, '_');
  const kind = Object.hasOwn(TYPES, name) ? TYPES[name] : undefined;
  if (kind) return { ...common, kind };
  if (name !== SERVER_COMMAND)
    throw invalid('task.type', `is none of ${[SERVER_COMMAND, ...Object.keys(TYPES)].join(', ')}`);
  return { ...common, ...fromCommand(data) };
}

function fromCommand({ command, timeout }: TaskWords): Pick<TaskOrder, 'kind' | 'exec'> {
  const words = typeof command === 'string' ? splitWords(command) : (command ?? []);
  const [first, ...others] = words;
  if (first === undefined) throw invalid('task.data.command', 'is needed');
  const kind = others.length === 0 && Object.hasOwn(COMMANDS, first.toLowerCase()) && COMMANDS[first.toLowerCase()];
  if (kind) return { kind };
  return { kind: 'exec', exec: { command: words, composeService: null, timeoutS: timeout ?? DEFAULT_TIMEOUT_S } };
}

function fromServers({ servers = 'all', labels }: TaskWords): Servers {
  if (labels && Object.keys(labels).length > 0) return { labels };
  const names = [servers].flat();
  if (names.length === 0) throw invalid('task.data.servers', 'names no server; say ["all"] for every one');
  return names.includes('all') ? 'all' : [...new Set(names)];
}

export interface TaskReader {
  /** What a service is called; its id where nobody knows. */
  nameOf: (id: string) => string;
  /** Whether a program's line is shown. */
  seesProgram: boolean;
}

export function toTask({ kind, targets, delayBetweenS, exec }: Toward, { nameOf, seesProgram }: TaskReader) {
  const whom = toServers(targets, nameOf);
  const pause = { delay_between: delayBetweenS };
  if (Object.hasOwn(TYPES, kind)) return { type: kind, data: { ...whom, ...pause } };
  const program = exec && { ...(seesProgram && { command: joinWords(exec.command) }), timeout: exec.timeoutS };
  return { type: SERVER_COMMAND, data: { ...whom, ...(program ?? { command: kind }), ...pause } };
}

type Toward = Pick<NewSchedule, 'kind' | 'targets' | 'delayBetweenS' | 'exec'>;

function toServers(targets: ScheduleTargets, nameOf: (id: string) => string) {
  if ('serviceId' in targets) return { servers: [nameOf(targets.serviceId)] };
  if ('serviceIds' in targets) return { servers: targets.serviceIds.map(nameOf) };
  return 'labels' in targets ? { servers: [], labels: targets.labels } : { servers: ['all'] };
}

const invalid = (field: string, problem: string) =>
  new LongshoreError('validation_error', { fields: { [field]: problem } });
