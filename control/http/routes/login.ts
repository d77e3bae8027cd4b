// Login by the identity provider: two places a browser is sent to. Who has no session yet has no permission either, so
// both are open to all; what they do is bound to the browser that began.
import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import type { App } from '../../app/api/app.ts';
import { CALLBACK_PATH, LOGIN_LIFE_MS } from '../../app/access/login.ts';
import { loginCookieOf, sessionCookieOf, setLoginCookie, setSessionCookie } from '../cookies.ts';
import type { Http } from '../http.ts';
import { DEFAULT_RETURN_TO, readReturnTo } from '../return-to.ts';

const BROWSER_SECRET_BYTES = 32;

const loginQuery = z.strictObject({
  return_to: z
    .string()
    .refine((text) => readReturnTo(text) !== undefined, 'Must be a path of this server')
    .transform((text) => readReturnTo(text) ?? DEFAULT_RETURN_TO)
    .default(DEFAULT_RETURN_TO)
    .describe('Path of this server to go on to after the login'),
});

/** Providers add what they like (RFC 6749 §4.1.2); each may come once. */
const callbackQuery = z.looseObject({
  state: z.string().optional().describe('What the login sent along'),
  code: z.string().optional().describe("The provider's code"),
  error: z.string().optional().describe('What the provider calls its refusal'),
});

const redirect = z.null().describe('Goes on at `Location`');

export function mountLogin(http: Http, app: App): void {
  http.get(
    '/api/auth/login',
    {
      config: { permission: 'public' },
      schema: {
        tags: ['auth'],
        summary: 'Send the browser to the identity provider',
        querystring: loginQuery,
        response: { 302: redirect },
      },
    },
    async (request, reply) => {
      const browser = loginCookieOf(request) ?? randomBytes(BROWSER_SECRET_BYTES).toString('base64url');
      const url = await app.login.begin({ returnTo: request.query.return_to, browser });
      setLoginCookie(reply, browser, LOGIN_LIFE_MS);
      return reply.redirect(url);
    },
  );

  http.get(
    CALLBACK_PATH,
    {
      config: { permission: 'public', action: 'auth.login' },
      schema: {
        tags: ['auth'],
        summary: 'Take the answer of the identity provider: a session cookie, and on to return_to',
        querystring: callbackQuery,
        response: { 302: redirect },
      },
    },
    async (request, reply) => {
      const { session, secret, returnTo } = await app.login.complete({
        search: new URL(request.url, 'http://here').search,
        browser: loginCookieOf(request),
        replaces: sessionCookieOf(request),
        address: request.ip,
        userAgent: request.headers['user-agent'],
      });
      setSessionCookie(reply, secret, session.expiresAt - session.createdAt);
      return reply.redirect(returnTo);
    },
  );
}
