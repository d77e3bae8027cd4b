// Where a credential may stand in a request. One in the URL is taken out before Fastify, a handler or a log line sees
// the URL: browsers cannot set headers on a WebSocket, so on an upgrade it counts; anywhere else it is refused.
import type { IncomingMessage } from 'node:http';

export interface UrlCredential {
  kind: 'api_key' | 'ticket';
  secret: string;
}

/** Longer than any key or ticket of ours; what is longer is not looked at. */
const MAX_SECRET_CHARS = 256;

const taken = new WeakMap<IncomingMessage, UrlCredential>();

/** Fastify's `rewriteUrl`: gives the URL without credentials and remembers the first one. */
export function takeUrlCredential(raw: IncomingMessage & { originalUrl?: string }): string {
  const url = raw.url ?? '/';
  const start = url.indexOf('?');
  if (start === -1) return url;
  const query = new URLSearchParams(url.slice(start + 1));
  for (const kind of ['api_key', 'ticket'] as const) {
    const secret = query.get(kind);
    if (secret === null) continue;
    if (!taken.has(raw)) taken.set(raw, { kind, secret: secret.slice(0, MAX_SECRET_CHARS + 1) });
    query.delete(kind);
  }
  if (!taken.has(raw)) return url;
  const rest = query.toString();
  const clean = rest === '' ? url.slice(0, start) : `${url.slice(0, start)}?${rest}`;
  raw.originalUrl = clean; // Fastify keeps the URL from before the rewrite here
  return clean;
}

export const findUrlCredential = (raw: IncomingMessage): UrlCredential | undefined => taken.get(raw);

/** The secret of `Authorization: Bearer …`; an empty string for anything else, which no key matches. */
export function readBearer(header: string | undefined): string {
  const secret = /^Bearer +([\x21-\x7e]+)$/i.exec(header ?? '')?.[1] ?? '';
  return secret.length > MAX_SECRET_CHARS ? '' : secret;
}
