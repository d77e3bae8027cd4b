// Pure: the system's parts, its agents and schedules as services of PhoenixPanel.
import { toRfc3339 } from '#shared/time.ts';
import type { Host } from '../../app/api/hosts.ts';
import type { Schedule } from '../../app/api/schedules.ts';
import type { SystemPart, SystemPartName } from '../../app/api/system-services.ts';
import { toAgentStatus, toPartStatus, toTaskStatus } from './status.ts';
import { toTask, type TaskReader } from './task.ts';

const PARTS: Record<SystemPartName, { name: string; description: string }> = {
  control_plane: { name: 'Control Plane', description: 'Serves the API and keeps what is wanted of every host' },
  job_processor: { name: 'Job Processor', description: 'Handles background and queued tasks' },
  scheduler: { name: 'Scheduler', description: 'Brings scheduled tasks to the hosts, which run them on time' },
  database: { name: 'Database', description: 'Holds what the control plane knows' },
};
const PART_PREFIX = 'sys_';

/** Which part an id names, if any. */
export const fromPartId = (id: string): string | undefined =>
  id.startsWith(PART_PREFIX) ? id.slice(PART_PREFIX.length) : undefined;

export interface ServiceView {
  id: string;
  name: string;
  description: string;
  status: string;
  type: 'system' | 'scheduled';
  schedule?: string;
  last_run?: string;
  next_run?: string;
  created_at: string;
  updated_at: string;
}

export const toPart = (part: SystemPart): ServiceView => ({
  id: PART_PREFIX + part.name,
  ...PARTS[part.name],
  status: toPartStatus(part),
  type: 'system',
  created_at: toTime(part.createdAt),
  updated_at: toTime(part.startedAt),
});

export const toAgent = (host: Host): ServiceView => ({
  id: host.id,
  name: `Agent on ${host.name}`,
  description: 'Server container management service',
  status: toAgentStatus(host),
  type: 'system',
  created_at: toTime(host.createdAt),
  updated_at: toTime(host.lastSeenAt ?? host.createdAt),
});

/** What has not been or will not be is left out, as its documents do. */
export const toScheduled = (schedule: Schedule): ServiceView => ({
  id: schedule.id,
  name: schedule.name,
  description: schedule.description ?? '',
  status: toTaskStatus(schedule),
  type: 'scheduled',
  schedule: schedule.cron,
  ...(schedule.lastRun && { last_run: toTime(schedule.lastRun.at) }),
  ...(schedule.nextRun !== null && { next_run: toTime(schedule.nextRun) }),
  created_at: toTime(schedule.createdAt),
  updated_at: toTime(Math.max(schedule.updatedAt, schedule.lastRun?.at ?? 0)),
});

/** With what a client needs to send it back changed. */
export const toScheduledDetail = (schedule: Schedule, reader: TaskReader) => ({
  ...toScheduled(schedule),
  enabled: schedule.isEnabled,
  timezone: schedule.timeZone,
  task: toTask(schedule, reader),
});

/** Without fractions: strict readers of its documents know none. */
export const toTime = (ms: number): string => toRfc3339(ms).replace(/\.\d+Z$/, 'Z');
