// Webhooks as the app layer offers them: endpoints to callers, the queue of deliveries to whoever carries them out.
import type {
  AttemptRecord,
  DeliveryRecord,
  DeliveryState,
  MessageRecord,
  WebhookRecord,
} from '../../store/webhook-records.ts';
import type { BreakerState, positionOf } from '../webhooks/breaker.ts';
import type { Caller } from './caller.ts';
import type { Order, Page, Paging } from './page.ts';

export { DELIVERY_STATES, WEBHOOK_FORMAT_NAMES, WEBHOOK_STATES } from '../../store/webhook-records.ts';
export type Delivery = DeliveryRecord;
export type Attempt = AttemptRecord;

export interface Webhook extends Omit<WebhookRecord, 'afterSeq' | keyof BreakerState> {
  breaker: BreakerState & { position: ReturnType<typeof positionOf> };
  /** Deliveries that wait. */
  pending: number;
}

export interface NewWebhook {
  url: string;
  /** Patterns: a type of the list, `deploy.*`, `*`. */
  events: string[];
  description?: string | undefined;
  /** Of the maker's choice; undefined: a random one. */
  secret?: string | undefined;
  /** Undefined: standard. */
  format?: WebhookRecord['format'] | undefined;
}

export interface WebhookChanges {
  url?: string | undefined;
  events?: string[] | undefined;
  description?: string | null | undefined;
  /** False also brings back an endpoint that was disabled. */
  isPaused?: boolean | undefined;
}

export interface DeliveryDetail extends Delivery {
  message: MessageRecord;
  attempts: Attempt[];
}

export const WEBHOOK_SORTS = ['created_at', 'url'] as const;

export interface Webhooks {
  list(caller: Caller, query: Paging & { sort: (typeof WEBHOOK_SORTS)[number]; order: Order }): Page<Webhook>;
  /** Throws not_found, also for what another customer's key made. */
  require(caller: Caller, id: string): Webhook;
  /**
   * `secret` is shown once. 422 egress_denied; 403 for events that the caller may not read; 409 state_conflict when there
   * are too many.
   */
  create(caller: Caller, input: NewWebhook): Promise<{ webhook: Webhook; secret: string }>;
  /** 403 as `create`, also for another URL. */
  change(caller: Caller, id: string, changes: WebhookChanges): Promise<Webhook>;
  /** With all its deliveries. */
  remove(caller: Caller, id: string): Promise<void>;
  /** A new secret, shown once; messages are signed with the old one as well until `oldUntil`. */
  rotateSecret(caller: Caller, id: string): Promise<{ secret: string; oldUntil: number }>;
  /** Sends a `webhook.test`. 409 state_conflict unless the endpoint is active. */
  test(caller: Caller, id: string): Promise<Delivery>;
  deliveries(
    caller: Caller,
    id: string,
    query: Paging & { state?: DeliveryState | undefined; order: Order },
  ): Page<Delivery>;
  delivery(caller: Caller, id: string, deliveryId: string): DeliveryDetail;
  /** Sends the same message under the same id once more, with all its tries. 409 state_conflict as `test`. */
  redeliver(caller: Caller, id: string, deliveryId: string): Promise<Delivery>;
}

/** One attempt to be made. */
export interface Parcel {
  webhookId: string;
  deliveryId: string;
  url: string;
  headers: Record<string, string>;
  body: string;
}

export interface AttemptResult {
  at: number;
  durationMs: number;
  /** Null: `error` says why there was none. */
  reply: { status: number; headers: Record<string, string>; body: Buffer; isCut: boolean } | null;
  error: string | null;
}

/** The durable queues of all endpoints. One attempt of an endpoint at a time; who carries them sees to that. */
export interface DeliveryQueue {
  /** Turns what is in the outbox into deliveries. Safe to run twice and over a crash. */
  spread(): Promise<void>;
  /** Endpoints with something to send, and from when on; by time. */
  due(): { webhookId: string; at: number }[];
  /** What to send next, signed. Undefined when nothing is due any more. */
  next(webhookId: string): Parcel | undefined;
  record(parcel: Parcel, result: AttemptResult): Promise<void>;
}
