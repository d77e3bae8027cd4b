// Webhooks: endpoints that hear of changes, what was sent to them and how it went.
import { z } from 'zod';
import { toRfc3339 } from '#shared/time.ts';
import type { App } from '../../app/api/app.ts';
import { DELIVERY_STATES, WEBHOOK_SORTS } from '../../app/api/webhooks.ts';
import { callerOf } from '../auth.ts';
import type { Http } from '../http.ts';
import { fromPaging, idParams, newestFirst, orderField, pagingFields, toPageView } from '../views/page.ts';
import * as view from '../views/webhook.ts';
import { writer } from '../writes.ts';
import { noBody } from './service-actions.ts';

const tags = ['webhooks'];
const listQuery = z.strictObject({
  ...pagingFields,
  sort: z.enum(WEBHOOK_SORTS).default('created_at'),
  order: orderField,
});
const deliveryQuery = z.strictObject({
  ...pagingFields,
  state: z.enum(DELIVERY_STATES).optional().describe('Only those in this state'),
  sort: z.literal('created_at').default('created_at'),
  order: newestFirst,
});
const deliveryParams = z.object({ id: z.string(), delivery_id: z.string() });

export function mountWebhooks(http: Http, app: App): void {
  mountEndpoints(http, app);
  mountSecrets(http, app);
  mountDeliveries(http, app);
}

function mountEndpoints(http: Http, { webhooks, idempotency }: App): void {
  const write = writer(idempotency);
  http.get(
    '/api/webhooks',
    {
      config: { permission: 'webhooks.read' },
      schema: { tags, summary: 'List webhooks', querystring: listQuery, response: { 200: view.webhookPage } },
    },
    (request) => {
      const { sort, order } = request.query;
      const page = webhooks.list(callerOf(request), { ...fromPaging(request.query), sort, order });
      return toPageView(page, view.toWebhookView);
    },
  );

  http.post(
    '/api/webhooks',
    {
      config: { permission: 'webhooks.create' },
      schema: {
        tags,
        summary: 'Make a webhook',
        description: 'A key that is bound to a customer makes webhooks that hear only of its services.',
        body: view.newWebhookBody,
        response: { 201: view.createdWebhookView },
      },
    },
    (request, reply) =>
      write(request, reply, async (caller) => {
        const { webhook, secret } = await webhooks.create(caller, view.fromNewWebhookBody(request.body));
        return { status: 201, body: { ...view.toWebhookView(webhook), secret } };
      }),
  );

  http.get(
    '/api/webhooks/:id',
    {
      config: { permission: 'webhooks.read' },
      schema: { tags, summary: 'Get a webhook', params: idParams, response: { 200: view.webhookView } },
    },
    (request) => view.toWebhookView(webhooks.require(callerOf(request), request.params.id)),
  );

  http.patch(
    '/api/webhooks/:id',
    {
      config: { permission: 'webhooks.update' },
      schema: {
        tags,
        summary: 'Change, pause or resume a webhook',
        params: idParams,
        body: view.webhookChangesBody,
        response: { 200: view.webhookView },
      },
    },
    (request, reply) =>
      write(request, reply, async (caller) => {
        const changes = view.fromWebhookChangesBody(request.body);
        return { status: 200, body: view.toWebhookView(await webhooks.change(caller, request.params.id, changes)) };
      }),
  );

  http.delete(
    '/api/webhooks/:id',
    {
      config: { permission: 'webhooks.delete' },
      schema: { tags, summary: 'Delete a webhook and its deliveries', params: idParams, response: { 204: z.null() } },
    },
    (request, reply) =>
      write(request, reply, async (caller) => {
        await webhooks.remove(caller, request.params.id);
        return { status: 204 };
      }),
  );
}

function mountSecrets(http: Http, { webhooks, idempotency }: App): void {
  const write = writer(idempotency);
  http.post(
    '/api/webhooks/:id/rotate-secret',
    {
      config: { permission: 'webhooks.update' },
      schema: {
        tags,
        summary: 'Give a webhook a new secret; the old one is valid for another day',
        params: idParams,
        body: noBody,
        response: { 200: view.rotatedSecretView },
      },
    },
    (request, reply) =>
      write(request, reply, async (caller) => {
        const { id } = request.params;
        const { secret, oldUntil } = await webhooks.rotateSecret(caller, id);
        return { status: 200, body: { id, secret, old_secret_expires_at: toRfc3339(oldUntil) } };
      }),
  );
}

function mountDeliveries(http: Http, { webhooks, idempotency }: App): void {
  const write = writer(idempotency);
  http.post(
    '/api/webhooks/:id/test',
    {
      config: { permission: 'webhooks.update' },
      schema: {
        tags,
        summary: 'Send a test event',
        params: idParams,
        body: noBody,
        response: { 202: view.deliveryView },
      },
    },
    (request, reply) =>
      write(request, reply, async (caller) => {
        return { status: 202, body: view.toDeliveryView(await webhooks.test(caller, request.params.id)) };
      }),
  );

  http.get(
    '/api/webhooks/:id/deliveries',
    {
      config: { permission: 'webhooks.read' },
      schema: {
        tags,
        summary: 'List what was sent, the newest first',
        params: idParams,
        querystring: deliveryQuery,
        response: { 200: view.deliveryPage },
      },
    },
    (request) => {
      const { state, order } = request.query;
      const query = { ...fromPaging(request.query), state, order };
      return toPageView(webhooks.deliveries(callerOf(request), request.params.id, query), view.toDeliveryView);
    },
  );

  http.get(
    '/api/webhooks/:id/deliveries/:delivery_id',
    {
      config: { permission: 'webhooks.read' },
      schema: {
        tags,
        summary: 'Get a delivery with its request, response and attempts',
        params: deliveryParams,
        response: { 200: view.deliveryDetailView },
      },
    },
    (request) => {
      const { id, delivery_id: deliveryId } = request.params;
      return view.toDeliveryDetailView(webhooks.delivery(callerOf(request), id, deliveryId));
    },
  );

  http.post(
    '/api/webhooks/:id/deliveries/:delivery_id/redeliver',
    {
      config: { permission: 'webhooks.update' },
      schema: {
        tags,
        summary: 'Send a message again, under the same id',
        params: deliveryParams,
        body: noBody,
        response: { 202: view.deliveryView },
      },
    },
    (request, reply) =>
      write(request, reply, async (caller) => {
        const { id, delivery_id: deliveryId } = request.params;
        return { status: 202, body: view.toDeliveryView(await webhooks.redeliver(caller, id, deliveryId)) };
      }),
  );
}
