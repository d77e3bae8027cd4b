// Requests that a browser makes with a cookie, which it adds whoever made the page: they must come from a page of ours.
// Two independent proofs: where the browser says the request comes from, and a token that only our page could read.
import { createHmac } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { LongshoreError } from '#shared/errors.ts';
import { sameSecret } from '#shared/secrets.ts';

const SAFE_METHODS = ['GET', 'HEAD', 'OPTIONS']; // RFC 9110 §9.2.1
const CSRF_HEADER = 'x-csrf-token';

/** Follows from the session's secret and does not give it away; a new login has a new one. */
export const csrfTokenOf = (sessionSecret: string): string =>
  createHmac('sha256', sessionSecret).update('longshore csrf token').digest('base64url');

/** For a request that a session's cookie let in. Throws `csrf`. */
export function requireOwnPage(request: FastifyRequest, sessionSecret: string, publicUrl: string | null): void {
  const { method, headers } = request;
  const isSafe = SAFE_METHODS.includes(method);
  if (isSafe && !request.ws) return;
  const { origin } = headers;
  const own = publicUrl === null ? `${request.protocol}://${request.host}` : new URL(publicUrl).origin;
  // Browsers send Origin with every upgrade and every unsafe request, but old ones left it out within a site.
  const isSaidOwn = origin === undefined && !request.ws && headers['sec-fetch-site'] === 'same-origin';
  if (origin !== own && !isSaidOwn) throw refusal(origin === undefined ? 'There is no Origin' : `Not from ${own}`);
  if (isSafe) return;
  const token = headers[CSRF_HEADER];
  if (typeof token !== 'string' || !sameSecret(token, csrfTokenOf(sessionSecret)))
    throw refusal('X-CSRF-Token must be the csrf_token of GET /api/auth/session');
}

const refusal = (details: string): LongshoreError => new LongshoreError('csrf', { details });
