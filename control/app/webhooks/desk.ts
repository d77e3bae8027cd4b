// Webhook endpoints as callers see them.
import { LongshoreError } from '#shared/errors.ts';
import { newId } from '#shared/ids.ts';
import type { Clock } from '#shared/time.ts';
import type { DeliveryRecord, MessageRecord, WebhookRecord } from '../../store/webhook-records.ts';
import type { Stores } from '../../store/stores.ts';
import type { WebhookChange } from '../../store/webhooks.ts';
import { isBoundWithin } from '../access/access.ts';
import type { Caller } from '../api/caller.ts';
import type { Page } from '../api/page.ts';
import type { DeliveryDetail, NewWebhook, Webhook, WebhookChanges, Webhooks } from '../api/webhooks.ts';
import type { IdempotencyDesk } from '../idempotency.ts';
import { CLOSED, positionOf } from './breaker.ts';
import { findLacking } from './hearing.ts';
import { toTestBody } from './payload.ts';
import { createWebhookSecret, toWebhookSecret } from './sign.ts';
import { keepNewest } from './spread.ts';
import { missing } from '../missing.ts';

/** Of one customer, or of the operator: each event is held against each of them. */
export const MAX_WEBHOOKS = 100;
/** A receiver learns its new secret within a day. */
const OLD_SECRET_MS = 24 * 3_600_000;

export interface WebhookDeskDeps {
  stores: Stores;
  effects: IdempotencyDesk;
  /** The URL as it will be called. Throws `egress_denied`. */
  checkUrl: (url: string) => string;
  clock: Clock;
}

export class WebhookDesk implements Webhooks {
  readonly #deps: WebhookDeskDeps;

  constructor(deps: WebhookDeskDeps) {
    this.#deps = deps;
  }

