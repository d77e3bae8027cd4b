// Pure: what AIKit's webhooks are told. Its document names the events and the secret and shows no message, so a message
// has the event's name, the service in the words of the list, and the signature that most receivers check: an HMAC of
// the body under the secret as it was given.
import { createHmac } from 'node:crypto';
import type { ContainerView } from '#shared/model.ts';
import { toRfc3339 } from '#shared/time.ts';
import type { EventType } from '../../app/webhooks/event-types.ts';
import { matchesAny } from '../../app/webhooks/patterns.ts';
import type { WebhookFormat } from '../../app/webhooks/formats.ts';
import type { Story } from '../../app/webhooks/payload.ts';
import { toHealth, toStatus } from './status.ts';
import { toVersion } from './version.ts';

export const EVENTS = ['service:start', 'service:stop', 'service:error'] as const;
export type AikitEvent = (typeof EVENTS)[number];

/** What is heard of for each. */
const HEARD: Record<AikitEvent, readonly EventType[]> = {
  'service:start': ['service.started', 'service.restarted', 'service.resumed', 'deploy.succeeded', 'heal.restarted'],
  'service:stop': ['service.stopped', 'service.suspended', 'service.deleted'],
  'service:error': [
    'service.start_failed',
    'service.stop_failed',
    'service.restart_failed',
    'service.oom_killed',
    'deploy.failed',
    'health.unhealthy',
    'heal.restart_failed',
    'heal.gave_up',
  ],
};
/** What comes to pass without anybody's word is told by where it leads. */
const BY_LIFECYCLE: Record<string, AikitEvent> = {
  running: 'service:start',
  stopped: 'service:stop',
  failed: 'service:error',
};
const CHANGED = 'service.status_changed';

export const fromEvents = (events: readonly AikitEvent[]): EventType[] => [
  ...new Set(events.flatMap((event) => [...HEARD[event], CHANGED] as const)),
];

/** Null: nothing that its document has a word for, or asks to hear of. */
export function toEvent(type: EventType, status: string): AikitEvent | null {
  if (type === CHANGED) return BY_LIFECYCLE[status] ?? null;
  return EVENTS.find((event) => HEARD[event].includes(type)) ?? null;
}

export const aikitFormat: WebhookFormat = {
  toMessage(type, story) {
    const event = toEvent(type, story.event.status);
    return event && { type: event, body: JSON.stringify(toBody(event, story)) };
  },
  wants: (patterns, event) => HEARD[event as AikitEvent].some((type) => matchesAny(patterns, type)),
  headersOf: (body, keys) => ({ 'x-webhook-signature': keys.map((key) => `sha256=${hmac(key, body)}`).join(', ') }),
};

const hmac = (key: Uint8Array, body: string): string => createHmac('sha256', key).update(body).digest('hex');

function toBody(event: AikitEvent, { event: told, service, job, host }: Story) {
  const containers = service?.report?.containers ?? [];
  const main = containers.find((one) => toStatus(one) === 'running') ?? containers[0];
  const name = service?.name ?? job?.serviceName ?? null;
  const ended = event === 'service:start' ? 'running' : 'stopped';
  return {
    event,
    timestamp: toRfc3339(told.at),
    data: {
      id: main?.name ?? name,
      name: service?.displayName ?? name,
      containerId: main?.id ?? null,
      status: main ? toStatus(main) : ended,
      health: main ? toHealth(main) : 'unknown',
      version: main ? toVersion({ version: null, image: main.image }) : null,
      host: host?.name ?? null,
      message: told.message,
      containers: containers.map(toPart),
    },
  };
}

const toPart = (container: ContainerView) => ({
  id: container.name,
  containerId: container.id,
  status: toStatus(container),
  health: toHealth(container),
});
