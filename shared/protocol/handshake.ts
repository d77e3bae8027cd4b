// What the two sides sign before they trust each other. Pure: texts in, bytes or a verdict out. The frames are in
// schema.ts, their order is
//
//   agent                                          control
//     │ hello {versions, nonce}                       │
//     ├──────────────────────────────────────────────▶│
//     │ challenge {version, key, nonce, signature}    │   signature: "longshore/1 control" + H(hello) + nonce
//     │◀──────────────────────────────────────────────┤
//     │ proof {key, signature, mac?, facts}           │   signature: "longshore/1 agent" + transcript
//     ├──────────────────────────────────────────────▶│   mac (enrolment): HMAC(H(secret), transcript + key)
//     │ welcome | refusal                             │
//     │◀──────────────────────────────────────────────┤
//
// transcript = H(H(hello) + H(challenge)), over the frames as sent. Both nonces are in it, so nothing can be replayed,
// and the version is in it, so nobody in between can lower it. The join secret is proven, never sent
// (docs/decisions/0002-enrolment-proves-the-secret.md).
import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { z } from 'zod';
import { LongshoreError } from '../errors.ts';
import { hashJoinSecret, pinOf, verifySignature, type Identity } from './identity.ts';
import { handshake } from './handshake-messages.ts';

export type Hello = z.infer<ReturnType<typeof handshake.hello>>;
export type Challenge = z.infer<ReturnType<typeof handshake.challenge>>;
export type Proof = z.infer<ReturnType<typeof handshake.proof>>;
export type Welcome = z.infer<ReturnType<typeof handshake.welcome>>;
export type Refusal = z.infer<ReturnType<typeof handshake.refusal>>;

const NONCE_BYTES = 32;
const CONTROL_LABEL = 'longshore/1 control';
const AGENT_LABEL = 'longshore/1 agent';

export const createNonce = (): string => randomBytes(NONCE_BYTES).toString('base64url');

/** Throws `protocol_violation`; says nothing of what was wrong, for the caller may be anybody. */
export function readMessage<K extends keyof typeof handshake>(
  kind: K,
  text: string,
): z.infer<ReturnType<(typeof handshake)[K]>> {
  const parsed = handshake[kind]().safeParse(parseJson(text));
  if (parsed.success) return parsed.data as z.infer<ReturnType<(typeof handshake)[K]>>;
  throw new LongshoreError('protocol_violation', { cause: parsed.error });
}

/** Which of several kinds a frame is, by its `type`. */
export function typeOf(text: string): unknown {
  const value = parseJson(text);
  return typeof value === 'object' && value !== null && 'type' in value ? value.type : undefined;
}

/** The highest version both speak; undefined when there is none. */
export function negotiateVersion(theirs: readonly number[], ours: readonly number[]): number | undefined {
  return ours.filter((version) => theirs.includes(version)).toSorted((a, b) => b - a)[0];
}

/** Control's answer to a hello. */
export function createChallenge(identity: Identity, helloText: string, version: number): Challenge {
  const nonce = createNonce();
  const signature = identity.sign(controlMessage(helloText, nonce));
  return { type: 'challenge', version, controlKey: identity.publicKey, nonce, signature };
}

/** Throws `handshake_failed` unless the key is the pinned one and signed this very hello. */
export async function checkChallenge(challenge: Challenge, helloText: string, controlPin: string): Promise<void> {
  if (!equalTexts(pinOf(challenge.controlKey), controlPin)) {
    throw new LongshoreError('handshake_failed', {
      message: 'The control plane has another key than the one this host was joined to',
      details: 'Something else answers at its address, or it was set up anew: join this host again',
    });
  }
  const message = controlMessage(helloText, challenge.nonce);
  if (!(await verifySignature(challenge.controlKey, message, challenge.signature))) {
    throw new LongshoreError('handshake_failed', { message: 'The control plane could not prove its key' });
  }
}

/** What both sides have seen, in 32 bytes. */
export const transcriptOf = (helloText: string, challengeText: string): Buffer =>
  hash(hash(helloText), hash(challengeText));

export const signTranscript = (identity: Identity, transcript: Buffer): string =>
  identity.sign(agentMessage(transcript));

export const isSignedBy = (agentKey: string, transcript: Buffer, signature: string): Promise<boolean> =>
  verifySignature(agentKey, agentMessage(transcript), signature);

/** The agent's proof that it holds the join secret, bound to this connection and to its key. */
export const proveSecret = (secret: string, transcript: Buffer, agentKey: string): string =>
  macOf(hashJoinSecret(secret), transcript, agentKey);

/** `secretHash` as control keeps it: hex. */
export const provesSecret = (mac: string, secretHash: string, transcript: Buffer, agentKey: string): boolean =>
  equalTexts(mac, macOf(secretHash, transcript, agentKey));

const macOf = (secretHash: string, transcript: Buffer, agentKey: string): string =>
  createHmac('sha256', Buffer.from(secretHash, 'hex')).update(transcript).update(agentKey).digest('base64url');

const controlMessage = (helloText: string, nonce: string): Buffer =>
  Buffer.concat([Buffer.from(CONTROL_LABEL), hash(helloText), Buffer.from(nonce)]);

const agentMessage = (transcript: Buffer): Buffer => Buffer.concat([Buffer.from(AGENT_LABEL), transcript]);

const hash = (...parts: (string | Buffer)[]): Buffer => {
  const sum = createHash('sha256');
  for (const part of parts) sum.update(part);
  return sum.digest();
};

const equalTexts = (a: string, b: string): boolean => timingSafeEqual(hash(a), hash(b));

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
