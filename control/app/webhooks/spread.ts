// From the outbox to the queues: each timeline event becomes its messages, each message a delivery for each endpoint
// that wants it. The rows of the outbox go in the same transaction, so a crash leaves an event spread or not, never half.
import { newId } from '#shared/ids.ts';
import type { Clock } from '#shared/time.ts';
import type { OutboxRow } from '../../store/outbox.ts';
import type { EventRecord, JobRecord } from '../../store/records.ts';
import type { MessageRecord, WebhookRecord } from '../../store/webhook-records.ts';
import type { Stores } from '../../store/stores.ts';
import { hasLabels } from '../access/access.ts';
import { toEventTypes, type EventType } from './event-types.ts';
import type { WebhookFormats } from './formats.ts';
import { matchesAny } from './patterns.ts';
import { customerOf, toBody, type Story } from './payload.ts';

type Worded = Pick<MessageRecord, 'type' | 'body'>;

/** Bounds how long one write holds the event loop. */
const EVENTS_A_WRITE = 50;
/** An endpoint that is down or paused for long: what is old is worth less than what is new. */
export const MAX_PENDING = 1_000;

export class Spread {
  readonly #stores: Stores;
  readonly #formats: WebhookFormats;
  readonly #clock: Clock;

  constructor(stores: Stores, formats: WebhookFormats, clock: Clock) {
    this.#stores = stores;
    this.#formats = formats;
    this.#clock = clock;
  }

  async run(): Promise<void> {
    const { outbox, writer } = this.#stores;
    while (!outbox.isEmpty) await writer.write(() => this.#spreadSome());
  }

  #spreadSome(): void {
    const { outbox, webhooks } = this.#stores;
    const rows = outbox.next(EVENTS_A_WRITE);
    const endpoints = webhooks.listening();
    const told = new Set(rows.flatMap((row) => this.#spread(row, endpoints)));
    for (const webhookId of told) keepNewest(this.#stores, webhookId, this.#clock.now());
    outbox.remove(rows.at(-1)?.seq ?? 0);
  }

  /** Returns the endpoints that hear of it. */
  #spread({ seq, eventId }: OutboxRow, endpoints: readonly WebhookRecord[]): string[] {
    const event = this.#stores.events.find(eventId);
    if (!event) return [];
    const story = this.#tell(event);
    return toEventTypes(event, story.job).flatMap((type) => {
      const audience = endpoints.filter((it) => seq > it.afterSeq && isFor(it, type, story));
      const byFormat = Map.groupBy(audience, ({ format }) => format);
      return [...byFormat].flatMap(([format, all]) => {
        const worded = this.#word(format, type, story);
        return worded ? this.#enqueue(worded, this.#askers(format, all, worded)) : [];
      });
    });
  }

  #tell(event: EventRecord): Story {
    const { services, hosts, schedules } = this.#stores;
    return {
      event,
      schedule: event.scheduleId === null ? undefined : schedules.find(event.scheduleId),
      service: event.serviceId === null ? undefined : services.find(event.serviceId),
      job: this.#findJob(event),
      host: event.hostId === null ? undefined : hosts.find(event.hostId),
      ...this.#tellIncident(event),
    };
  }

  #tellIncident({ type, incidentId }: EventRecord): Pick<Story, 'incident' | 'partOf'> {
    const { incidents } = this.#stores;
    if (incidentId === null) return {};
    return type === 'incident' ? { incident: incidents.find(incidentId) } : { partOf: incidents.findKind(incidentId) };
  }

  /** The job whose end this is, or whose beginning: that one was made in the same moment. */
  #findJob({ jobId, serviceId, status, at }: EventRecord): JobRecord | undefined {
    const { jobs } = this.#stores;
    if (jobId !== null) return jobs.find(jobId);
    if (serviceId === null || status !== 'started') return undefined;
    return jobs.openOfService(serviceId).find(({ createdAt }) => createdAt === at);
  }

  #word(format: WebhookRecord['format'], type: EventType, story: Story): Worded | null {
    return format === 'standard' ? { type, body: toBody(type, story) } : this.#formats[format].toMessage(type, story);
  }

  #askers(format: WebhookRecord['format'], all: readonly WebhookRecord[], { type }: Worded): readonly WebhookRecord[] {
    return format === 'standard' ? all : all.filter(({ events }) => this.#formats[format].wants(events, type));
  }

  /** Returns who is told. */
  #enqueue(worded: Worded, audience: readonly WebhookRecord[]): string[] {
    if (audience.length === 0) return [];
    const { deliveries } = this.#stores;
    const now = this.#clock.now();
    const messageId = newId('msg', now);
    const ids = audience.map(({ id }) => id);
    deliveries.insertMessage({ id: messageId, ...worded, at: now });
    for (const webhookId of ids) deliveries.insert({ id: newId('dlv', now), webhookId, messageId, askedAt: now });
    return ids;
  }
}

/** For whoever has put something new into a queue. */
export function keepNewest({ deliveries }: Pick<Stores, 'deliveries'>, webhookId: string, at: number): void {
  const why = `More than ${MAX_PENDING} deliveries waited; the oldest were dropped`;
  deliveries.dropOldest(webhookId, MAX_PENDING, why, at);
}

/** What an endpoint must not hear of is decided like what its maker must not see. */
function isFor(webhook: WebhookRecord, type: EventType, story: Story): boolean {
  const { events, customerId, hostLabels } = webhook;
  if (!matchesAny(events, type) || isToldAtOnce(webhook, story)) return false;
  if (customerId !== null && customerOf(story) !== customerId) return false;
  return hostLabels === null || hasLabels(story.host?.labels ?? {}, hostLabels);
}

/** Who hears of an incident does not hear of each host as well. One of several hosts is not for who may see some of them. */
function isToldAtOnce({ events, hostLabels }: WebhookRecord, { partOf }: Story): boolean {
  if (!partOf || !matchesAny(events, 'incident.opened')) return false;
  return hostLabels === null || partOf.kind === 'host.identity_conflict';
}
