// Sessions of people: who am I, which ones are open, the end of one.
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { LongshoreError } from '#shared/errors.ts';
import type { App } from '../../app/api/app.ts';
import { callerOf } from '../auth.ts';
import { clearSessionCookie } from '../cookies.ts';
import { csrfTokenOf } from '../csrf.ts';
import type { Http } from '../http.ts';
import { fromPaging, idParams, newestFirst, pagingFields, toPageView } from '../views/page.ts';
import * as view from '../views/session.ts';
import { writer } from '../writes.ts';
import { noBody } from './service-actions.ts';

const listQuery = z.strictObject({
  ...pagingFields,
  sort: z.literal('created_at').default('created_at'),
  order: newestFirst,
});

export function mountSessions(http: Http, app: App): void {
  const write = writer(app.idempotency);
  http.get(
    '/api/auth/session',
    {
      config: { permission: 'authenticated' },
      schema: {
        tags: ['auth'],
        summary: 'Show the session of the cookie and its CSRF token',
        response: { 200: view.currentSessionView },
      },
    },
    (request) => view.toCurrentSessionView(app.sessions.current(callerOf(request)), csrfTokenOf(secretOf(request))),
  );

  http.get(
    '/api/auth/sessions',
    {
      config: { permission: 'authenticated' },
      schema: {
        tags: ['auth'],
        summary: "List one's own sessions; with keys.read everybody's",
        querystring: listQuery,
        response: { 200: view.sessionPage },
      },
    },
    (request) => {
      const caller = callerOf(request);
      const page = app.sessions.list(caller, { ...fromPaging(request.query), order: request.query.order });
      return toPageView(page, (session) => view.toSessionView(session, caller.keyId));
    },
  );

  http.delete(
    '/api/auth/sessions/:id',
    {
      config: { permission: 'authenticated' },
      schema: {
        tags: ['auth'],
        summary: "End one of one's own sessions; with keys.delete anybody's",
        params: idParams,
        response: { 204: z.null() },
      },
    },
    (request, reply) =>
      write(request, reply, async (caller) => {
        await app.sessions.revoke(caller, request.params.id);
        return { status: 204 };
      }),
  );

  http.post(
    '/api/auth/logout',
    {
      config: { permission: 'authenticated', action: 'auth.logout' },
      schema: {
        tags: ['auth'],
        summary: 'End the session of the cookie',
        body: noBody,
        response: { 200: view.loggedOutView },
      },
    },
    (request, reply) =>
      write(request, reply, async (caller) => {
        const { logoutUrl } = await app.login.logout(caller);
        clearSessionCookie(reply);
        return { status: 200, body: { logout_url: logoutUrl } };
      }),
  );
}

/** A session that came by a ticket has no cookie, but nothing outside a WebSocket comes by a ticket. */
function secretOf({ sessionSecret }: FastifyRequest): string {
  if (sessionSecret === null) throw new LongshoreError('unauthorized');
  return sessionSecret;
}
