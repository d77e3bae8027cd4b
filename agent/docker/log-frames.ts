// Builds stream frames out of log lines, one pass over the bytes: a line is escaped while it is copied. This is the hot
// loop of the agent (a flood is 100 000 lines a second), hence no strings, objects or native calls for an ordinary line.
import { isUtf8 } from 'node:buffer';
import { LINE_OPEN, LINE_STDERR, LINE_STDOUT, LOG_FRAME_BYTES, TIMESTAMP_BYTES } from '#shared/protocol/log-frame.ts';
import type { FindMask } from '../secrets/mask.ts';
import type { EscapedLine, RawLine } from './log-line.ts';
import { maskLine, unescapedIfSecret } from './log-mask.ts';

/** A longer message is cut here and says so. Docker itself splits lines at this length. */
export const MAX_MESSAGE_BYTES = 16 * 1024;
/** What is left of a message whose escapes (six bytes for a NUL) would not fit into a frame. */
const MAX_ESCAPED_MESSAGE_BYTES = 10_000;
/** The longest escape, `\u0000`. */
const MAX_ESCAPE_BYTES = 6;
/** The line's own text, the cut marker and a container name of 255. */
const LINE_OVERHEAD_BYTES = 512;
/** A frame that is flushed with less than this is copied, so that a waiting line does not hold a whole buffer. */
const COPY_BELOW_BYTES = LOG_FRAME_BYTES / 2;

export class FrameBuilder {
  #buffer = Buffer.allocUnsafeSlow(LOG_FRAME_BYTES);
  #length = 0;
  #full: Buffer[] = [];
  readonly #findMask: FindMask;

  /** Every line passes through the mask, or frames could leave the host with a secret in them. */
  constructor(findMask: FindMask) {
    this.#findMask = findMask;
  }

  get isEmpty(): boolean {
    return this.#length === 0 && this.#full.length === 0;
  }

