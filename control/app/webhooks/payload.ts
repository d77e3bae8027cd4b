// What a receiver is told: facts that anybody who may read services and hosts may know, and nothing that a variable, a
// compose file or a credential could stand in. Pure.
import { toRfc3339 } from '#shared/time.ts';
import type { EventRecord, HostRecord, JobRecord, ServiceRecord } from '../../store/records.ts';
import type { IncidentRecord } from '../../store/incidents.ts';
import type { ScheduleRecord } from '../../store/schedules.ts';
import type { EventType } from './event-types.ts';

/** A timeline event with what is known of the things it is about. */
export interface Story {
  event: EventRecord;
  service: ServiceRecord | undefined;
  /** Of a service that is gone, this knows the name. */
  job: JobRecord | undefined;
  host: HostRecord | undefined;
  schedule?: Pick<ScheduleRecord, 'id' | 'name' | 'customerId'> | undefined;
  /** That it is. */
  incident?: IncidentRecord | undefined;
  /** That it is a part of: how many other hosts are is not for everybody who may see this one. */
  partOf?: Pick<IncidentRecord, 'id' | 'kind'> | undefined;
}

/** Whose service it is about, or whose schedule, which does nothing to others. */
export const customerOf = ({ service, job, schedule }: Story): string | null =>
  service?.customerId ?? job?.customerId ?? schedule?.customerId ?? null;

/** The body as it is sent, in the form of Standard Webhooks. */
export const toBody = (type: EventType, story: Story): string =>
  JSON.stringify({ type, timestamp: toRfc3339(story.event.at), data: toFacts(story) });

export const toTestBody = (webhookId: string, now: number): string =>
  JSON.stringify({
    type: 'webhook.test' satisfies EventType,
    timestamp: toRfc3339(now),
    data: { webhook_id: webhookId, message: 'A test, asked for by hand' },
  });

function toFacts(story: Story): object {
  const { event, job, host, schedule, incident, partOf } = story;
  return {
    event_id: event.id,
    status: event.status,
    message: event.message,
    service: toServiceFacts(story),
    host: event.hostId === null ? null : { id: event.hostId, name: host?.name ?? null },
    job: job ? toJobFacts(job) : null,
    ...(schedule && { schedule: { id: schedule.id, name: schedule.name } }),
    ...(partOf && { incident: partOf }),
    ...(incident && { incident: toIncidentFacts(incident) }),
  };
}

const toIncidentFacts = ({ id, kind, hostCount, awayCount, startedAt, endedAt }: IncidentRecord): object => ({
  id,
  kind,
  host_count: hostCount,
  away_count: awayCount,
  started_at: toRfc3339(startedAt),
  ended_at: endedAt === null ? null : toRfc3339(endedAt),
});

function toServiceFacts(story: Story): object | null {
  const { event, service, job } = story;
  if (event.serviceId === null) return null;
  return {
    id: event.serviceId,
    name: service?.name ?? job?.serviceName ?? null,
    customer_id: customerOf(story),
    status: service?.lifecycle ?? null,
    health: service?.health ?? null,
    reason: service?.reason ?? null,
    revision: service?.revision ?? null,
  };
}

const toJobFacts = ({
  id,
  kind,
  state,
  backupId,
  error,
  failedStep,
  rolledBackTo,
  isUnchanged,
}: JobRecord): object => ({
  id,
  kind,
  state,
  backup_id: backupId,
  error: error && { code: error.code, message: error.message },
  failed_step: failedStep,
  rolled_back_to: rolledBackTo,
  unchanged: isUnchanged,
});
