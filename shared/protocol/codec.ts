// Frames as they cross the wire once the handshake is done: JSON text for control, binary for stream data. Knows the
// outer shape only; what a method's params may hold is the peer's business (schema.ts).
//
//   binary:  [u32 stream id, big endian][payload]
//
// A frame of another shape is a violation and ends the connection: versions are agreed on before the first frame, so
// an unknown type can only be a fault.
import { LongshoreError, type WireError } from '../errors.ts';
import { MAX_FRAME_BYTES } from './limits.ts';

/**
 * `req` asks and `res`/`err` answer; `cancel` says that nobody waits for the answer any more. `sopen` asks for a stream,
 * `sack` says that its source is attached, `send` ends it, `scredit` gives back credit in bytes, `scancel` hangs up.
 * Ids are chosen by the side that asks; each side has its own.
 */
export type Frame =
  | { t: 'req'; id: number; m: string; p: unknown }
  | { t: 'res'; id: number; r: unknown }
  | { t: 'err'; id: number; e: WireError }
  | { t: 'cancel'; id: number }
  | { t: 'ntf'; m: string; p: unknown }
  | { t: 'sopen'; id: number; m: string; p: unknown }
  | { t: 'sack'; id: number }
  | { t: 'send'; id: number; e?: WireError }
  | { t: 'scredit'; id: number; n: number }
  | { t: 'scancel'; id: number };

export const STREAM_HEADER_BYTES = 4;
/** u32, because of the header. */
export const MAX_STREAM_ID = 0xffffffff;
const MAX_BYTES_PER_CHAR = 3; // UTF-8 of one UTF-16 unit

/** Throws `payload_too_large` for what the far side would close the connection over. */
export function encodeFrame(frame: Frame): string {
  const text = JSON.stringify(frame);
  if (text.length * MAX_BYTES_PER_CHAR <= MAX_FRAME_BYTES || Buffer.byteLength(text) <= MAX_FRAME_BYTES) return text;
  throw new LongshoreError('payload_too_large', {
    message: `Cannot send a message of more than ${MAX_FRAME_BYTES} bytes`,
  });
}

/** Header and payload in one buffer: one copy of the payload costs less than a second frame. */
export function encodeData(streamId: number, payload: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(STREAM_HEADER_BYTES + payload.byteLength);
  frame.writeUInt32BE(streamId, 0);
  frame.set(payload, STREAM_HEADER_BYTES);
  return frame;
}

/** The payload is a view into the frame, not a copy. Throws `protocol_violation`. */
export function decodeData(frame: Uint8Array): { id: number; payload: Uint8Array } {
  if (frame.byteLength < STREAM_HEADER_BYTES) throw violation('a binary frame has no stream id');
  if (frame.byteLength > MAX_FRAME_BYTES) throw violation('a frame is too large');
  const id = new DataView(frame.buffer, frame.byteOffset).getUint32(0);
  return { id, payload: frame.subarray(STREAM_HEADER_BYTES) };
}

/** Unknown fields are ignored. Throws `protocol_violation`. */
export function decodeFrame(text: string): Frame {
  if (text.length > MAX_FRAME_BYTES) throw violation('a frame is too large');
  const frame = parseObject(text);
  const read = Object.hasOwn(READERS, String(frame['t'])) ? READERS[frame['t'] as Frame['t']] : undefined;
  if (!read) throw violation('a frame has no known type');
  return read(frame);
}

type Fields = Record<string, unknown>;

const READERS: { [T in Frame['t']]: (fields: Fields) => Extract<Frame, { t: T }> } = {
  req: (f) => ({ t: 'req', id: readId(f), m: readName(f), p: f['p'] }),
  res: (f) => ({ t: 'res', id: readId(f), r: f['r'] }),
  err: (f) => ({ t: 'err', id: readId(f), e: readError(f['e']) }),
  cancel: (f) => ({ t: 'cancel', id: readId(f) }),
  ntf: (f) => ({ t: 'ntf', m: readName(f), p: f['p'] }),
  sopen: (f) => ({ t: 'sopen', id: readId(f), m: readName(f), p: f['p'] }),
  sack: (f) => ({ t: 'sack', id: readId(f) }),
  send: (f) => ({ t: 'send', id: readId(f), ...(f['e'] !== undefined && { e: readError(f['e']) }) }),
  scredit: (f) => ({ t: 'scredit', id: readId(f), n: readWhole(f['n'], 'n') }),
  scancel: (f) => ({ t: 'scancel', id: readId(f) }),
};

function parseObject(text: string): Fields {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw violation('a text frame is not JSON', error);
  }
  if (!isObject(value)) throw violation('a text frame is not an object');
  return value;
}

const isObject = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const readId = (fields: Fields): number => readWhole(fields['id'], 'id');

function readWhole(value: unknown, name: string): number {
  if (Number.isSafeInteger(value) && (value as number) > 0) return value as number;
  throw violation(`"${name}" is not a whole number above 0`);
}

function readName(fields: Fields): string {
  if (typeof fields['m'] === 'string') return fields['m'];
  throw violation('"m" is not a text');
}

function readError(value: unknown): WireError {
  if (!isObject(value) || typeof value['code'] !== 'string' || typeof value['message'] !== 'string') {
    throw violation('"e" is not an error');
  }
  const { code, message, details, fields } = value;
  return {
    code,
    message,
    ...(typeof details === 'string' && { details }),
    ...(isObject(fields) && { fields: textsOf(fields) }),
  };
}

const textsOf = (fields: Fields): Record<string, string> =>
  Object.fromEntries(Object.entries(fields).filter((entry): entry is [string, string] => typeof entry[1] === 'string'));

const violation = (details: string, cause?: unknown) => new LongshoreError('protocol_violation', { details, cause });
