// Who am I, API keys, and tickets for WebSockets.
import { z } from 'zod';
import { toRfc3339 } from '#shared/time.ts';
import type { App } from '../../app/api/app.ts';
import { KEY_SORTS } from '../../app/api/keys.ts';
import { callerOf } from '../auth.ts';
import type { Http } from '../http.ts';
import type { Tickets } from '../tickets.ts';
import * as view from '../views/key.ts';
import { fromPaging, idParams, orderField, pagingFields, timestamp, toPageView } from '../views/page.ts';
import { writer } from '../writes.ts';
import { noBody } from './service-actions.ts';

const ticketView = z
  .object({ ticket: z.string().meta({ example: 'lst_…' }), expires_at: timestamp })
  .meta({ id: 'Ticket', description: 'Opens one WebSocket as ?ticket=…' });

const keyQuery = z.strictObject({ ...pagingFields, sort: z.enum(KEY_SORTS).default('created_at'), order: orderField });

export function mountAuth(http: Http, app: App, tickets: Tickets): void {
  const write = writer(app.idempotency);
  http.get(
    '/api/auth/me',
    {
      config: { permission: 'authenticated' },
      schema: { tags: ['auth'], summary: 'Show who the key belongs to', response: { 200: view.callerView } },
    },
    (request) => view.toCallerView(callerOf(request)),
  );

  // Not under an Idempotency-Key: the ticket of an earlier answer would be spent.
  http.post(
    '/api/auth/tickets',
    {
      config: { permission: 'authenticated' },
      schema: {
        tags: ['auth'],
        summary: 'Make a one-use ticket for a WebSocket',
        body: noBody,
        response: { 201: ticketView },
      },
    },
    async (request, reply) => {
      const { ticket, expiresAt } = tickets.issue(callerOf(request));
      return reply.code(201).send({ ticket, expires_at: toRfc3339(expiresAt) });
    },
  );

  http.get(
    '/api/auth/api-keys',
    {
      config: { permission: 'keys.read' },
      schema: {
        tags: ['auth'],
        summary: 'List API keys',
        querystring: keyQuery,
        response: { 200: view.keyPage },
      },
    },
    (request) => {
      const { sort, order } = request.query;
      const query = { ...fromPaging(request.query), sort, order };
      return toPageView(app.keys.list(callerOf(request), query), view.toKeyView);
    },
  );

  http.post(
    '/api/auth/api-keys',
    {
      config: { permission: 'keys.create' },
      schema: {
        tags: ['auth'],
        summary: 'Make an API key',
        body: view.newKeyBody,
        response: { 201: view.createdKeyView },
      },
    },
    (request, reply) =>
      write(request, reply, async (caller) => {
        const { key, secret } = await app.keys.create(caller, view.fromNewKeyBody(request.body));
        return { status: 201, body: { ...view.toKeyView(key), secret } };
      }),
  );

  http.get(
    '/api/auth/api-keys/:id',
    {
      config: { permission: 'keys.read' },
      schema: { tags: ['auth'], summary: 'Get an API key', params: idParams, response: { 200: view.keyView } },
    },
    (request) => view.toKeyView(app.keys.require(callerOf(request), request.params.id)),
  );

  http.delete(
    '/api/auth/api-keys/:id',
    {
      config: { permission: 'keys.delete' },
      schema: { tags: ['auth'], summary: 'Revoke an API key', params: idParams, response: { 204: z.null() } },
    },
    (request, reply) =>
      write(request, reply, async (caller) => {
        await app.keys.revoke(caller, request.params.id);
        return { status: 204 };
      }),
  );
}
