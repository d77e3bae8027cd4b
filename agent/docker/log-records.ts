// Finds the lines in a json-file log, the file Docker's default driver writes. Each record is a line of JSON in a fixed
// order whose text is escaped already, so an ordinary one is copied into a frame without being looked into:
//
//     {"log":"message\n","stream":"stdout","time":"2026-03-29T10:00:00.1234Z"}
//
// Pieces of a long line, records with attributes and a terminal's go the long way through JSON.parse and LineJoiner.
import { LongshoreError } from '#shared/errors.ts';
import { compareTimestamps, NEWLINE, TIMESTAMP_BYTES } from '#shared/protocol/log-frame.ts';
import type { EscapedLine } from './log-line.ts';
import { LineJoiner, type OnLine } from './log-parser.ts';

const OPEN = Buffer.from('{"log":"');
const STDOUT = Buffer.from('","stream":"stdout"');
const STREAM_OPEN = Buffer.from('","stream":"std');
const TIME = Buffer.from(',"time":"');
const CLOSE = Buffer.from('"}');
const ESCAPED_NEWLINE = Buffer.from('\\n');
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const ZERO = 0x30;
const DOT = 0x2e;
const LETTER_Z = 0x5a;
/** `2026-03-29T10:00:00` */
const SECONDS_BYTES = 19;
/** Of `stderr"`, counted from its end, where `stdout` has an o. */
const STDERR_LETTER = 'e'.charCodeAt(0);
const LETTER_FROM_END = 4;
/** Names of attributes come after the text; within this much of a record's end its text ends. */
const RECORD_END_BYTES = 4096;
const LINE_END = Buffer.from('\\n","stream":');
/** Beyond this an escaped text may be longer than a message may be. */
const MAX_PLAIN_BYTES = 8 * 1024;

export interface RecordSinks {
  onEscaped: (line: EscapedLine) => void;
  onLine: OnLine;
  /** Called for a record that cannot be read; absent: that ends the reading with `docker_error`. */
  onBroken?: () => void;
}

export class RecordParser {
  readonly #sinks: RecordSinks;
  readonly #since: Buffer | undefined;
  readonly #isTty: boolean;
  readonly #joiners: { stdout: LineJoiner; stderr: LineJoiner };
  readonly #line: EscapedLine = { isStderr: false, time: Buffer.alloc(TIMESTAMP_BYTES), bytes: OPEN, from: 0, to: 0 };

  /** `since` has 30 bytes; records before it are left out. `maxBytes`: what is kept of a line in pieces. */
  constructor(isTty: boolean, since: Buffer | undefined, sinks: RecordSinks, maxBytes?: number) {
    this.#isTty = isTty;
    this.#since = since;
    this.#sinks = sinks;
    const stdout = new LineJoiner(isTty ? 'terminal' : 'stdout', sinks.onLine, maxBytes);
    this.#joiners = { stdout, stderr: new LineJoiner('stderr', sinks.onLine, maxBytes) };
  }

