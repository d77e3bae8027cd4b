// Pure: a service's three axes as the one word of the orchestrator's Services API. docs/dialects.md has the table.
import type { Health, Lifecycle } from '#shared/model.ts';
import type { Service } from '../../app/api/services.ts';

export const STATUSES = ['running', 'stopped', 'starting', 'unhealthy', 'disabled'] as const;
export type Status = (typeof STATUSES)[number];

export type Axes = Pick<Service, 'lifecycle' | 'health' | 'isEnabled'>;

const WHILE_RUNNING: Record<Health, Status> = {
  unknown: 'running', // nothing checks it, and it runs
  starting: 'starting',
  healthy: 'running',
  unhealthy: 'unhealthy',
};
const OTHERWISE: Record<Exclude<Lifecycle, 'running'>, Status> = {
  deploying: 'starting',
  stopped: 'stopped',
  failed: 'unhealthy',
};

export function toStatus({ lifecycle, health, isEnabled }: Axes): Status {
  if (!isEnabled) return 'disabled';
  return lifecycle === 'running' ? WHILE_RUNNING[health] : OTHERWISE[lifecycle];
}
