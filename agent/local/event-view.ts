// What the outbox keeps, in words for whoever reads it on the host. Pure.
import type { LocalEvent } from '#shared/local.ts';
import type { AgentEventBody } from '#shared/protocol/schema.ts';
import { toRfc3339 } from '#shared/time.ts';
import type { KeptEvent } from '../state/outbox.ts';

/** What an event names by an id alone; undefined where the host has it no more. */
export interface EventNames {
  service: (id: string) => string | undefined;
  jobKind: (id: string) => string | undefined;
  schedule: (id: string) => string | undefined;
}

export function toEventView({ seq, at, body, isTold }: KeptEvent, names: EventNames): LocalEvent {
  const { serviceId = null, message } = inWords(body, names);
  return {
    seq,
    at: toRfc3339(at),
    kind: body.kind,
    service_id: serviceId,
    service_name: (serviceId !== null && names.service(serviceId)) || null,
    message,
    told: isTold,
  };
}

interface Words {
  serviceId?: string;
  message: string;
}
type Describe<K extends AgentEventBody['kind']> = (
  body: Extract<AgentEventBody, { kind: K }>,
  names: EventNames,
) => Words;

const WORDS: { [K in AgentEventBody['kind']]: Describe<K> } = {
  'job.local': ({ job: { serviceId, kind, cause } }) => ({ serviceId, message: `${kind} begun (${cause})` }),
  'job.step': ({ progress: { serviceId, step, state } }) => ({ serviceId, message: `${step} ${state}` }),
  'job.finished': ({ result: { jobId, serviceId, state, error } }, names) => ({
    serviceId,
    message: `${names.jobKind(jobId) ?? 'job'} ${state}${error ? `: ${error.message}` : ''}`,
  }),
  'service.report': ({ report: { serviceId, lifecycle, health, reason } }) => ({
    serviceId,
    message: `${lifecycle}, ${health}${reason === null ? '' : `: ${reason}`}`,
  }),
  'service.event': ({ serviceId, message }) => ({ serviceId, message }),
  'service.updates': ({ updates: { serviceId } }) => ({ serviceId, message: 'looked for newer images' }),
  'host.facts': () => ({ message: 'facts of the host' }),
  'edge.status': () => ({ message: 'state of the edge' }),
  'schedule.run': ({ run: { scheduleId, state } }, names) => ({
    message: `schedule ${names.schedule(scheduleId) ?? scheduleId}: ${state}`,
  }),
  gap: ({ counts }) => ({
    message: `dropped: ${Object.entries(counts)
      .map(([kind, count]) => `${count} ${kind}`)
      .join(', ')}`,
  }),
};

/** The table pairs each kind with its words. */
const inWords = (body: AgentEventBody, names: EventNames): Words =>
  (WORDS[body.kind] as Describe<AgentEventBody['kind']>)(body, names);
