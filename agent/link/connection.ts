// One connection to control: WebSocket, handshake, peer. The only file of the agent that imports ws. Sends nothing
// about this host before control has proven the pinned key.
import type { IncomingMessage } from 'node:http';
import { WebSocket } from 'ws';
import { LongshoreError } from '#shared/errors.ts';
import type { Logger } from '#shared/log.ts';
import { CLOSE, HANDSHAKE_LIMIT_MS, MAX_FRAME_BYTES, PROTOCOL_VERSIONS } from '#shared/protocol/limits.ts';
import { closeCodeOf, closeSocket } from '#shared/protocol/closing.ts';
import { Exchange } from '#shared/protocol/exchange.ts';
import {
  checkChallenge,
  createNonce,
  proveSecret,
  readMessage,
  signTranscript,
  transcriptOf,
  typeOf,
  type Hello,
  type Proof,
  type Welcome,
} from '#shared/protocol/handshake.ts';
import type { HeartbeatLimits } from '#shared/protocol/heartbeat.ts';
import type { Identity } from '#shared/protocol/identity.ts';
import type { Handlers, Peer } from '#shared/protocol/peer-types.ts';
import { createPeer } from '#shared/protocol/peer.ts';
import type { Socket } from '#shared/protocol/socket.ts';
import { wsSocket } from '#shared/protocol/ws-socket.ts';
import type { Clock } from '#shared/time.ts';
import type { Proxies } from './proxy.ts';
import { openTransport } from './transport.ts';

/** Where control is and how it is known; from the join token first, from the agent's state ever after. */
export interface Destination {
  /** As in the token: `https://panel.example.com`. */
  url: string;
  controlPin: string;
  /** Of its TLS key, where no authority vouches for the certificate. */
  tlsPin?: string | undefined;
  /** Present until control has welcomed this host once. */
  enrol?: { tokenId: string; secret: string } | undefined;
}

/** What the host says of itself at each connection; read after control has proven itself, so it is fresh. */
export type HostReport = Omit<Proof, 'type' | 'agentKey' | 'signature' | 'enrol' | 'instanceId' | 'connection'>;

export interface ConnectOptions {
  destination: Destination;
  identity: Identity;
  /** Of this process, and which of its connections this is: newest wins at control. */
  instanceId: string;
  connection: number;
  describe: () => Promise<HostReport>;
  handlers: Handlers;
  clock: Clock;
  log: Logger;
  proxies?: Proxies | undefined;
  /** Gives up the attempt; does nothing once connected. */
  signal: AbortSignal;
  /** For tests. */
  limits?: Partial<HeartbeatLimits>;
  versions?: readonly number[];
}

export interface Connection {
  peer: Peer;
  welcome: Welcome;
}

const AGENT_PATH = 'agent/v1';

/**
 * Throws `unavailable` when nobody answers there, `tls_untrusted` or `handshake_failed` when the wrong one does, and what control refuses
 * with (`token_invalid`, `revoked`, `unsupported`, `identity_conflict`…), its `retryAfter` included.
 */
export async function connectToControl(options: ConnectOptions): Promise<Connection> {
  const socket = await openSocket(options);
  const exchange = new Exchange(socket, options.clock, HANDSHAKE_LIMIT_MS);
  const giveUp = () => socket.terminate();
  options.signal.addEventListener('abort', giveUp, { once: true });
  try {
    const welcome = await shakeHands(exchange, options);
    const { handlers, clock, log, limits } = options;
    return { welcome, peer: createPeer({ socket, handlers, clock, log, ...(limits && { limits }) }) };
  } catch (error) {
    const code = error instanceof LongshoreError ? closeCodeOf(error.code) : CLOSE.goingAway;
    closeSocket(socket, options.clock, code, '');
    options.signal.throwIfAborted();
    throw error;
  } finally {
    exchange.end();
    options.signal.removeEventListener('abort', giveUp);
  }
}

