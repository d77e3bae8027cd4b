// Pure: the one word for a service of PhoenixPanel. docs/dialects.md has the tables.
import type { Host } from '../../app/api/hosts.ts';
import type { Schedule } from '../../app/api/schedules.ts';
import type { SystemPart } from '../../app/api/system-services.ts';

export const TASK_STATUSES = ['scheduled', 'running', 'disabled'] as const;
export const SYSTEM_STATUSES = ['running', 'degraded', 'offline', 'disabled'] as const;
export type TaskStatus = (typeof TASK_STATUSES)[number];
export type SystemStatus = (typeof SYSTEM_STATUSES)[number];

export function toTaskStatus({ isEnabled, lastRun }: Pick<Schedule, 'isEnabled' | 'lastRun'>): TaskStatus {
  if (lastRun?.state === 'running' || lastRun?.state === 'pending') return 'running';
  return isEnabled ? 'scheduled' : 'disabled';
}

export const toPartStatus = ({ trouble }: Pick<SystemPart, 'trouble'>): SystemStatus =>
  trouble === null ? 'running' : 'degraded';

const AGENT_STATUSES: Record<Host['status'], SystemStatus> = {
  connected: 'running',
  offline: 'offline',
  fenced: 'offline', // two machines answer for it, and neither is given work
  revoked: 'disabled',
};

/** Without Docker an agent does little. */
export function toAgentStatus({ status, facts }: Pick<Host, 'status' | 'facts'>): SystemStatus {
  return status === 'connected' && facts?.dockerAwaySince ? 'degraded' : AGENT_STATUSES[status];
}
