// A real OpenID provider (oidc-provider, certified) on port 0 that knows our callback, and people who log in there.
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Test } from 'tap';
import OpenIdProvider from 'oidc-provider';
import { PANEL } from './person.ts';

export const CLIENT = { id: 'longshore', secret: 'canary-client-secret-0123456789abcdef' };
/** What the provider says about a person, by login name. */
export type People = Record<string, Record<string, unknown>>;

export interface TestProvider {
  issuer: string;
  /** Answers every request from now on instead of the provider; undefined puts the provider back. */
  answer(fault: ((request: IncomingMessage, response: ServerResponse) => void) | undefined): void;
  /** Each request it was sent: method and path. */
  readonly requests: string[];
}

export async function startProvider(t: Test, people: People, more: object = {}): Promise<TestProvider> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const handle = new OpenIdProvider(issuer, { ...configuration(people), ...more }).callback();
  const requests: string[] = [];
  let fault: Parameters<TestProvider['answer']>[0];
  server.on('request', (request, response) => {
    requests.push(`${request.method} ${request.url?.split('?')[0]}`);
    (fault ?? handle)(request, response);
  });
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return { issuer, requests, answer: (given) => void (fault = given) };
}

const configuration = (people: People) => ({
  clients: [
    {
      client_id: CLIENT.id,
      client_secret: CLIENT.secret,
      redirect_uris: [`${PANEL}/api/auth/callback`],
      post_logout_redirect_uris: [`${PANEL}/`],
    },
  ],
  findAccount: (_context: unknown, sub: string) => ({
    accountId: sub,
    claims: () => ({ sub, name: `Name of ${sub}`, email: `${sub}@example.com`, ...people[sub] }),
  }),
  claims: { openid: ['sub'], profile: ['name', 'groups', 'realm_access', 'tenant'], email: ['email'] },
  pkce: { required: () => true },
  cookies: { keys: ['test'] },
  features: { devInteractions: { enabled: true } },
});