  list(caller: Caller, query: Parameters<Webhooks['list']>[1]): Page<Webhook> {
    const { items, total } = this.#deps.stores.webhooks.list({ ...query, boundTo: caller });
    return { items: items.map((it) => this.#toWebhook(it)), total, page: query.page, perPage: query.perPage };
  }

  require(caller: Caller, id: string): Webhook {
    return this.#toWebhook(this.#require(caller, id));
  }

  create(caller: Caller, input: NewWebhook): Promise<{ webhook: Webhook; secret: string }> {
    const { effects, stores } = this.#deps;
    return effects.perform(() => {
      const secret = input.secret === undefined ? createWebhookSecret() : toWebhookSecret(input.secret);
      const draft = this.#draft(caller, input);
      requireReadable(caller, input.events);
      return () => {
        this.#requireRoom(caller);
        const webhook = { ...draft, afterSeq: stores.outbox.lastSeq() };
        stores.webhooks.insert(webhook, { secret, old: null });
        return { webhook: this.#toWebhook(webhook), secret };
      };
    });
  }

  change(caller: Caller, id: string, changes: WebhookChanges): Promise<Webhook> {
    const { effects, stores, checkUrl, clock } = this.#deps;
    return effects.perform(() => {
      const url = changes.url === undefined ? undefined : checkUrl(changes.url);
      return () => {
        const webhook = this.#require(caller, id);
        const { events = webhook.events } = changes;
        if (changes.events || url !== undefined) requireReadable(caller, events);
        const now = clock.now();
        if (changes.isPaused === false) stores.deliveries.askAgain(id, now);
        return this.#toWebhook(stores.webhooks.change(webhook, toChange({ ...changes, url }), now));
      };
    });
  }

  async remove(caller: Caller, id: string): Promise<void> {
    const { effects, stores } = this.#deps;
    await effects.perform(() => () => {
      stores.webhooks.remove(this.#require(caller, id).id);
      return null;
    });
  }

  rotateSecret(caller: Caller, id: string): Promise<{ secret: string; oldUntil: number }> {
    const { effects, stores, clock } = this.#deps;
    return effects.perform(() => () => {
      this.#require(caller, id);
      const current = stores.webhooks.secretsOf(id);
      const secret = createWebhookSecret();
      const oldUntil = clock.now() + OLD_SECRET_MS;
      stores.webhooks.setSecrets(id, { secret, old: current ? { secret: current.secret, until: oldUntil } : null });
      return { secret, oldUntil };
    });
  }

  test(caller: Caller, id: string): Promise<DeliveryRecord> {
    const { effects, stores, clock } = this.#deps;
    return effects.perform(() => () => {
      const webhook = this.#require(caller, id);
      requireActive(webhook);
      const now = clock.now();
      const message: MessageRecord = {
        id: newId('msg', now),
        type: 'webhook.test',
        body: toTestBody(id, now),
        at: now,
      };
      const deliveryId = newId('dlv', now);
      stores.deliveries.insertMessage(message);
      stores.deliveries.insert({ id: deliveryId, webhookId: id, messageId: message.id, askedAt: now });
      keepNewest(stores, id, now);
      this.#letThrough(webhook);
      return this.#requireDelivery(id, deliveryId);
    });
  }

  deliveries(caller: Caller, id: string, query: Parameters<Webhooks['deliveries']>[2]): Page<DeliveryRecord> {
    this.#require(caller, id);
    const { items, total } = this.#deps.stores.deliveries.list({ ...query, webhookId: id });
    return { items, total, page: query.page, perPage: query.perPage };
  }

  delivery(caller: Caller, id: string, deliveryId: string): DeliveryDetail {
    this.#require(caller, id);
    const { deliveries } = this.#deps.stores;
    const delivery = this.#requireDelivery(id, deliveryId);
    const message = deliveries.findMessage(delivery.messageId);
    if (!message) throw missing('delivery', deliveryId);
    return { ...delivery, message, attempts: deliveries.attemptsOf(deliveryId) };
  }

  redeliver(caller: Caller, id: string, deliveryId: string): Promise<DeliveryRecord> {
    const { effects, stores, clock } = this.#deps;
    return effects.perform(() => () => {
      const webhook = this.#require(caller, id);
      const { error } = this.#requireDelivery(id, deliveryId);
      requireActive(webhook);
      const now = clock.now();
      const afresh = { state: 'pending' as const, error, tries: 0, askedAt: now, nextAt: now, finishedAt: null };
      stores.deliveries.setOutcome(deliveryId, afresh);
      this.#letThrough(webhook);
      return this.#requireDelivery(id, deliveryId);
    });
  }

  /** Who asks by hand has mended something: the breaker takes it for its trial. */
  #letThrough(webhook: WebhookRecord): void {
    const { stores, clock } = this.#deps;
    if (positionOf(webhook, clock.now()) === 'open') stores.webhooks.change(webhook, { openUntil: clock.now() });
  }

  #draft(
    caller: Caller,
    { url, events, description, format = 'standard' }: NewWebhook,
  ): Omit<WebhookRecord, 'afterSeq'> {
    const { checkUrl, clock } = this.#deps;
    const now = clock.now();
    return {
      ...CLOSED,
      id: newId('whk', now),
      url: checkUrl(url),
      description: description ?? null,
      events,
      format,
      customerId: caller.customerId,
      hostLabels: caller.hostLabels,
      state: 'active',
      disabledReason: null,
      createdAt: now,
      updatedAt: now,
    };
  }

  #requireRoom({ customerId }: Caller): void {
    if (this.#deps.stores.webhooks.countOf(customerId) < MAX_WEBHOOKS) return;
    throw new LongshoreError('state_conflict', { message: `There are ${MAX_WEBHOOKS} webhooks, which is the limit` });
  }

  #require(caller: Caller, id: string): WebhookRecord {
    const webhook = this.#deps.stores.webhooks.find(id);
    if (webhook && isBoundWithin(caller, webhook)) return webhook;
    throw missing('webhook', id);
  }

  #requireDelivery(webhookId: string, id: string): DeliveryRecord {
    const delivery = this.#deps.stores.deliveries.find(id);
    if (delivery?.webhookId === webhookId) return delivery;
    throw missing('delivery', id);
  }

  #toWebhook({ afterSeq: _a, failures, openUntil, ...webhook }: WebhookRecord): Webhook {
    const { stores, clock } = this.#deps;
    const breaker = { failures, openUntil };
    return {
      ...webhook,
      breaker: { ...breaker, position: positionOf(breaker, clock.now()) },
      pending: stores.deliveries.countPending(webhook.id),
    };
  }
}

/** Another address or a resumption is a fresh start for the breaker. */
function toChange({ url, events, description, isPaused }: WebhookChanges): WebhookChange {
  return {
    ...(url !== undefined && { url, ...CLOSED }),
    ...(events !== undefined && { events }),
    ...(description !== undefined && { description }),
    ...(isPaused === true && { state: 'paused', disabledReason: null }),
    ...(isPaused === false && { state: 'active', disabledReason: null, ...CLOSED }),
  };
}

function requireReadable(caller: Caller, events: readonly string[]): void {
  const lacking = findLacking(caller, events);
  if (lacking === undefined) return;
  throw new LongshoreError('forbidden', {
    message: 'A webhook tells no more than whoever sets it up may read',
    details: `Needs ${lacking}, or fewer events`,
  });
}

function requireActive({ id, state }: WebhookRecord): void {
  if (state === 'active') return;
  throw new LongshoreError('state_conflict', { message: `Webhook "${id}" is ${state}: resume it first` });
}
