// Webhooks and their deliveries as the API shows them.
import { z } from 'zod';
import { toRfc3339 } from '#shared/time.ts';
import {
  DELIVERY_STATES,
  WEBHOOK_FORMAT_NAMES,
  WEBHOOK_STATES,
  type Attempt,
  type Delivery,
  type DeliveryDetail,
  type NewWebhook,
  type Webhook,
  type WebhookChanges,
} from '../../app/api/webhooks.ts';
import { EVENT_TYPES } from '../../app/webhooks/event-types.ts';
import { isPattern } from '../../app/webhooks/patterns.ts';
import { pageOf, timestamp } from './page.ts';

const pattern = z
  .string()
  .max(64)
  .refine(isPattern, 'Not an event: use a type such as deploy.failed, a group such as deploy.*, or *');
const MAX_PATTERNS = EVENT_TYPES.length;

/** What the URL may be is the egress guard's to say. */
const writableFields = {
  url: z.string().min(1).max(4096).meta({ example: 'https://example.com/hooks/longshore' }),
  events: z
    .array(pattern)
    .min(1)
    .max(MAX_PATTERNS)
    .meta({ example: ['deploy.*', 'health.unhealthy'] }),
};
const description = z.string().max(500);

export const newWebhookBody = z.strictObject({ ...writableFields, description: description.optional() });
export const webhookChangesBody = z.strictObject({
  url: writableFields.url.optional(),
  events: writableFields.events.optional(),
  description: description.nullable().optional(),
  paused: z
    .boolean()
    .optional()
    .meta({ description: 'true holds deliveries back; false sends them, also for an endpoint that was disabled' }),
});

const webhookFields = {
  id: z.string().meta({ example: 'whk_abc123' }),
  url: writableFields.url,
  events: z.array(z.string()).meta({ example: ['deploy.*', 'health.unhealthy'] }),
  description: z.string().nullable(),
  format: z.enum(WEBHOOK_FORMAT_NAMES).meta({ description: 'Whose words it is told in: docs/dialects.md' }),
  customer_id: z.string().nullable().meta({ description: "Hears only of this customer's services" }),
  host_labels: z
    .record(z.string(), z.string())
    .nullable()
    .meta({ description: 'Hears only of hosts with these', example: null }),
  status: z.enum(WEBHOOK_STATES),
  paused: z.boolean(),
  disabled_reason: z.string().nullable(),
  breaker: z
    .object({
      state: z.enum(['closed', 'open', 'half_open']),
      consecutive_failures: z.number().int(),
      open_until: timestamp.nullable(),
    })
    .meta({ description: 'Open after five failures in a row: nothing is sent until open_until' }),
  pending: z.number().int().meta({ description: 'Deliveries that wait' }),
  created_at: timestamp,
  updated_at: timestamp,
};

export const webhookView = z.object(webhookFields).meta({ id: 'Webhook' });
export const webhookPage = pageOf(webhookView);
const secret = z.string().meta({ example: 'whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=' });
export const createdWebhookView = z
  .object({ ...webhookFields, secret })
  .meta({ id: 'CreatedWebhook', description: 'The secret is shown once.' });
export const rotatedSecretView = z
  .object({ id: z.string(), secret, old_secret_expires_at: timestamp })
  .meta({ id: 'RotatedWebhookSecret', description: 'The secret is shown once; the old one signs as well until then.' });

const deliveryFields = {
  id: z.string().meta({ example: 'dlv_abc123' }),
  webhook_id: z.string(),
  message_id: z.string().meta({ description: 'The webhook-id header: the same for each try', example: 'msg_abc123' }),
  type: z.string().meta({ example: 'deploy.succeeded' }),
  state: z.enum(DELIVERY_STATES),
  error: z.string().nullable().meta({ description: 'Why it was given up, or why its last try failed' }),
  tries: z.number().int().meta({ description: 'Since it was last asked for' }),
  next_try_at: timestamp.nullable(),
  created_at: timestamp,
  finished_at: timestamp.nullable(),
};

