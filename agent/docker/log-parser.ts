// Finds the lines in the bytes of Docker's logs API (timestamps=1). Two shapes, told apart by the content type:
//
//   multiplexed  8-byte header (stream, 0, 0, 0, length) + `TIMESTAMP message\n`, one log record each
//   raw (TTY)    the same records without headers; all of it is stdout, lines end in \r\n
//
// Docker cuts a line after 16 KiB into records that carry the line's one timestamp; all but the last lack the newline.
// They are joined again here, and what is beyond the first 16 KiB (or more, for who asks) is only counted.
import { LongshoreError } from '#shared/errors.ts';
import { compareTimestamps, NEWLINE, TIMESTAMP_BYTES } from '#shared/protocol/log-frame.ts';
import { MAX_MESSAGE_BYTES } from './log-frames.ts';
import type { RawLine } from './log-line.ts';

/** dockerd's copy buffer: of the pieces of a line all but the last have exactly this much of it. */
export const PIECE_BYTES = 16 * 1024;
const HEADER_BYTES = 8;
const STDERR = 2;
const SPACE = 0x20;
const CARRIAGE_RETURN = 0x0d;
/** Timestamp and the space after it. */
const STAMP_BYTES = TIMESTAMP_BYTES + 1;
/** dockerd's records are below 17 KiB; a length beyond this means that we lost the thread. */
const MAX_RECORD_BYTES = 1024 * 1024;
/** A raw line this long is taken in pieces, or a TTY that never sends a newline would fill the memory. */
const MAX_RAW_PENDING_BYTES = 64 * 1024;

export type OnLine = (line: RawLine) => void;

export interface LogParser {
  /** Takes the next bytes; they may be overwritten afterwards. */
  push(chunk: Uint8Array): void;
  /** The source ended: a line without newline is complete now. */
  end(): void;
}

/** `maxBytes`: what is kept of a line. */
export const createLogParser = (isTty: boolean, onLine: OnLine, maxBytes?: number): LogParser =>
  isTty ? new RawParser(onLine, maxBytes) : new MultiplexedParser(onLine, maxBytes);

class MultiplexedParser implements LogParser {
  readonly #stdout: LineJoiner;
  readonly #stderr: LineJoiner;
  #rest = Buffer.alloc(0);

  constructor(onLine: OnLine, maxBytes?: number) {
    this.#stdout = new LineJoiner('stdout', onLine, maxBytes);
    this.#stderr = new LineJoiner('stderr', onLine, maxBytes);
  }

  push(chunk: Uint8Array): void {
    const bytes = this.#rest.length > 0 ? Buffer.concat([this.#rest, chunk]) : chunk;
    let at = 0;
    while (bytes.length - at >= HEADER_BYTES) {
      const length = readUint32(bytes, at + 4);
      if (length > MAX_RECORD_BYTES) throw new LongshoreError('docker_error', { message: 'Docker sent no log stream' });
      const from = at + HEADER_BYTES;
      if (bytes.length - from < length) break;
      (bytes[at] === STDERR ? this.#stderr : this.#stdout).add(bytes, from, from + length);
      at = from + length;
    }
    this.#rest = Buffer.from(bytes.subarray(at));
  }

  end(): void {
    this.#stdout.end();
    this.#stderr.end();
  }
}

class RawParser implements LogParser {
  readonly #joiner: LineJoiner;
  #rest = Buffer.alloc(0);

  constructor(onLine: OnLine, maxBytes?: number) {
    this.#joiner = new LineJoiner('terminal', onLine, maxBytes);
  }

  push(chunk: Uint8Array): void {
    const bytes = Buffer.concat([this.#rest, chunk]);
    let at = 0;
    for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, at)) {
      this.#addRecords(bytes, at, end + 1);
      at = end + 1;
    }
    if (bytes.length - at > MAX_RAW_PENDING_BYTES) at = this.#addFullRecords(bytes, at);
    this.#rest = Buffer.from(bytes.subarray(at));
  }

  end(): void {
    if (this.#rest.length > 0) this.#addRecords(this.#rest, 0, this.#rest.length);
    this.#joiner.end();
  }

  /** Up to the newline there may be several records: each but the last holds exactly 16 KiB of the line. */
  #addRecords(bytes: Buffer, from: number, to: number): void {
    const at = this.#addFullRecords(bytes.subarray(0, to), from);
    this.#joiner.add(bytes, at, to);
  }

