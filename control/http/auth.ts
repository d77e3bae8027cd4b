// The one guard, for REST and WebSocket alike. A route states the permission it needs; one that states none does not
// start. Who calls is found before anything else is read, and what they may do is decided before a body is parsed.
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { LongshoreError } from '#shared/errors.ts';
import type { App } from '../app/api/app.ts';
import type { Caller } from '../app/api/caller.ts';
import { holds, type ExactPermission } from '../app/access/permissions.ts';
import { sessionCookieOf } from './cookies.ts';
import { findUrlCredential, readBearer } from './credentials.ts';
import { requireOwnPage } from './csrf.ts';
import type { Tickets } from './tickets.ts';

/** `public` asks for nothing, `authenticated` for any valid key or session. */
export type RoutePermission = ExactPermission | 'public' | 'authenticated';

declare module 'fastify' {
  interface FastifyContextConfig {
    permission?: RoutePermission;
    /** The route takes WebSocket upgrades. */
    takesUpgrade?: boolean;
  }
  interface FastifyRequest {
    caller: Caller | null;
    /** Of the cookie that let the caller in; null for whoever came another way. */
    sessionSecret: string | null;
  }
}

/** Who calls, on a route that asked for a key or a session. */
export function callerOf(request: FastifyRequest): Caller {
  if (!request.caller) throw new LongshoreError('unauthorized');
  return request.caller;
}

type Doors = Pick<App, 'keys' | 'sessions'>;

export function identifyCallers(http: FastifyInstance, app: Doors, tickets: Tickets): void {
  http.decorateRequest('caller', null);
  http.decorateRequest('sessionSecret', null);
  http.addHook('onRequest', async (request) => {
    request.caller = identify(request, app, tickets) ?? null;
  });
}

/** What was given on purpose counts before the cookie, which a browser adds to whatever it sends. */
function identify(request: FastifyRequest, { keys, sessions }: Doors, tickets: Tickets): Caller | undefined {
  const inUrl = findUrlCredential(request.raw);
  if (inUrl && request.ws) return inUrl.kind === 'ticket' ? tickets.redeem(inUrl.secret) : keys.identify(inUrl.secret);
  const { authorization } = request.headers;
  const cookie = sessionCookieOf(request);
  // Without any credential as well: nobody learns by the time of an answer which secrets were looked up.
  if (authorization !== undefined || cookie === undefined) return keys.identify(readBearer(authorization));
  request.sessionSecret = cookie;
  return sessions.identify(cookie);
}

/** Comes after the rate limit, so that failed attempts count against their address. */
export function requirePermissions(http: FastifyInstance, publicUrl: string | null): void {
  http.addHook('onRequest', async (request) => {
    if (findUrlCredential(request.raw) && !request.ws) throw new LongshoreError('credential_in_url');
    if (request.is404) return;
    if (request.caller && request.sessionSecret !== null) requireOwnPage(request, request.sessionSecret, publicUrl);
    const { permission, takesUpgrade } = request.routeOptions.config;
    if (permission !== 'public') requirePermission(callerOf(request), permission);
    if (request.ws && !takesUpgrade)
      throw new LongshoreError('bad_request', { message: 'This path does not take WebSockets' });
  });
}

function requirePermission(caller: Caller, needed: Exclude<RoutePermission, 'public'> | undefined): void {
  if (needed === 'authenticated') return;
  if (needed === undefined || !holds(caller.permissions, needed))
    throw new LongshoreError('forbidden', { details: `Needs ${needed ?? 'a permission nobody holds'}` });
}
