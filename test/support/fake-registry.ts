// A registry that says what a test wants it to say, on a real socket, and remembers what it was asked.
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Test } from 'tap';
import type { Lookup } from '#shared/guarded-lookup.ts';

export const DIGEST = `sha256:${'d'.repeat(64)}`;

export interface FakeRegistry {
  port: number;
  /** `HEAD /v2/… Basic …`, one after another. */
  asked: string[];
}

export type Say = (request: IncomingMessage, response: ServerResponse) => void;

/** Gone when the test ends. With `tls` it speaks TLS. */
export async function startFakeRegistry(t: Test, say: Say, tls?: { cert: Buffer; key: Buffer }): Promise<FakeRegistry> {
  const asked: string[] = [];
  const listener: Say = (request, response) => {
    const { method, url, headers } = request;
    asked.push([method, url, headers.authorization ?? 'nobody'].join(' '));
    say(request, response);
  };
  const server = (tls ? createTlsServer(tls, listener) : createServer(listener)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, asked };
}

export const sayDigest: Say = (_request, response) =>
  response.writeHead(200, { 'docker-content-digest': DIGEST }).end();

/** Wants a token from there for manifests. */
export const wantToken =
  (realm: () => string): Say =>
  (request, response) => {
    if (request.headers.authorization?.startsWith('Bearer ')) return sayDigest(request, response);
    response.writeHead(401, { 'www-authenticate': `Bearer realm="${realm()}",service="fake"` }).end();
  };

/** Every name has these addresses, tried in this order. */
export const resolveTo =
  (...addresses: string[]): Lookup =>
  (_name, _options, done) =>
    done(
      null,
      addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    );
