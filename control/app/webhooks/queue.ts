// The queue of each endpoint: what goes out next, and what an attempt means for the delivery and for the endpoint.
import type { Clock } from '#shared/time.ts';
import type { WebhookRecord } from '../../store/webhook-records.ts';
import type { Stores } from '../../store/stores.ts';
import type { AttemptResult, DeliveryQueue, Parcel } from '../api/webhooks.ts';
import { afterFailure, CLOSED } from './breaker.ts';
import type { WebhookFormats } from './formats.ts';
import { keyOf, signedHeaders } from './sign.ts';
import { Spread } from './spread.ts';
import { isGone, outcomeOf, problemOf, toAttempt } from './verdict.ts';

export class WebhookQueue implements DeliveryQueue {
  readonly #stores: Stores;
  readonly #clock: Clock;
  readonly #formats: WebhookFormats;
  readonly #spread: Spread;

  constructor(stores: Stores, formats: WebhookFormats, clock: Clock) {
    this.#stores = stores;
    this.#clock = clock;
    this.#formats = formats;
    this.#spread = new Spread(stores, formats, clock);
  }

  spread(): Promise<void> {
    return this.#spread.run();
  }

  due(): { webhookId: string; at: number }[] {
    return this.#stores.deliveries.dueEndpoints();
  }

  next(webhookId: string): Parcel | undefined {
    const { deliveries, webhooks } = this.#stores;
    const now = this.#clock.now();
    const delivery = deliveries.nextDue(webhookId, now);
    const message = delivery && deliveries.findMessage(delivery.messageId);
    const webhook = webhooks.find(webhookId);
    if (!message || !webhook) return undefined;
    const secrets = this.#secretsOf(webhookId, now);
    const headers = { ...this.#ownHeaders(webhook, message.body, secrets), ...signedHeaders(message, secrets, now) };
    return { webhookId, deliveryId: delivery.id, url: webhook.url, headers, body: message.body };
  }

  async record(parcel: Parcel, result: AttemptResult): Promise<void> {
    await this.#stores.writer.write(() => this.#record(parcel, result));
  }

  #record(parcel: Parcel, result: AttemptResult): void {
    const { deliveries, webhooks } = this.#stores;
    const delivery = deliveries.find(parcel.deliveryId);
    const webhook = webhooks.find(parcel.webhookId);
    if (!delivery || !webhook) return; // removed meanwhile
    deliveries.addAttempt(delivery.id, toAttempt(parcel, result));
    // What failed at the address it had before is tried at the one it has now.
    if (parcel.url !== webhook.url && problemOf(result) !== null) return;
    const now = this.#clock.now();
    deliveries.setOutcome(delivery.id, outcomeOf(delivery, result, now, Math.random()));
    if (isGone(result)) return this.#disable(webhook, now);
    webhooks.change(webhook, problemOf(result) === null ? CLOSED : afterFailure(webhook, now));
  }

  #disable(webhook: WebhookRecord, now: number): void {
    const reason = 'The receiver answered 410 Gone';
    this.#stores.webhooks.change(webhook, { ...CLOSED, state: 'disabled', disabledReason: reason }, now);
    this.#stores.deliveries.failPending(webhook.id, reason, now);
  }

  #ownHeaders({ format }: WebhookRecord, body: string, secrets: readonly string[]): Record<string, string> {
    return format === 'standard' ? {} : this.#formats[format].headersOf(body, secrets.map(keyOf));
  }

  #secretsOf(webhookId: string, now: number): string[] {
    const secrets = this.#stores.webhooks.secretsOf(webhookId);
    if (!secrets) return [];
    const { secret, old } = secrets;
    return old && old.until > now ? [secret, old.secret] : [secret];
  }
}
