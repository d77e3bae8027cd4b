// How log lines lie in a stream frame. Lines stay bytes from Docker's socket to the viewer's: what merges, stitches and
// counts them reads the few fixed positions below instead of parsing JSON.
//
//     {"timestamp":"2026-03-29T10:00:00.000000000Z","stream":"stdout","message":"…","container":"…"}\n
//                   ^14                        ^44             ^59 o or e
//
// The sender keeps this order and the 30-byte timestamp exactly. A frame ends with a whole line.
import { LongshoreError } from '../errors.ts';

/** Full frames are about this long: large enough that work per frame vanishes beside work per line. */
export const LOG_FRAME_BYTES = 64 * 1024;
export const NEWLINE = 10;

export const TIMESTAMP_AT = 14;
/** RFC 3339 with nine digits and `Z`, so that comparing bytes compares times. */
export const TIMESTAMP_BYTES = 30;
const STREAM_LETTER_AT = 59;
const CONTAINER_KEY = Buffer.from('","container":"');
/** What surrounds an empty message of an unnamed container, newline included. */
const SHORTEST_LINE = 93;

/** The bytes that open, part and close a line; messages and names are JSON-escaped already. */
export const LINE_OPEN = Buffer.from('{"timestamp":"');
export const LINE_STDOUT = Buffer.from('","stream":"stdout","message":"');
export const LINE_STDERR = Buffer.from('","stream":"stderr","message":"');
export const lineClose = (container: string): Buffer =>
  Buffer.from(`${CONTAINER_KEY.toString()}${JSON.stringify(container).slice(1)}}\n`);

/** A view as Buffer of what a stream delivered; no copy. Throws `protocol_violation` when it does not end with a line. */
export function toLogFrame(bytes: Uint8Array): Buffer {
  if (bytes.length < SHORTEST_LINE || bytes.at(-1) !== NEWLINE) {
    throw new LongshoreError('protocol_violation', { details: 'A log frame does not end with a whole line' });
  }
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

export function countLines(frame: Buffer): number {
  let lines = 0;
  for (let at = frame.indexOf(NEWLINE); at >= 0; at = frame.indexOf(NEWLINE, at + 1)) lines++;
  return lines;
}

/** Orders two timestamps where they lie. Most differ near their end, but a loop of 30 is cheaper than a native call. */
export function compareTimestamps(a: Uint8Array, aAt: number, b: Uint8Array, bAt: number): number {
  for (let i = 0; i < TIMESTAMP_BYTES; i++) {
    const difference = (a[aAt + i] as number) - (b[bAt + i] as number);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** The newest line seen of one stream of one container. */
interface Mark {
  letter: number;
  /** `","container":"NAME"}` and the newline: tells the container by comparing line ends. */
  close: Buffer;
  last: Buffer;
  /** Lines up to `last` come a second time and are left out. */
  isSkipping: boolean;
}

/**
 * How far a reader got, for each stream of each container on its own: Docker stamps a line before it takes the lock of
 * the log file, so only within one stream are times in the order of writing.
 */
export class LogCursor {
  readonly #marks: Mark[] = [];
  /** Of the line before; most lines follow one of their own stream. */
  #recent: Mark | undefined;
  #skipping = 0;

  /** The same lines come again: `take` leaves out, in each stream, what is not newer than its newest so far. */
  skipSeen(): void {
    for (const mark of this.#marks) mark.isSkipping = true;
    this.#skipping = this.#marks.length;
  }

  /** False once every stream showed a newer line. */
  get isSkipping(): boolean {
    return this.#skipping > 0;
  }

  /** Moves on past the lines of a frame and returns those to deliver; may be empty. Copies only when some are left out. */
  take(frame: Buffer): Buffer {
    const kept: Buffer[] = [];
    let runAt = 0;
    forEachLine(frame, (at, end) => {
      if (this.#advance(frame, at, end)) return;
      kept.push(frame.subarray(runAt, at));
      runAt = end;
    });
    return runAt === 0 ? frame : Buffer.concat([...kept, frame.subarray(runAt)]);
  }

  /** Timestamp of the newest line seen of a container's stream. */
  lastOf(container: string, stream: 'stdout' | 'stderr'): string | undefined {
    const close = lineClose(container);
    const letter = stream.charCodeAt(3);
    return this.#marks.find((mark) => mark.letter === letter && mark.close.equals(close))?.last.toString('latin1');
  }

  /**
   * From when to ask again so that no line of any container is lost: its oldest stream, but at most `lagMs` before the
   * newest one, or a container that fell silent last year would bring back the year. Undefined before the first line.
   */
  resumePoint(lagMs: number): string | undefined {
    const stamps = this.#marks.map((mark) => mark.last.toString('latin1')).toSorted();
    const [oldest, newest] = [stamps[0], stamps.at(-1)];
    if (oldest === undefined || newest === undefined) return undefined;
    const bound = new Date(Date.parse(newest) - lagMs).toISOString();
    return Date.parse(oldest) < Date.parse(bound) ? bound : oldest;
  }

  /** False for a line to leave out. */
  #advance(frame: Buffer, at: number, end: number): boolean {
    const mark = this.#markOf(frame, at, end);
    const timeAt = at + TIMESTAMP_AT;
    if (mark.isSkipping) {
      if (compareTimestamps(frame, timeAt, mark.last, 0) <= 0) return false;
      mark.isSkipping = false;
      this.#skipping--;
    }
    for (let i = 0; i < TIMESTAMP_BYTES; i++) mark.last[i] = frame[timeAt + i] as number;
    return true;
  }

  #markOf(frame: Buffer, at: number, end: number): Mark {
    const letter = frame[at + STREAM_LETTER_AT] as number;
    if (this.#recent?.letter === letter && endsWith(frame, end, this.#recent.close)) return this.#recent;
    const known = this.#marks.find((mark) => mark.letter === letter && endsWith(frame, end, mark.close));
    this.#recent = known ?? this.#addMark(letter, frame.subarray(at, end));
    return this.#recent;
  }

  #addMark(letter: number, line: Buffer): Mark {
    const closeAt = line.lastIndexOf(CONTAINER_KEY);
    if (closeAt < 0) throw new LongshoreError('protocol_violation', { details: 'A log line names no container' });
    const close = Buffer.from(line.subarray(closeAt));
    const mark = { letter, close, last: Buffer.alloc(TIMESTAMP_BYTES), isSkipping: false };
    this.#marks.push(mark);
    return mark;
  }
}

/** Calls `visit` with the start of each line and the position after its newline. */
export function forEachLine(frame: Buffer, visit: (at: number, end: number) => void): void {
  for (let at = 0; at < frame.length; ) {
    const end = frame.indexOf(NEWLINE, at) + 1;
    if (end === 0 || end - at < SHORTEST_LINE) {
      throw new LongshoreError('protocol_violation', { details: 'A log frame holds a line that is too short' });
    }
    visit(at, end);
    at = end;
  }
}

function endsWith(frame: Buffer, end: number, tail: Buffer): boolean {
  const start = end - tail.length;
  // From the end: names of one service differ in their last letters, the rest is the same in all.
  for (let i = tail.length - 1; i >= 0; i--) if (frame[start + i] !== tail[i]) return false;
  return true;
}
