// The cookies of people who log in. `__Host-` makes browsers keep a cookie to this very host and to https (and to
// localhost, which they trust as well): a neighbour under the same domain can neither read nor plant it. There is no
// fallback for plain http elsewhere; keys work there.
import cookie from '@fastify/cookie';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

const SESSION = '__Host-longshore_session';
const LOGIN = '__Host-longshore_login';
const ATTRIBUTES = { path: '/', secure: true, httpOnly: true, sameSite: 'lax' } as const;
/** What we set ourselves: 32 bytes in base64url, a session's with its prefix. */
const SECRET = /^[\w-]{43,64}$/;

export async function readCookies(http: FastifyInstance): Promise<void> {
  await http.register(cookie);
}

/** Undefined when there is none; whether it opens anything is not known yet. */
export const sessionCookieOf = (request: FastifyRequest): string | undefined => request.cookies[SESSION];

export function setSessionCookie(reply: FastifyReply, secret: string, lifeMs: number): void {
  reply.setCookie(SESSION, secret, { ...ATTRIBUTES, maxAge: Math.floor(lifeMs / 1000) });
}

export function clearSessionCookie(reply: FastifyReply): void {
  reply.clearCookie(SESSION, ATTRIBUTES);
}

/** What ties a login to the browser that began it; the same for all its tabs, or one would undo the other's. */
export function loginCookieOf(request: FastifyRequest): string | undefined {
  const value = request.cookies[LOGIN];
  return value !== undefined && SECRET.test(value) ? value : undefined;
}

export function setLoginCookie(reply: FastifyReply, secret: string, lifeMs: number): void {
  reply.setCookie(LOGIN, secret, { ...ATTRIBUTES, maxAge: Math.floor(lifeMs / 1000) });
}
