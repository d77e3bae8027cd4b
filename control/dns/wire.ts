// DNS messages as bytes, as far as dynamic updates need them (RFC 1035 §4, RFC 2136). Pure. No package on npm writes
// updates: they have records without data and the class NONE.
import { LongshoreError } from '#shared/errors.ts';

export const TYPE = { A: 1, SOA: 6, TXT: 16, AAAA: 28, TSIG: 250, ANY: 255 } as const;
export const CLASS = { IN: 1, NONE: 254, ANY: 255 } as const;
const OPCODE_UPDATE = 5;
export const HEADER_BYTES = 12;
const MAX_LABEL_BYTES = 63;
const MAX_NAME_BYTES = 255;
/** The two highest bits of a length say that the rest of the name stands elsewhere in the message. */
const POINTER = 0xc0;

export interface ResourceRecord {
  name: string;
  type: number;
  class: number;
  /** Seconds. */
  ttl: number;
  data: Buffer;
}

export interface UpdateMessage {
  id: number;
  zone: string;
  prerequisites: readonly ResourceRecord[];
  updates: readonly ResourceRecord[];
}

/** In the canonical form that signatures are made of: lower case, never compressed. */
export function toNameBytes(name: string): Buffer {
  const labels = name
    .toLowerCase()
    .split('.')
    .filter((label) => label !== '')
    .map((label) => Buffer.from(label, 'latin1'));
  const bytes = Buffer.concat([...labels.flatMap((label) => [Buffer.from([label.length]), label]), Buffer.from([0])]);
  if (labels.some(({ length }) => length > MAX_LABEL_BYTES) || bytes.length > MAX_NAME_BYTES) {
    throw new LongshoreError('bad_request', { message: `"${name}" is too long for a DNS name` });
  }
  return bytes;
}

export const uint16 = (value: number): Buffer => Buffer.from([value >> 8, value & 0xff]);

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

export const toRecordBytes = ({ name, type, class: klass, ttl, data }: ResourceRecord): Buffer =>
  Buffer.concat([toNameBytes(name), uint16(type), uint16(klass), uint32(ttl), uint16(data.length), data]);

/** RFC 2136 §2: the zone stands in the question's place, what must hold in the answers', what changes in the authority's. */
export const toUpdateBytes = ({ id, zone, prerequisites, updates }: UpdateMessage): Buffer =>
  Buffer.concat([
    uint16(id),
    uint16(OPCODE_UPDATE << 11),
    ...[1, prerequisites.length, updates.length, 0].map(uint16),
    toNameBytes(zone),
    uint16(TYPE.SOA),
    uint16(CLASS.IN),
    ...[...prerequisites, ...updates].map(toRecordBytes),
  ]);

/** `text` up to 255 bytes: one character-string. */
export const toTextData = (text: string): Buffer => Buffer.concat([Buffer.from([text.length]), Buffer.from(text)]);

/** Where what follows a name begins. Throws `egress_failed` for bytes that end too early, as do all that read. */
function skipName(bytes: Buffer, at: number): number {
  for (;;) {
    const length = byteAt(bytes, at);
    if (length >= POINTER) return at + 2;
    if (length === 0) return at + 1;
    at += 1 + length;
  }
}

function byteAt(bytes: Buffer, at: number): number {
  const byte = bytes[at];
  if (byte === undefined) throw new LongshoreError('egress_failed', { message: 'The DNS answer ends too early' });
  return byte;
}

const shortAt = (bytes: Buffer, at: number): number => byteAt(bytes, at) * 256 + byteAt(bytes, at + 1);

export interface Answer {
  id: number;
  /** RFC 2136 §2.2. */
  rcode: number;
  /** The last record, where a signature stands; undefined when there is none. */
  last: { type: number; start: number; dataStart: number; dataEnd: number } | undefined;
}

/** The header and the place of the last record; the other records of an answer to an update say nothing new. */
export function readAnswer(bytes: Buffer): Answer {
  const [questions = 0, ...records] = [4, 6, 8, 10].map((at) => shortAt(bytes, at));
  let at = HEADER_BYTES;
  for (let left = questions; left > 0; left--) at = skipName(bytes, at) + 4;
  let last: Answer['last'];
  for (let left = records.reduce((sum, count) => sum + count, 0); left > 0; left--) {
    const fields = skipName(bytes, at);
    const dataStart = fields + 10;
    const dataEnd = dataStart + shortAt(bytes, fields + 8);
    if (dataEnd > bytes.length) byteAt(bytes, bytes.length);
    last = { type: shortAt(bytes, fields), start: at, dataStart, dataEnd };
    at = dataEnd;
  }
  return { id: shortAt(bytes, 0), rcode: byteAt(bytes, 3) & 0x0f, last };
}
