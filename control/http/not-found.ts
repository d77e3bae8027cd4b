// Paths that are not there, and methods a path does not have: both in the envelope, the second with `Allow`.
import type { FastifyInstance } from 'fastify';
import { LongshoreError } from '#shared/errors.ts';
import type { RoutePermission } from './auth.ts';
import { pathOf } from './errors.ts';

export interface Route {
  method: string;
  path: string;
  permission: RoutePermission;
}

/** Must come before the first route. A route that does not say who may call it stops the start. */
export function collectRoutes(http: FastifyInstance): Route[] {
  const routes: Route[] = [];
  http.addHook('onRoute', ({ method, url, config }) => {
    const permission = config?.permission;
    if (permission === undefined)
      throw new LongshoreError('internal', { message: `Route ${String(method)} ${url} states no permission` });
    for (const each of [method].flat()) routes.push({ method: each, path: url, permission });
  });
  return routes;
}

export function answerNotFound(http: FastifyInstance, routes: Route[]): void {
  http.setNotFoundHandler(async (request, reply) => {
    const path = pathOf(request);
    const allowed = routes.filter((route) => isAt(route, path)).map((route) => route.method);
    if (allowed.length === 0) throw new LongshoreError('not_found', { details: `No route at "${path.slice(0, 200)}"` });
    reply.header('allow', allowed.join(', '));
    throw new LongshoreError('method_not_allowed', { details: `Use ${allowed.join(' or ')}` });
  });
}

function isAt(route: Route, path: string): boolean {
  const wanted = route.path.split('/');
  const given = path.split('/');
  return wanted.length === given.length && wanted.every((part, i) => part === given[i] || part.startsWith(':'));
}
