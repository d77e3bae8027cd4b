// The one guard, for REST and WebSocket alike. A route states the permission it needs; one that states none does not
// start. Who calls is found before anything else is read, and what they may do is decided before a body is parsed.
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { LongshoreError } from '#shared/errors.ts';
import type { Caller } from '../app/api/caller.ts';
import type { Keys } from '../app/api/keys.ts';
import { holds, type ExactPermission } from '../app/permissions.ts';
import { findUrlCredential, readBearer } from './credentials.ts';
import type { Tickets } from './tickets.ts';

/** `public` asks for nothing, `authenticated` for any valid key. */
export type RoutePermission = ExactPermission | 'public' | 'authenticated';

declare module 'fastify' {
  interface FastifyContextConfig {
    permission?: RoutePermission;
    /** The route takes WebSocket upgrades. */
    takesUpgrade?: boolean;
  }
  interface FastifyRequest {
    caller: Caller | null;
  }
}

/** Who calls, on a route that asked for a key. */
export function callerOf(request: FastifyRequest): Caller {
  if (!request.caller) throw new LongshoreError('unauthorized');
  return request.caller;
}

export function identifyCallers(http: FastifyInstance, keys: Pick<Keys, 'identify'>, tickets: Tickets): void {
  http.decorateRequest('caller', null);
  http.addHook('onRequest', async (request) => {
    request.caller = identify(request, keys, tickets) ?? null;
  });
}

function identify(request: FastifyRequest, keys: Pick<Keys, 'identify'>, tickets: Tickets): Caller | undefined {
  const inUrl = findUrlCredential(request.raw);
  if (!inUrl || !request.ws) return keys.identify(readBearer(request.headers.authorization));
  return inUrl.kind === 'ticket' ? tickets.redeem(inUrl.secret) : keys.identify(inUrl.secret);
}

/** Comes after the rate limit, so that failed attempts count against their address. */
export function requirePermissions(http: FastifyInstance): void {
  http.addHook('onRequest', async (request) => {
    if (findUrlCredential(request.raw) && !request.ws) throw new LongshoreError('credential_in_url');
    if (request.is404) return;
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