export const deliveryView = z.object(deliveryFields).meta({ id: 'WebhookDelivery' });
export const deliveryPage = pageOf(deliveryView);

const headers = z.record(z.string(), z.string()).meta({ example: { 'content-type': 'application/json' } });
const body = z.string().meta({ description: 'As it was sent', example: '{"type":"deploy.succeeded",…}' });
const attemptView = z
  .object({
    at: timestamp,
    duration_ms: z.number().int(),
    url: z.string(),
    request_headers: headers,
    status: z.number().int().nullable().meta({ description: 'Null: there was no reply' }),
    error: z.string().nullable(),
  })
  .meta({ id: 'WebhookAttempt' });

export const deliveryDetailView = z
  .object({
    ...deliveryFields,
    request: z.object({ url: z.string().nullable(), headers: headers.nullable(), body }),
    response: z
      .object({
        status: z.number().int(),
        headers,
        body: z.string().meta({ example: 'ok' }),
        truncated: z.boolean().meta({ description: 'Of the body 4 KiB are kept' }),
      })
      .nullable()
      .meta({ description: 'The last reply; null when none came' }),
    attempts: z.array(attemptView),
  })
  .meta({ id: 'WebhookDeliveryDetail', description: 'Request and response are those of the last attempt.' });

export const fromNewWebhookBody = (body: z.infer<typeof newWebhookBody>): NewWebhook => body;

export const fromWebhookChangesBody = ({ paused, ...changes }: z.infer<typeof webhookChangesBody>): WebhookChanges => ({
  ...changes,
  isPaused: paused,
});

const toTimestamp = (ms: number | null): string | null => (ms === null ? null : toRfc3339(ms));

export const toWebhookView = (webhook: Webhook): z.infer<typeof webhookView> => ({
  id: webhook.id,
  url: webhook.url,
  events: webhook.events,
  description: webhook.description,
  format: webhook.format,
  customer_id: webhook.customerId,
  host_labels: webhook.hostLabels,
  status: webhook.state,
  paused: webhook.state === 'paused',
  disabled_reason: webhook.disabledReason,
  breaker: {
    state: webhook.breaker.position,
    consecutive_failures: webhook.breaker.failures,
    open_until: toTimestamp(webhook.breaker.openUntil),
  },
  pending: webhook.pending,
  created_at: toRfc3339(webhook.createdAt),
  updated_at: toRfc3339(webhook.updatedAt),
});

export const toDeliveryView = (delivery: Delivery): z.infer<typeof deliveryView> => ({
  id: delivery.id,
  webhook_id: delivery.webhookId,
  message_id: delivery.messageId,
  type: delivery.type,
  state: delivery.state,
  error: delivery.error,
  tries: delivery.tries,
  next_try_at: toTimestamp(delivery.nextAt),
  created_at: toRfc3339(delivery.createdAt),
  finished_at: toTimestamp(delivery.finishedAt),
});

export function toDeliveryDetailView(delivery: DeliveryDetail): z.infer<typeof deliveryDetailView> {
  const last = delivery.attempts.at(-1);
  return {
    ...toDeliveryView(delivery),
    request: { url: last?.url ?? null, headers: last?.requestHeaders ?? null, body: delivery.message.body },
    response: last ? toResponseView(last) : null,
    attempts: delivery.attempts.map(toAttemptView),
  };
}

const toResponseView = ({ status, replyHeaders, replyBody, isCut }: Attempt) =>
  status === null ? null : { status, headers: replyHeaders ?? {}, body: replyBody ?? '', truncated: isCut };

const toAttemptView = (attempt: Attempt): z.infer<typeof attemptView> => ({
  at: toRfc3339(attempt.at),
  duration_ms: attempt.durationMs,
  url: attempt.url,
  request_headers: attempt.requestHeaders,
  status: attempt.status,
  error: attempt.error,
});
