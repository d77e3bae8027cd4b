// How a registry asks for a login: the WWW-Authenticate header (RFC 9110, 11.6.1) and the token flow of the distribution
// spec. Pure. What is read here was written by whoever runs the registry.
import { LongshoreError } from '#shared/errors.ts';

export type Challenge =
  | { scheme: 'basic' }
  | { scheme: 'bearer'; realm: string; service: string | undefined; scope: string | undefined };

/** Longer ones are not read: a real one has about 200. */
const MAX_CHARS = 4096;
const PARAMETER = /([a-z]+)="((?:[^"\\]|\\.)*)"|([a-z]+)=([^\s",]+)/gi;

/** Undefined for what is no challenge we could answer. */
export function readChallenge(header: string): Challenge | undefined {
  if (header.length > MAX_CHARS) return undefined;
  const [, parameters] = /(?:^|,\s*)bearer\s+(.*)$/i.exec(header) ?? [];
  if (parameters === undefined) return /(?:^|,\s*)basic(\s|$)/i.test(header) ? { scheme: 'basic' } : undefined;
  const found = new Map<string, string>();
  for (const [, name, quoted = '', bare, value = ''] of parameters.matchAll(PARAMETER)) {
    const key = (name ?? bare ?? '').toLowerCase();
    if (!found.has(key)) found.set(key, name === undefined ? value : quoted.replace(/\\(.)/g, '$1'));
  }
  const realm = found.get('realm');
  if (realm === undefined) return undefined;
  return { scheme: 'bearer', realm, service: found.get('service'), scope: found.get('scope') };
}

export interface TokenQuestion {
  challenge: Extract<Challenge, { scheme: 'bearer' }>;
  /** Who asked for a token. */
  registry: URL;
  repository: string;
}

/**
 * Where to ask for a token. Always https, unless the registry itself is spoken to in the clear: then on its own host in
 * the clear as well. Throws `egress_denied`.
 */
export function tokenUrl({ challenge, registry, repository }: TokenQuestion): URL {
  const url = URL.canParse(challenge.realm) ? new URL(challenge.realm) : undefined;
  if (!url || !mayFollow(registry, url)) throw refused(registry, 'sends us for a token where we do not go');
  if (challenge.service !== undefined) url.searchParams.set('service', challenge.service);
  url.searchParams.set('scope', challenge.scope ?? `repository:${repository}:pull`);
  return url;
}

/** Where a redirect leads, by the same rule. Throws `egress_denied`. */
export function redirectUrl(from: URL, location: string): URL {
  const url = URL.canParse(location, from.href) ? new URL(location, from.href) : undefined;
  if (!url || !mayFollow(from, url)) throw refused(from, 'redirects to where we do not go');
  return url;
}

function mayFollow(from: URL, to: URL): boolean {
  if (to.username !== '' || to.password !== '') return false;
  if (to.protocol === 'https:') return true;
  return to.protocol === 'http:' && from.protocol === 'http:' && to.hostname === from.hostname;
}

const refused = ({ host }: URL, what: string) =>
  new LongshoreError('egress_denied', { message: `Registry "${host}" ${what}` });

/** A token as a header takes it; undefined for an answer without one. */
export function tokenIn(text: string): string | undefined {
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch {
    return undefined;
  }
  const { token, access_token: other } = (answer ?? {}) as { token?: unknown; access_token?: unknown };
  return [token, other].find((one): one is string => typeof one === 'string' && /^[\x21-\x7e]+$/.test(one));
}
