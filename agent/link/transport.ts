// Bytes to control and back: TCP, over a proxy where one is set, and TLS that trusts the pinned key or whom this system's
// authorities vouch for, and nobody else. Nothing is sent before that is known.
import { request } from 'node:http';
import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { LongshoreError } from '#shared/errors.ts';
import { HANDSHAKE_LIMIT_MS } from '#shared/protocol/limits.ts';
import type { Clock } from '#shared/time.ts';
import { systemAuthorities, tlsPinOfPeer, untrustedTls } from '#shared/tls-pin.ts';
import { findProxy, hostOf, NO_PROXIES, portOf, type Proxies } from './proxy.ts';

export interface Way {
  /** Of control; the path does not matter. */
  url: string;
  tlsPin?: string | undefined;
  proxies?: Proxies | undefined;
  /** PEM; this system's, unless a test says otherwise. */
  authorities?: (() => string[] | undefined) | undefined;
}

const NEW_PIN =
  'If the control plane has another key on purpose, start the agent with a new token: `longshore hosts join` prints it';

/** Throws `tls_untrusted`, `unavailable` when a proxy refuses, `timed_out`, and what the system says of a connection. */
export async function openTransport(way: Way, clock: Clock, signal: AbortSignal): Promise<Socket> {
  const late = new AbortController();
  const cancel = clock.after(HANDSHAKE_LIMIT_MS, () => late.abort(new LongshoreError('timed_out')));
  try {
    return await open(way, new URL(way.url), AbortSignal.any([signal, late.signal]));
  } finally {
    cancel();
  }
}

async function open(way: Way, target: URL, signal: AbortSignal): Promise<Socket> {
  const openTcp = () => openTo(target, way, signal);
  if (target.protocol !== 'https:') return await openTcp();
  // By the pin first, and with no authorities at all: those of a system are 10 MB that most agents can do without.
  if (way.tlsPin !== undefined) {
    const socket = await secure(await openTcp(), target, [], signal);
    if (tlsPinOfPeer(socket) === way.tlsPin) return socket;
    socket.destroy();
  }
  const socket = await secure(await openTcp(), target, (way.authorities ?? systemAuthorities)(), signal);
  if (socket.authorized) return socket;
  const found = tlsPinOfPeer(socket);
  socket.destroy();
  const problem = String(socket.authorizationError);
  throw untrustedTls(way.url, { found, expected: way.tlsPin, problem, remedy: NEW_PIN });
}

/** Whoever that is: the caller looks. */
function secure(socket: Socket, target: URL, ca: string[] | undefined, signal: AbortSignal): Promise<TLSSocket> {
  const host = hostOf(target);
  const tls = connectTls({
    socket,
    host,
    ...(isIP(host) === 0 && { servername: host }),
    ...(ca && { ca }),
    rejectUnauthorized: false,
    minVersion: 'TLSv1.2',
  });
  return ready(tls, 'secureConnect', signal);
}

async function openTo(target: URL, way: Way, signal: AbortSignal): Promise<Socket> {
  const proxy = findProxy(target, way.proxies ?? NO_PROXIES);
  if (!proxy) return await openDirectly(target, signal);
  const socket = await openDirectly(proxy, signal);
  return await tunnel(await secureProxy(socket, proxy, way, signal), proxy, target, signal);
}

const openDirectly = (target: URL, signal: AbortSignal): Promise<Socket> =>
  ready(connectTcp({ host: hostOf(target), port: Number(portOf(target)) }), 'connect', signal);

async function secureProxy(socket: Socket, proxy: URL, way: Way, signal: AbortSignal): Promise<Socket> {
  if (proxy.protocol !== 'https:') return socket;
  const tls = await secure(socket, proxy, (way.authorities ?? systemAuthorities)(), signal);
  if (tls.authorized) return tls;
  const problem = String(tls.authorizationError);
  tls.destroy();
  throw untrustedTls(proxy.origin, { found: undefined, expected: undefined, problem, remedy: NEW_PIN });
}

/** HTTP's CONNECT (RFC 9110, 9.3.6), also for a control plane without TLS: a WebSocket is no request to pass on. */
async function tunnel(socket: Socket, proxy: URL, target: URL, signal: AbortSignal): Promise<Socket> {
  const address = `${target.hostname}:${portOf(target)}`;
  const asked = request({
    createConnection: () => socket,
    method: 'CONNECT',
    path: address,
    headers: { host: address, ...authorizationFor(proxy) },
  });
  const answered = Promise.withResolvers<number>();
  asked.once('connect', ({ statusCode = 0 }, _socket, head: Buffer) => {
    if (head.length > 0) socket.unshift(head);
    answered.resolve(statusCode);
  });
  asked.once('response', ({ statusCode = 0 }) => answered.resolve(statusCode));
  asked.once('error', answered.reject);
  const giveUp = () => asked.destroy(signal.reason as Error);
  signal.addEventListener('abort', giveUp, { once: true });
  asked.end();
  const status = await answered.promise.finally(() => signal.removeEventListener('abort', giveUp));
  if (status === 200) return socket;
  socket.destroy();
  const details = `The proxy ${proxy.origin} answered ${status} when asked for ${address}; NO_PROXY names whom to call directly`;
  throw new LongshoreError('unavailable', { message: `Cannot reach the control plane at "${target.href}"`, details });
}

function authorizationFor({ username, password }: URL): Record<string, string> {
  if (username === '') return {};
  const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { 'proxy-authorization': `Basic ${Buffer.from(credentials).toString('base64')}` };
}

/** The socket, once it is there; destroyed when it fails or takes too long. */
async function ready<S extends Socket>(socket: S, event: string, signal: AbortSignal): Promise<S> {
  const { promise, resolve, reject } = Promise.withResolvers<S>();
  const giveUp = () => reject(signal.reason as Error);
  const closed = () => reject(new LongshoreError('link_closed'));
  socket
    .once(event, () => resolve(socket))
    .once('error', reject)
    .once('close', closed);
  signal.addEventListener('abort', giveUp, { once: true });
  if (signal.aborted) giveUp();
  try {
    return await promise;
  } catch (error) {
    socket.destroy();
    throw error;
  } finally {
    signal.removeEventListener('abort', giveUp);
    socket.off('error', reject).off('close', closed);
  }
}
