// Identifiers. Entities get `prefix_` + a time-ordered random part, so that an index stays compact and an id tells
// nothing an attacker could count on; requests and messages get hyperid's, which are cheap and unique in a process.
import { randomBytes } from 'node:crypto';
import hyperid from 'hyperid';

export const ID_PREFIXES = [
  'svc',
  'host',
  'job',
  'cust',
  'plan',
  'tpl',
  'key',
  'whk',
  'evt',
  'bkp',
  'rep',
  'sch',
  'run',
  'dom',
  'inc',
  'jtk',
  'rev',
  'ses',
  'reg',
  'var',
  'msg',
  'dlv',
  'aud',
  'set',
  'mov',
  'hre',
  'rol',
  'exe',
  'zone',
  'upg',
] as const;
export type IdPrefix = (typeof ID_PREFIXES)[number];

/** Crockford's base32, lower case: no i, l, o, u, so an id survives being read aloud. */
const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';
const TIME_CHARS = 9; // 45 bits of milliseconds: enough until the year 3084
const RANDOM_CHARS = 11; // 55 bits beside the millisecond

/** A new id such as `svc_01jd4q8zk9w3m5x7t2rv`; ids made later sort later (to the millisecond). */
export function newId(prefix: IdPrefix, nowMs: number = Date.now()): string {
  let time = '';
  for (let rest = nowMs, i = 0; i < TIME_CHARS; i++, rest = Math.floor(rest / 32)) time = ALPHABET[rest % 32] + time;
  let random = '';
  for (const byte of randomBytes(RANDOM_CHARS)) random += ALPHABET[byte % 32];
  return `${prefix}_${time}${random}`;
}

export const isId = (prefix: IdPrefix, text: string): boolean =>
  text.startsWith(`${prefix}_`) && /^[0-9a-z]{6,40}$/.test(text.slice(prefix.length + 1));

const nextRequestId = hyperid({ urlSafe: true, fixedLength: true });

/** An id for a request or a process instance: unique, not secret. */
export const newRequestId = (): string => `req_${nextRequestId()}`;
export const newInstanceId = (): string => randomBytes(12).toString('base64url');
