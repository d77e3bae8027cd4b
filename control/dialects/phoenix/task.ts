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
  service?: string | undefined;
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
  drill: 'drill',
  update: 'update',
};

const DEFAULT_TIMEOUT_S = 300;

/** Throws `validation_error`. */
export function fromTask({ type, data = {} }: Task): TaskOrder {
  const delayBetweenS = data.delay_between ?? 0;
  const name = type.toLowerCase().replaceAll(/[\s-]+/g, '_');
  const kind = Object.hasOwn(TYPES, name) ? TYPES[name] : undefined;
  if (kind) return { servers: fromServers(data, ['all']), delayBetweenS, kind };
  if (name !== SERVER_COMMAND)
    throw invalid('task.type', `is none of ${[SERVER_COMMAND, ...Object.keys(TYPES)].join(', ')}`);
  return { ...fromCommand(data), servers: fromServers(data, []), delayBetweenS };
}

function fromCommand({ command = [], timeout, service }: TaskWords): Pick<TaskOrder, 'kind' | 'exec'> {
  const kind = typeof command === 'string' ? kindOf(command) : undefined;
  if (kind) return { kind };
  const words = typeof command === 'string' ? splitWords(command) : command;
  if (words.length === 0) throw invalid('task.data.command', 'is needed');
  const limits = { composeService: service ?? null, timeoutS: timeout ?? DEFAULT_TIMEOUT_S };
  return { kind: 'exec', exec: { command: words, ...limits } };
}

/** In quotes it is a program of that name. */
function kindOf(line: string): ScheduleKind | undefined {
  const word = line.trim().toLowerCase();
  return Object.hasOwn(COMMANDS, word) ? COMMANDS[word] : undefined;
}

/** `usual`: who is meant when nobody is named. What stops or runs something is for no more than whom it names. */
function fromServers({ servers, labels = {} }: TaskWords, usual: string[]): Servers {
  const hasLabels = Object.keys(labels).length > 0;
  const names = [servers ?? (hasLabels ? [] : usual)].flat();
  if (names.length > 0 && hasLabels) throw invalid('task.data.servers', 'and labels are one too many');
  if (hasLabels) return { labels };
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
  const program = exec && { ...toProgram(exec), ...(seesProgram && { command: toLine(exec.command) }) };
  return { type: SERVER_COMMAND, data: { ...whom, ...(program ?? { command: kind }), ...pause } };
}

const toProgram = ({ timeoutS, composeService }: NonNullable<Toward['exec']>) => ({
  timeout: timeoutS,
  ...(composeService !== null && { service: composeService }),
});

function toLine(words: readonly string[]): string {
  const line = joinWords(words);
  return kindOf(line) ? `'${line}'` : line;
}

type Toward = Pick<NewSchedule, 'kind' | 'targets' | 'delayBetweenS' | 'exec'>;

function toServers(targets: ScheduleTargets, nameOf: (id: string) => string) {
  if ('serviceId' in targets) return { servers: [nameOf(targets.serviceId)] };
  if ('serviceIds' in targets) return { servers: targets.serviceIds.map(nameOf) };
  return 'labels' in targets ? { servers: [], labels: targets.labels } : { servers: ['all'] };
}

const invalid = (field: string, problem: string) =>
  new LongshoreError('validation_error', { fields: { [field]: problem } });
