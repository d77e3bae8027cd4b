// Values that a template asks us to make up. Randomness and time come in, so a test can tell what comes out.
import { createHmac } from 'node:crypto';
import type { Generate } from './schema.ts';

export interface RandomSource {
  /** Cryptographically random bytes. */
  randomBytes(count: number): Uint8Array;
  /** Milliseconds since the epoch. */
  now(): number;
}

const LOWER = 'abcdefghijklmnopqrstuvwxyz';
const DIGITS = '0123456789';
const ALNUM = LOWER + LOWER.toUpperCase() + DIGITS;
/** Symbols that need no quoting in a shell word, a URL's user part or a YAML scalar. */
const SYMBOLS = '-_.!*';
const DEFAULT_CHARS = 32;
const DEFAULT_BYTES = 32;
const USERNAME_CHARS = 12;
/** Above what services usually take, below the kernel's range for outgoing connections (32768). */
const FIRST_PORT = 20_000;
const LAST_PORT = 32_767;

/** A generated token outlives the service it was made for, as those of the systems it comes from do. */
const TOKEN_LIFE_S = 100 * 365 * 24 * 3600;

/** Value of a variable that stands above the one to be made. */
export type Lookup = (name: string) => string;

const GENERATORS: Record<Generate['kind'], (generate: Generate, random: RandomSource, valueOf: Lookup) => string> = {
  alnum: ({ chars }, random) => pick(ALNUM, chars, random),
  lower: ({ chars }, random) => pick(LOWER + DIGITS, chars, random),
  hex: ({ chars }, random) => pick('0123456789abcdef', chars, random),
  base64: ({ bytes = DEFAULT_BYTES }, random) => Buffer.from(random.randomBytes(bytes)).toString('base64'),
  base64url: ({ bytes = DEFAULT_BYTES }, random) => Buffer.from(random.randomBytes(bytes)).toString('base64url'),
  password: ({ chars, symbols }, random) => pick(symbols ? ALNUM + SYMBOLS : ALNUM, chars, random),
  uuid: (_, random) => uuid(random),
  // A letter first: some databases refuse anything else.
  username: ({ chars = USERNAME_CHARS }, random) => pick(LOWER, 1, random) + pick(LOWER + DIGITS, chars - 1, random),
  port: (_, random) => String(FIRST_PORT + below(LAST_PORT - FIRST_PORT + 1, random)),
  timestamp: ({ unit = 'iso' }, random) => timestamp(random.now(), unit),
  jwt: ({ from = '', claims = {} }, random, valueOf) => signToken(valueOf(from), claims, random.now()),
};

export const generateValue = (generate: Generate, random: RandomSource, valueOf: Lookup): string =>
  GENERATORS[generate.kind](generate, random, valueOf);

function pick(alphabet: string, length = DEFAULT_CHARS, random: RandomSource): string {
  let text = '';
  while (text.length < length) text += alphabet[below(alphabet.length, random)];
  return text;
}

/** A number in [0, limit), each as likely: 16-bit draws past the last full multiple are thrown away. */
function below(limit: number, random: RandomSource): number {
  const usable = 65_536 - (65_536 % limit);
  for (;;) {
    const [high = 0, low = 0] = random.randomBytes(2);
    const drawn = high * 256 + low;
    if (drawn < usable) return drawn % limit;
  }
}

/** RFC 9562 version 4. */
function uuid(random: RandomSource): string {
  const bytes = Buffer.from(random.randomBytes(16));
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = bytes.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

function timestamp(nowMs: number, unit: 'iso' | 's' | 'ms'): string {
  if (unit === 'iso') return new Date(nowMs).toISOString();
  return String(unit === 's' ? Math.floor(nowMs / 1000) : nowMs);
}

/** RFC 7519 with HS256. Claims of the template win over the times we set. */
function signToken(secret: string, claims: Record<string, unknown>, nowMs: number): string {
  const iat = Math.floor(nowMs / 1000);
  const parts = [
    { alg: 'HS256', typ: 'JWT' },
    { iat, exp: iat + TOKEN_LIFE_S, ...claims },
  ];
  const body = parts.map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
  return `${body}.${createHmac('sha256', secret).update(body).digest('base64url')}`;
}
