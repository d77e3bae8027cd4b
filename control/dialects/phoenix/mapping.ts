// Pure: requests of PhoenixPanel's Services API in our words, who may make them, and our errors in its own.
import { LongshoreError, problemsOf, type ErrorCode } from '#shared/errors.ts';
import type { ScheduleTargets } from '#shared/schedule/schedule.ts';
import type { Caller } from '../../app/api/caller.ts';
import type { NewSchedule, ScheduleChanges } from '../../app/api/schedules.ts';
import type { ServiceView } from './service-view.ts';
import type { TaskOrder } from './task.ts';

export { toAgentHealth, toPartHealth, toTaskHealth } from './health.ts';
export { pick, toPagination } from './pages.ts';
export { fromPartId, toAgent, toPart, toScheduled, toScheduledDetail } from './service-view.ts';
export { fromTask, toTask } from './task.ts';

export interface TaskBody {
  name: string;
  description: string | null;
  schedule: string;
  timezone: string;
  enabled: boolean;
}

/** `order` with its servers found. */
export type FoundOrder = Omit<TaskOrder, 'servers'> & { targets: ScheduleTargets };

export const fromCreate = (body: TaskBody, order: FoundOrder): NewSchedule => ({
  name: body.name,
  description: body.description,
  cron: body.schedule,
  timeZone: body.timezone,
  isEnabled: body.enabled,
  catchUp: 'none',
  jitterS: 0,
  ...order,
});

export type TaskChanges = { [K in keyof TaskBody]?: TaskBody[K] | undefined };

export const fromUpdate = (body: TaskChanges, order?: FoundOrder): ScheduleChanges => ({
  name: body.name,
  description: body.description,
  cron: body.schedule,
  timeZone: body.timezone,
  isEnabled: body.enabled,
  ...order,
});

/** Why a part of the system is not changed; null: nothing would be. */
export function findRefusal(
  view: ServiceView,
  { name, description, schedule, enabled }: TaskChanges,
  hasTask: boolean,
) {
  if (enabled === false) return conflict(`Cannot disable "${view.name}": the system depends on it`);
  const isSame =
    !differs(name, view.name) && !differs(description, view.description) && schedule === undefined && !hasTask;
  return isSame ? null : conflict(`Cannot change "${view.name}": it is part of the system`);
}

const differs = (said: string | null | undefined, is: string): boolean => said !== undefined && said !== is;

export const refuseDelete = ({ name }: ServiceView): LongshoreError =>
  conflict(`Cannot delete "${name}": the system depends on it`);

const conflict = (message: string) => new LongshoreError('state_conflict', { message });

/** What its documents let a key do that may create or update tasks: every type of task, but no program in a container. */
const TASK_RIGHTS = ['services.update', 'backups.create', 'hosts.update', 'hosts.read'] as const;

/** For setting up tasks only. Bound to what the key is bound to, as ever. */
export const withTaskRights = (caller: Caller): Caller => ({
  ...caller,
  permissions: [...caller.permissions, ...TASK_RIGHTS],
});

const CODES: Partial<Record<ErrorCode, string>> = {
  not_found: 'service_not_found',
  forbidden: 'permission_denied',
  csrf: 'permission_denied',
  state_conflict: 'service_conflict',
  service_busy: 'service_conflict',
  name_ambiguous: 'service_conflict',
  customer_suspended: 'service_conflict',
  host_offline: 'service_unavailable',
  link_closed: 'service_unavailable',
  docker_unavailable: 'service_unavailable',
  storage_full: 'service_unavailable',
  unavailable: 'service_unavailable',
};
const AWAY = 503;
/** Of our requests in theirs. */
const FIELDS: Record<string, string> = { cron: 'schedule' };

/** A list of errors: one for each field that is wrong. */
export function wordError(error: LongshoreError) {
  const code = CODES[error.code] ?? error.code;
  const status = code === 'service_unavailable' ? AWAY : error.status;
  const fields = Object.entries(error.fields ?? {}).map(
    ([field, problem]) => [FIELDS[field] ?? field, problem] as const,
  );
  const whole = [error.message, error.details].filter((part) => part !== undefined).join(': ');
  const details = fields.length > 0 ? problemsOf(Object.fromEntries(fields)) : [whole];
  return { status, body: { errors: details.map((detail) => ({ code, detail, status: String(status) })) } };
}
