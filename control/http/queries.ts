// A query parameter that a route does not name is refused, also by routes that name none: a misspelt filter must not look
// like one that found everything.
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';

const NONE = z.strictObject({});

/**
 * Must come before the first route. What lies outside of /api is for probes and browsers, which add what they like, and
 * what a dialect's clients add is known to nobody: `isOwn` tells the paths of our own API.
 */
export function refuseUnknownQueries(http: FastifyInstance, isOwn: (path: string) => boolean): void {
  http.addHook('onRoute', (route) => {
    if (route.url.startsWith('/api/') && isOwn(route.url)) route.schema = { querystring: NONE, ...route.schema };
  });
}