  /** Takes whole records; the bytes may be overwritten afterwards. */
  push(bytes: Buffer): void {
    for (let at = 0; at < bytes.length; ) {
      const end = bytes.indexOf(NEWLINE, at);
      try {
        this.#add(bytes, at, end);
      } catch (error) {
        if (!this.#sinks.onBroken) throw error;
        this.#sinks.onBroken();
      }
      at = end + 1;
    }
  }

  end(): void {
    this.#joiners.stdout.end();
    this.#joiners.stderr.end();
  }

  #add(bytes: Buffer, at: number, end: number): void {
    const line = this.#line;
    const timeAt = readTime(bytes, end, line.time);
    // Both streams' names are of one length, so where the text ends is known without a search.
    const textEnd = timeAt - STDOUT.length;
    if (this.#isTty || timeAt < 0 || !isPlain(bytes, at, textEnd)) return this.#addParsed(bytes, at, end);
    if (this.#since && compareTimestamps(line.time, 0, this.#since, 0) < 0) return;
    line.isStderr = bytes[timeAt - LETTER_FROM_END] === STDERR_LETTER;
    if ((line.isStderr ? this.#joiners.stderr : this.#joiners.stdout).isHolding) return this.#addParsed(bytes, at, end);
    line.bytes = bytes;
    line.from = at + OPEN.length;
    line.to = textEnd - ESCAPED_NEWLINE.length;
    this.#sinks.onEscaped(line);
  }

  #addParsed(bytes: Buffer, at: number, end: number): void {
    const { log, stream, time } = parseRecord(bytes.toString('utf8', at, end));
    const stamp = toStamp(time);
    if (this.#since && compareTimestamps(stamp, 0, this.#since, 0) < 0) return;
    const record = Buffer.concat([stamp, Buffer.from(` ${log}`)]);
    this.#joiners[stream === 'stderr' ? 'stderr' : 'stdout'].add(record, 0, record.length);
  }
}

/** Whether a record is an ordinary one: a whole line, not long, without attributes. */
const isPlain = (bytes: Buffer, at: number, textEnd: number): boolean =>
  textEnd - at < MAX_PLAIN_BYTES &&
  matches(bytes, at, OPEN) &&
  matches(bytes, textEnd, STREAM_OPEN) &&
  matches(bytes, textEnd - ESCAPED_NEWLINE.length, ESCAPED_NEWLINE) &&
  // Else it may be an escaped backslash and the letter n.
  bytes[textEnd - ESCAPED_NEWLINE.length - 1] !== BACKSLASH;

interface LogRecord {
  log: string;
  stream: string;
  time: string;
}

function parseRecord(text: string): LogRecord {
  try {
    return JSON.parse(text) as LogRecord;
  } catch (cause) {
    throw new LongshoreError('docker_error', {
      message: 'A log file of Docker holds a record that is not JSON',
      cause,
    });
  }
}

/** Whether the record [from, to) ends its line: of the pieces of a long one only the last does. */
export const endsLine = (bytes: Buffer, from: number, to: number): boolean =>
  bytes.subarray(Math.max(from, to - RECORD_END_BYTES), to).includes(LINE_END);

/** RFC 3339 in UTC as 30 bytes. */
export function toStamp(time: string): Buffer {
  const stamp = Buffer.alloc(TIMESTAMP_BYTES);
  writeStamp(Buffer.from(time, 'latin1'), 0, time.length - 1, stamp);
  return stamp;
}

/**
 * Reads the time of the record that ends at `end` into `stamp` and returns where `,"time"` starts; -1 when the record
 * does not end with a time in UTC right after its stream.
 */
export function readTime(bytes: Buffer, end: number, stamp: Buffer): number {
  const zAt = end - CLOSE.length - 1;
  if (bytes[zAt] !== LETTER_Z || !matches(bytes, end - CLOSE.length, CLOSE)) return -1;
  let quoteAt = zAt - SECONDS_BYTES - 1;
  for (let i = 0; i <= 10 && bytes[quoteAt] !== QUOTE; i++) quoteAt--;
  const timeAt = quoteAt - TIME.length + 1;
  if (!matches(bytes, timeAt, TIME)) return -1;
  writeStamp(bytes, quoteAt + 1, zAt, stamp);
  return timeAt;
}

/** Docker leaves out the zeros at the end of the fraction. */
function writeStamp(bytes: Uint8Array, from: number, to: number, stamp: Buffer): void {
  const length = to - from;
  for (let i = 0; i < TIMESTAMP_BYTES - 1; i++) stamp[i] = i < length ? (bytes[from + i] as number) : ZERO;
  stamp[SECONDS_BYTES] = DOT;
  stamp[TIMESTAMP_BYTES - 1] = LETTER_Z;
}

function matches(bytes: Uint8Array, at: number, wanted: Uint8Array): boolean {
  for (let i = 0; i < wanted.length; i++) if (bytes[at + i] !== wanted[i]) return false;
  return true;
}