  #addFullRecords(bytes: Buffer, from: number): number {
    const recordBytes = STAMP_BYTES + PIECE_BYTES;
    let at = from;
    for (
      ;
      bytes.length - at > recordBytes + STAMP_BYTES && isSameStamp(bytes, at, at + recordBytes);
      at += recordBytes
    ) {
      this.#joiner.add(bytes, at, at + recordBytes);
    }
    return at;
  }
}

const isSameStamp = (bytes: Buffer, a: number, b: number): boolean => compareTimestamps(bytes, a, bytes, b) === 0;

/** Joins the records (`TIMESTAMP text`, with or without newline) of one stream to lines. Only the start of a line that is not complete is copied. */
export class LineJoiner {
  readonly #onLine: OnLine;
  readonly #line: RawLine;
  /** A terminal ends its lines with \r\n, and the \r is no part of the message. Elsewhere it is. */
  readonly #dropsReturn: boolean;
  readonly #maxBytes: number;
  /** Timestamp, space and up to `maxBytes` of a line whose newline has not come. */
  #held: Buffer | undefined;
  #heldBytes = 0;
  #dropped = 0;

  constructor(origin: 'stdout' | 'stderr' | 'terminal', onLine: OnLine, maxBytes = MAX_MESSAGE_BYTES) {
    this.#onLine = onLine;
    this.#maxBytes = maxBytes;
    this.#dropsReturn = origin === 'terminal';
    this.#line = { isStderr: origin === 'stderr', bytes: Buffer.alloc(0), timeAt: 0, from: 0, to: 0, dropped: 0 };
  }

  add(bytes: Uint8Array, at: number, end: number): void {
    if (end - at < STAMP_BYTES || bytes[at + TIMESTAMP_BYTES] !== SPACE) {
      throw new LongshoreError('docker_error', { message: 'Docker sent a log line without a timestamp' });
    }
    const isWhole = bytes[end - 1] === NEWLINE;
    if (this.#heldBytes > 0 && compareTimestamps(this.#held as Buffer, 0, bytes, at) !== 0) this.end();
    if (isWhole && this.#heldBytes === 0) this.#emit(bytes, at, end - 1, 0);
    else this.#hold(bytes, at, isWhole ? end - 1 : end);
    if (isWhole) this.end();
  }

  /** Whether a line waits for its end. */
  get isHolding(): boolean {
    return this.#heldBytes > 0;
  }

  end(): void {
    if (this.#heldBytes === 0) return;
    const [length, dropped] = [this.#heldBytes, this.#dropped];
    this.#heldBytes = this.#dropped = 0;
    this.#emit(this.#held as Buffer, 0, length, dropped);
  }

  #hold(bytes: Uint8Array, at: number, end: number): void {
    this.#held ??= Buffer.allocUnsafeSlow(STAMP_BYTES + this.#maxBytes);
    // Later records repeat the timestamp; the first one's is kept.
    const from = this.#heldBytes === 0 ? at : at + STAMP_BYTES;
    const taken = Math.min(end - from, this.#held.length - this.#heldBytes);
    this.#held.set(bytes.subarray(from, from + taken), this.#heldBytes);
    this.#heldBytes += taken;
    this.#dropped += end - from - taken;
  }

  #emit(bytes: Uint8Array, at: number, end: number, dropped: number): void {
    const line = this.#line;
    line.bytes = bytes;
    line.timeAt = at;
    line.from = at + STAMP_BYTES;
    const isReturn = this.#dropsReturn && dropped === 0 && end > line.from && bytes[end - 1] === CARRIAGE_RETURN;
    line.to = isReturn ? end - 1 : end;
    line.dropped = dropped;
    this.#onLine(line);
  }
}

const readUint32 = (bytes: Uint8Array, at: number): number =>
  (((bytes[at] as number) << 24) |
    ((bytes[at + 1] as number) << 16) |
    ((bytes[at + 2] as number) << 8) |
    (bytes[at + 3] as number)) >>>
  0;
