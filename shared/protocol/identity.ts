// Who is who: an Ed25519 key for control and for each agent, made once, never sent. A public key travels as SPKI DER in
// base64url; a pin is the SHA-256 of that DER. A join token carries the pin, so trust starts before the first connection.
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  randomBytes,
  sign,
  verify,
} from 'node:crypto';
import * as z from 'zod';
import { LongshoreError } from '../errors.ts';
import { loadOrCreateSecret, sha256 } from '../secrets.ts';
import { TLS_PIN } from '../tls-pin.ts';

export interface Identity {
  /** SPKI DER in base64url. One key has exactly one such text, so it can be compared and stored. */
  publicKey: string;
  pin: string;
  /** Ed25519, base64url. */
  sign(message: Uint8Array): string;
}

/** A PKCS #8 PEM file (0600), made when missing. */
export function loadIdentity(file: string): Identity {
  return identityOf(loadOrCreateSecret(file, createKeyPem));
}

/** A key that is never on disk: for tests and measurements. */
export const createIdentity = (): Identity => identityOf(createKeyPem());

const createKeyPem = (): Buffer => {
  const { privateKey } = generateKeyPairSync('ed25519');
  return Buffer.from(privateKey.export({ type: 'pkcs8', format: 'pem' }));
};

function identityOf(pem: Buffer): Identity {
  const privateKey = createPrivateKey(pem);
  const publicKey = createPublicKey(privateKey).export({ type: 'spki', format: 'der' }).toString('base64url');
  return {
    publicKey,
    pin: pinOf(publicKey),
    sign: (message) => sign(null, message, privateKey).toString('base64url'),
  };
}

/** base64url of SHA-256 over the SPKI DER. */
export const pinOf = (publicKey: string): string =>
  createHash('sha256').update(Buffer.from(publicKey, 'base64url')).digest('base64url');

/** The one text of an Ed25519 public key; undefined for anything else. Base64 alone allows several for the same bytes. */
export function canonicalKey(text: string): string | undefined {
  if (isPlainKey(text)) return text;
  const key = readPublicKey(text);
  return key?.asymmetricKeyType === 'ed25519'
    ? key.export({ type: 'spki', format: 'der' }).toString('base64url')
    : undefined;
}

/** RFC 8410 §4, in base64url: 12 bytes that are the same for all, and the 32 of the key. */
const PLAIN_KEY = /^MCowBQYDK2VwAyEA[A-Za-z0-9_-]{43}$/;

/** As every agent writes it: then OpenSSL need not be asked, which ten thousand that come at once would wait for. */
const isPlainKey = (text: string): boolean =>
  PLAIN_KEY.test(text) && Buffer.from(text, 'base64url').toString('base64url') === text;

/** Runs in the thread pool: a reconnect storm of 10 000 hosts must not hold up the event loop. */
export function verifySignature(publicKey: string, message: Uint8Array, signature: string): Promise<boolean> {
  const key = readPublicKey(publicKey);
  if (key?.asymmetricKeyType !== 'ed25519') return Promise.resolve(false);
  return new Promise((resolve) => {
    verify(null, message, key, Buffer.from(signature, 'base64url'), (error, isValid) => resolve(!error && isValid));
  });
}

function readPublicKey(text: string) {
  try {
    return createPublicKey({ key: Buffer.from(text, 'base64url'), type: 'spki', format: 'der' });
  } catch {
    return undefined;
  }
}

// ── join tokens ──────────────────────────────────────────────────────────────────────────────────────────────────────

const TOKEN_PREFIX = 'lsj_';
const SECRET_BYTES = 32;
const MAX_TOKEN_CHARS = 4096; // a URL and 200 more; nothing larger is worth decoding

// The text is `lsj_` and base64url, without padding, of one line of JSON:
//   {"u":"https://panel.example.com","i":"jtk_…","s":"…","p":"…"}   and, before the brace, where the TLS key is pinned
//   ,"t":"sha256//…="
// install.sh reads `u` and `t` from it with sed: one line, no spaces, and no character in them that JSON escapes.
export interface JoinToken {
  /** Where control is, as a browser would write it: `https://panel.example.com`. */
  url: string;
  tokenId: string;
  /** 32 random bytes in base64url. Never crosses the wire; see handshake.ts. */
  secret: string;
  controlPin: string;
  /** Of its TLS key, where the certificate is not one that any system trusts; see shared/tls-pin.ts. */
  tlsPin?: string | undefined;
}

const tokenBody = z.object({
  u: z.url({ protocol: /^https?$/ }),
  i: z.string().min(1).max(64),
  s: z.string().regex(/^[A-Za-z0-9_-]{43}$/),
  p: z.string().regex(/^[A-Za-z0-9_-]{43}$/),
  t: z.string().regex(TLS_PIN).optional(),
});

export const createJoinSecret = (): string => randomBytes(SECRET_BYTES).toString('base64url');

/** What control keeps of a join secret: SHA-256 of its 32 bytes, in hex. */
export const hashJoinSecret = (secret: string): string => sha256(Buffer.from(secret, 'base64url'));

export function formatJoinToken({ url, tokenId, secret, controlPin, tlsPin }: JoinToken): string {
  const body = { u: url, i: tokenId, s: secret, p: controlPin, ...(tlsPin !== undefined && { t: tlsPin }) };
  return TOKEN_PREFIX + Buffer.from(JSON.stringify(body)).toString('base64url');
}

/** Throws `token_invalid` that says what to do; never quotes the token, which is a secret. */
export function parseJoinToken(text: string): JoinToken {
  const body = tokenBody.safeParse(readTokenBody(text.trim()));
  if (!body.success) {
    throw new LongshoreError('token_invalid', {
      message: 'This is not a join token',
      details: `A join token starts with "${TOKEN_PREFIX}" and is copied whole; \`longshore hosts join\` prints a new one`,
    });
  }
  const { u, i, s, p, t } = body.data;
  return { url: u, tokenId: i, secret: s, controlPin: p, ...(t !== undefined && { tlsPin: t }) };
}

function readTokenBody(text: string): unknown {
  if (!text.startsWith(TOKEN_PREFIX) || text.length > MAX_TOKEN_CHARS) return undefined;
  try {
    return JSON.parse(Buffer.from(text.slice(TOKEN_PREFIX.length), 'base64url').toString('utf8'));
  } catch {
    return undefined;
  }
}