  /** Adds a line. `close` is lineClose (shared/protocol/log-frame.ts) of its container. */
  add(found: RawLine, close: Buffer): void {
    const mask = this.#findMask();
    const line = mask ? maskLine(mask, found) : found;
    const mostBytes = LINE_OVERHEAD_BYTES + (line.to - line.from) * MAX_ESCAPE_BYTES;
    if (line.dropped > 0 || mostBytes > LOG_FRAME_BYTES) {
      this.#addLong(line, close);
      return;
    }
    if (this.#length + mostBytes > LOG_FRAME_BYTES) this.#turn();
    let at = writeHead(line.isStderr, line.bytes, line.timeAt, this.#buffer, this.#length);
    at = writeEscaped(line.bytes, line.from, line.to, this.#buffer, at);
    this.#length = copyBytes(close, 0, close.length, this.#buffer, at);
  }

  /** Adds a line whose text is JSON-escaped already and well below a frame. */
  addEscaped(line: EscapedLine, close: Buffer): void {
    const mask = this.#findMask();
    const unescaped = mask && unescapedIfSecret(mask, line);
    if (unescaped) return this.add(unescaped, close);
    const { isStderr, time, bytes, from, to } = line;
    if (this.#length + LINE_OVERHEAD_BYTES + to - from > LOG_FRAME_BYTES) this.#turn();
    let at = writeHead(isStderr, time, 0, this.#buffer, this.#length);
    at += bytes.copy(this.#buffer, at, from, to);
    this.#length = copyBytes(close, 0, close.length, this.#buffer, at);
  }

  /** Frames that are full. */
  takeFull(): Buffer[] {
    const full = this.#full;
    if (full.length > 0) this.#full = [];
    return full;
  }

  /** All frames, the last one as full as it is. */
  takeAll(): Buffer[] {
    this.#turn();
    return this.takeFull();
  }

  #addLong(line: RawLine, close: Buffer): void {
    const head = Buffer.alloc(LINE_OPEN.length + TIMESTAMP_BYTES + LINE_STDOUT.length);
    writeHead(line.isStderr, line.bytes, line.timeAt, head, 0);
    const whole = Buffer.concat([head, encodeLong(line), close]);
    if (this.#length + whole.length > LOG_FRAME_BYTES) this.#turn();
    whole.copy(this.#buffer, this.#length);
    this.#length += whole.length;
  }

  #turn(): void {
    if (this.#length === 0) return;
    const frame = this.#buffer.subarray(0, this.#length);
    if (this.#length < COPY_BELOW_BYTES) {
      this.#full.push(Buffer.from(frame));
    } else {
      this.#full.push(frame);
      this.#buffer = Buffer.allocUnsafeSlow(LOG_FRAME_BYTES);
    }
    this.#length = 0;
  }
}

/** A message that is or may become too long for a line: cut between characters, with a marker that counts the rest. */
function encodeLong(line: RawLine): Buffer {
  const scratch = Buffer.allocUnsafe(MAX_MESSAGE_BYTES * MAX_ESCAPE_BYTES);
  const encode = (limitBytes: number): { text: Buffer; rest: number } => {
    const to = lastBoundary(line, Math.min(line.to, line.from + limitBytes));
    const length = writeEscaped(line.bytes, line.from, to, scratch, 0);
    return { text: scratch.subarray(0, length), rest: line.to - to + line.dropped };
  };
  const asked = encode(MAX_MESSAGE_BYTES);
  const fits = asked.text.length <= LOG_FRAME_BYTES - LINE_OVERHEAD_BYTES;
  const { text, rest } = fits ? asked : encode(MAX_ESCAPED_MESSAGE_BYTES);
  return Buffer.concat([text, Buffer.from(rest > 0 ? `… [cut, ${rest} bytes more]` : '')]);
}

/** The last position up to `to` that does not split a UTF-8 sequence (of at most four bytes). */
function lastBoundary(line: RawLine, to: number): number {
  if (to === line.to && line.dropped === 0) return to;
  let lead = to - 1;
  while (lead > line.from && lead > to - 4 && ((line.bytes[lead] as number) & 0xc0) === 0x80) lead--;
  const first = line.bytes[lead] ?? 0;
  const length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc0 ? 2 : 1;
  return lead + length > to ? lead : to;
}

function writeHead(isStderr: boolean, time: Uint8Array, timeAt: number, target: Buffer, start: number): number {
  let at = copyBytes(LINE_OPEN, 0, LINE_OPEN.length, target, start);
  at = copyBytes(time, timeAt, timeAt + TIMESTAMP_BYTES, target, at);
  const middle = isStderr ? LINE_STDERR : LINE_STDOUT;
  return copyBytes(middle, 0, middle.length, target, at);
}

/** For the few bytes around a message a loop is faster than Buffer.copy. */
function copyBytes(source: Uint8Array, from: number, to: number, target: Uint8Array, start: number): number {
  let at = start;
  for (let i = from; i < to; i++) target[at++] = source[i] as number;
  return at;
}

// What JSON does with a byte: 0 keep, 1 keep if the whole is UTF-8, 2 \u00XX, else the letter after a backslash.
const HIGH = 1;
const UNICODE = 2;
const BACKSLASH = 0x5c;
const ESCAPES = new Uint8Array(256).fill(UNICODE, 0, 0x20).fill(HIGH, 0x80);
for (const pair of ['""', '\\\\', '\bb', '\ff', '\nn', '\rr', '\tt']) ESCAPES[pair.charCodeAt(0)] = pair.charCodeAt(1);
const UNICODE_OPEN = Buffer.from('u00');
const HEX = Buffer.from('0123456789abcdef');

/** Writes bytes as the inside of a JSON string; what is not UTF-8 becomes U+FFFD. Returns the end in `target`. */
function writeEscaped(source: Uint8Array, from: number, to: number, target: Buffer, start: number): number {
  let at = start;
  let isAscii = true;
  for (let i = from; i < to; i++) {
    const byte = source[i] as number;
    const escape = ESCAPES[byte] as number;
    if (escape <= HIGH) {
      if (escape === HIGH) isAscii = false;
      target[at++] = byte;
    } else {
      target[at++] = BACKSLASH;
      if (escape === UNICODE) at = writeUnicode(byte, target, at);
      else target[at++] = escape;
    }
  }
  if (isAscii || isUtf8(source.subarray(from, to))) return at;
  const text = Buffer.from(source.buffer, source.byteOffset + from, to - from).toString('utf8');
  return start + target.write(JSON.stringify(text).slice(1, -1), start);
}

function writeUnicode(byte: number, target: Buffer, start: number): number {
  const at = copyBytes(UNICODE_OPEN, 0, UNICODE_OPEN.length, target, start);
  target[at] = HEX[byte >> 4] as number;
  target[at + 1] = HEX[byte & 15] as number;
  return at + 2;
}