async function shakeHands(exchange: Exchange, options: ConnectOptions): Promise<Welcome> {
  const { destination, identity, versions = PROTOCOL_VERSIONS } = options;
  const helloText = exchange.send({ type: 'hello', versions: [...versions], nonce: createNonce() } satisfies Hello);
  const challengeText = await nextOf(exchange).catch(notYetProven);
  const challenge = readMessage('challenge', challengeText);
  await checkChallenge(challenge, helloText, destination.controlPin);
  requireOffered(challenge.version, versions);
  exchange.send(await createProof(transcriptOf(helloText, challengeText), identity, options));
  return readMessage('welcome', await nextOf(exchange));
}

async function createProof(transcript: Buffer, identity: Identity, options: ConnectOptions): Promise<Proof> {
  const { destination, instanceId, connection, describe } = options;
  const { enrol } = destination;
  return {
    ...(await describe()),
    type: 'proof',
    agentKey: identity.publicKey,
    signature: signTranscript(identity, transcript),
    ...(enrol && { enrol: { tokenId: enrol.tokenId, mac: proveSecret(enrol.secret, transcript, identity.publicKey) } }),
    instanceId,
    connection,
  };
}

/** Whoever has not proven to be control may turn this host away, not shut it out. */
function notYetProven(error: unknown): never {
  if (!(error instanceof LongshoreError) || error.code !== 'revoked') throw error;
  throw new LongshoreError('handshake_failed', { cause: error });
}

/** The next frame, unless it is a refusal: that is thrown. */
async function nextOf(exchange: Exchange): Promise<string> {
  const text = await exchange.next();
  if (typeOf(text) !== 'refusal') return text;
  const { error, retryAfterS } = readMessage('refusal', text);
  const { code, message, details } = LongshoreError.fromWire(error);
  throw new LongshoreError(code, {
    message,
    ...(details !== undefined && { details }),
    ...(retryAfterS !== undefined && { retryAfter: retryAfterS }),
  });
}

function requireOffered(version: number, versions: readonly number[]): void {
  if (!versions.includes(version))
    throw new LongshoreError('handshake_failed', {
      message: 'The control plane chose a protocol version that was not offered',
    });
}

// ── the WebSocket ────────────────────────────────────────────────────────────────────────────────────────────────────

/** `https://panel.example.com/base` → `wss://panel.example.com/base/agent/v1`. */
export function agentUrlOf(url: string): string {
  const address = new URL(AGENT_PATH, url.endsWith('/') ? url : `${url}/`);
  address.protocol = address.protocol === 'https:' ? 'wss:' : 'ws:';
  return address.href;
}

async function openSocket({ destination, proxies, clock, signal }: ConnectOptions): Promise<Socket> {
  const { url, tlsPin } = destination;
  signal.throwIfAborted();
  const transport = await openTransport({ url, tlsPin, proxies }, clock, signal).catch((error: unknown) => {
    signal.throwIfAborted();
    throw error instanceof LongshoreError && error.code !== 'timed_out' ? error : unreachable(url, { cause: error });
  });
  const ws = new WebSocket(agentUrlOf(url), {
    createConnection: () => transport,
    perMessageDeflate: false,
    maxPayload: MAX_FRAME_BYTES,
    handshakeTimeout: HANDSHAKE_LIMIT_MS,
  });
  const socket = wsSocket(ws); // before it opens: control's first frame may be in the same packet
  const opened = Promise.withResolvers<Socket>();
  const giveUp = () => opened.reject(signal.reason);
  signal.addEventListener('abort', giveUp, { once: true });
  ws.once('open', () => opened.resolve(socket));
  ws.once('error', (error) => opened.reject(unreachable(url, { cause: error })));
  ws.once('unexpected-response', (_request, response) => opened.reject(turnedAway(url, response)));
  opened.promise.catch(() => ws.terminate());
  return await opened.promise.finally(() => signal.removeEventListener('abort', giveUp));
}

/** Control, or a proxy before it, answered the upgrade with a plain HTTP status. */
function turnedAway(url: string, response: IncomingMessage): LongshoreError {
  const retryAfter = Number(response.headers['retry-after']);
  return unreachable(url, {
    details: `It answered with status ${response.statusCode}`,
    ...(Number.isFinite(retryAfter) && { retryAfter }),
  });
}

const unreachable = (url: string, init: { cause?: unknown; details?: string; retryAfter?: number }) =>
  new LongshoreError('unavailable', { message: `Cannot reach the control plane at "${url}"`, ...init });
