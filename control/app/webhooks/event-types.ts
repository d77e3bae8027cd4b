// What webhooks tell of: the list that docs/webhooks.md is compared with, and how the timeline becomes it. Pure.
import type { EventRecord, JobRecord } from '../../store/records.ts';

/** Types of events that an endpoint may ask for. Append only: receivers decide by them. */
export const EVENT_TYPES = [
  'service.created',
  'service.updated',
  'service.starting',
  'service.started',
  'service.start_failed',
  'service.stopping',
  'service.stopped',
  'service.stop_failed',
  'service.restarting',
  'service.restarted',
  'service.restart_failed',
  'service.deleting',
  'service.deleted',
  'service.delete_failed',
  'service.status_changed',
  'service.suspended',
  'service.resumed',
  'service.update_available',
  'service.enabled',
  'service.disabled',
  'service.oom_killed',
  'service.event',
  'deploy.started',
  'deploy.succeeded',
  'deploy.failed',
  'deploy.rolled_back',
  'deploy.cancelled',
  'deploy.expired',
  'deploy.superseded',
  'deploy.proposed',
  'deploy.rejected',
  'health.healthy',
  'health.unhealthy',
  'health.starting',
  'health.unknown',
  'heal.restarted',
  'heal.restart_failed',
  'heal.gave_up',
  'host.joined',
  'host.connected',
  'host.offline',
  'host.revoked',
  'host.identity_conflict',
  'host.event',
  'backup.started',
  'backup.succeeded',
  'backup.failed',
  'schedule.started',
  'schedule.succeeded',
  'schedule.failed',
  'webhook.test',
  'rollout.halted',
  'rollout.succeeded',
  'host.renamed',
  'host.labelled',
  'host.cordoned',
  'host.uncordoned',
  'host.drained',
  'host.undrained',
  'host.removed',
  'host.upgraded',
  'host.identity_settled',
  'incident.opened',
  'incident.resolved',
  'dns.updated',
  'dns.failed',
  'dns.removed',
] as const;
export type EventType = (typeof EVENT_TYPES)[number];

/** By `type.status` of a timeline event. */
const BY_EVENT: Readonly<Record<string, EventType>> = {
  'service.created': 'service.created',
  'service.updated': 'service.updated',
  'service.enabled': 'service.enabled',
  'service.disabled': 'service.disabled',
  'oom_killed.killed': 'service.oom_killed',
  'heal.restarted': 'heal.restarted',
  'heal.restart_failed': 'heal.restart_failed',
  'heal.gave_up': 'heal.gave_up',
  'service.suspended': 'service.suspended',
  'service.resumed': 'service.resumed',
  'dns.updated': 'dns.updated',
  'dns.failed': 'dns.failed',
  'dns.removed': 'dns.removed',
  'start.started': 'service.starting',
  'start.success': 'service.started',
  'stop.started': 'service.stopping',
  'stop.success': 'service.stopped',
  'restart.started': 'service.restarting',
  'restart.success': 'service.restarted',
  'remove.started': 'service.deleting',
  'remove.success': 'service.deleted',
  'deploy.started': 'deploy.started',
  'deploy.success': 'deploy.succeeded',
  'deploy.failed': 'deploy.failed',
  'deploy.cancelled': 'deploy.cancelled',
  'deploy.expired': 'deploy.expired',
  'deploy.superseded': 'deploy.superseded',
  'deploy.proposed': 'deploy.proposed',
  'deploy.rejected': 'deploy.rejected',
  'health.healthy': 'health.healthy',
  'health.unhealthy': 'health.unhealthy',
  'health.starting': 'health.starting',
  'health.unknown': 'health.unknown',
  'host.joined': 'host.joined',
  'host.connected': 'host.connected',
  'host.offline': 'host.offline',
  'host.revoked': 'host.revoked',
  'host.identity_conflict': 'host.identity_conflict',
  'update.available': 'service.update_available',
  'backup.started': 'backup.started',
  'backup.success': 'backup.succeeded',
  'backup.failed': 'backup.failed',
  'schedule.started': 'schedule.started',
  'schedule.success': 'schedule.succeeded',
  'schedule.failed': 'schedule.failed',
  'rollout.halted': 'rollout.halted',
  'rollout.succeeded': 'rollout.succeeded',
  'host.renamed': 'host.renamed',
  'host.labelled': 'host.labelled',
  'host.cordoned': 'host.cordoned',
  'host.uncordoned': 'host.uncordoned',
  'host.drained': 'host.drained',
  'host.undrained': 'host.undrained',
  'host.removed': 'host.removed',
  'host.upgraded': 'host.upgraded',
  'host.identity_settled': 'host.identity_settled',
  'incident.opened': 'incident.opened',
  'incident.resolved': 'incident.resolved',
};

/** Whatever its status says, an action that ended otherwise did not do what it should. */
const BY_UNDONE_ACTION: Readonly<Record<string, EventType>> = {
  start: 'service.start_failed',
  stop: 'service.stop_failed',
  restart: 'service.restart_failed',
  remove: 'service.delete_failed',
  backup: 'backup.failed',
};

type Told = Pick<EventRecord, 'type' | 'status' | 'serviceId'>;

type Done = Pick<JobRecord, 'kind' | 'rolledBackTo'>;

/** One timeline event may be two things at once: a deploy that ended with an earlier revision. Never nothing. */
export function toEventTypes(event: Told, job: Done | undefined): EventType[] {
  const type = typeOf(event);
  const isUndone = type === 'deploy.failed' && typeof job?.rolledBackTo === 'number';
  const isRollback = type === 'deploy.succeeded' && job?.kind === 'rollback';
  return isUndone || isRollback ? [type, 'deploy.rolled_back'] : [type];
}

function typeOf({ type, status, serviceId }: Told): EventType {
  if (type === 'status') return 'service.status_changed';
  const other = serviceId === null ? 'host.event' : 'service.event';
  return BY_EVENT[`${type}.${status}`] ?? BY_UNDONE_ACTION[type] ?? other;
}
