// Signatures on DNS messages by a shared key (TSIG, RFC 8945). Pure. The answer's signature covers the question's, so an
// answer that verifies was made for this question by somebody who holds the key.
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { TsigAlgorithm } from '../app/dns/provider.ts';
import { CLASS, TYPE, readAnswer, toNameBytes, toRecordBytes, uint16 } from './wire.ts';

export interface TsigKey {
  name: string;
  algorithm: TsigAlgorithm;
  /** As `tsig-keygen` prints it. */
  secretBase64: string;
}

/** How far the clocks may be apart, in seconds: what RFC 8945 §10 recommends. */
const FUDGE_S = 300;
const ARCOUNT_AT = 10;

/** Extended codes of RFC 8945 §3, which stand in the signature's record. */
export const TSIG_ERRORS: Record<number, string> = {
  16: 'the signature does not verify: is the secret right?',
  17: 'the server does not know this key (or takes it with another algorithm)',
  18: 'the clocks of this machine and of the server are more than five minutes apart',
  22: 'the server wants a longer signature',
};

export interface Signed {
  bytes: Buffer;
  mac: Buffer;
}

export function signMessage(message: Buffer, key: TsigKey, nowMs: number): Signed {
  const time = timeBytes(nowMs);
  const mac = macOf(key, [message, variablesOf(key, time)]);
  const data = Buffer.concat([
    toNameBytes(key.algorithm),
    time,
    uint16(FUDGE_S),
    uint16(mac.length),
    mac,
    message.subarray(0, 2), // the id, which forwarders may change
    uint16(0), // no error
    uint16(0), // nothing else
  ]);
  const record = toRecordBytes({ name: key.name, type: TYPE.TSIG, class: CLASS.ANY, ttl: 0, data });
  return { bytes: withOneMore(Buffer.concat([message, record]), 1), mac };
}

export type Verdict = 'good' | 'unsigned' | 'forged' | { error: number };

/** `requestMac`: of the message that this one answers. */
export function verifyAnswer(answer: Buffer, key: TsigKey, requestMac: Buffer): Verdict {
  const { last } = readAnswer(answer);
  if (last?.type !== TYPE.TSIG) return 'unsigned';
  const data = answer.subarray(last.dataStart, last.dataEnd);
  // The algorithm's name cannot be compressed (RFC 8945 §4.2), so its bytes are those we would write.
  const fields = data.subarray(toNameBytes(key.algorithm).length);
  if (fields.length < 16) return 'forged';
  const macLength = fields.readUInt16BE(8);
  const mac = fields.subarray(10, 10 + macLength);
  const rest = fields.subarray(10 + macLength);
  if (rest.length < 6) return 'forged';
  const error = rest.readUInt16BE(2);
  if (error !== 0) return { error };
  const message = Buffer.concat([rest.subarray(0, 2), answer.subarray(2, last.start)]);
  const expected = macOf(key, [
    uint16(requestMac.length),
    requestMac,
    withOneMore(message, -1),
    variablesOf(key, fields.subarray(0, 6), fields.readUInt16BE(6)),
  ]);
  return mac.length === expected.length && timingSafeEqual(mac, expected) ? 'good' : 'forged';
}

const macOf = ({ algorithm, secretBase64 }: TsigKey, parts: readonly Buffer[]): Buffer => {
  const hmac = createHmac(algorithm.slice('hmac-'.length), Buffer.from(secretBase64, 'base64'));
  for (const part of parts) hmac.update(part);
  return hmac.digest();
};

/** RFC 8945 §4.3.3. */
const variablesOf = ({ name, algorithm }: TsigKey, time: Buffer, fudge = FUDGE_S): Buffer =>
  Buffer.concat([
    toNameBytes(name),
    uint16(CLASS.ANY),
    Buffer.alloc(4), // TTL
    toNameBytes(algorithm),
    time,
    uint16(fudge),
    uint16(0), // no error
    uint16(0), // nothing else
  ]);

/** Seconds since the epoch in 48 bits. */
function timeBytes(nowMs: number): Buffer {
  const bytes = Buffer.alloc(6);
  bytes.writeUIntBE(Math.floor(nowMs / 1000), 0, 6);
  return bytes;
}

function withOneMore(message: Buffer, by: 1 | -1): Buffer {
  const copy = Buffer.from(message);
  copy.writeUInt16BE(copy.readUInt16BE(ARCOUNT_AT) + by, ARCOUNT_AT);
  return copy;
}
