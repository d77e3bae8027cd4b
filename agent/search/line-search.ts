// Tests the lines that a parser finds, as they may be shown, and keeps those that match.
import { TIMESTAMP_BYTES } from '#shared/protocol/log-frame.ts';
import type { LogMatch } from '#shared/protocol/search-parts.ts';
import type { EscapedLine, RawLine } from '../docker/log-line.ts';
import { unescape } from '../docker/log-mask.ts';
import type { Mask } from '../secrets/mask.ts';
import { excerpt, type FindMatch } from './matcher.ts';

/** What of a line is searched. Pieces of a longer one are read past. */
export const MAX_SEARCHED_LINE_BYTES = 256 * 1024;

/** The time asked for, as stamps of 30 characters; both inclusive. */
export interface Span {
  since: string | null;
  until: string | null;
}

export interface LineSearchOptions {
  find: FindMatch;
  mask: Mask | undefined;
  span: Span;
  /** Of the newest matches. */
  limit: number;
  origin: Pick<LogMatch, 'serviceId' | 'container' | 'isReplaced'>;
}

export class LineSearch {
  readonly #options: LineSearchOptions;
  #found: LogMatch[] = [];
  /** Of the first line that was seen. */
  firstStamp: string | undefined;

  constructor(options: LineSearchOptions) {
    this.#options = options;
  }

  /** Matches since the last call, the newest at the end; older ones than the limit allows are gone. */
  take(): LogMatch[] {
    const found = this.#found.slice(-this.#options.limit);
    this.#found = [];
    return found;
  }

  readonly onLine = ({ isStderr, bytes, timeAt, from, to, dropped }: RawLine): void => {
    this.#test(isStderr, bytes.subarray(timeAt, timeAt + TIMESTAMP_BYTES), bytes, from, to, dropped > 0);
  };

  readonly onEscaped = ({ isStderr, time, bytes, from, to }: EscapedLine): void => {
    const text = unescape(bytes, from, to);
    this.#test(isStderr, time, text, 0, text.length, false);
  };

  #test(isStderr: boolean, time: Uint8Array, bytes: Uint8Array, from: number, to: number, isCut: boolean): void {
    const { find, mask, origin, limit } = this.#options;
    this.firstStamp ??= latin1(time);
    const masked = mask?.bytes(bytes, from, to, isCut);
    const line = masked ? masked.toString('utf8') : asBuffer(bytes).toString('utf8', from, to);
    const at = find(line);
    if (at < 0) return;
    const timestamp = latin1(time);
    if (!this.#isInSpan(timestamp)) return;
    const stream = isStderr ? 'stderr' : 'stdout';
    this.#found.push({ ...origin, stream, timestamp, message: excerpt(line, at) });
    // Dropped in batches, or each match would move all the others.
    if (this.#found.length >= 2 * limit) this.#found = this.#found.slice(-limit);
  }

  #isInSpan(timestamp: string): boolean {
    const { since, until } = this.#options.span;
    return (since === null || timestamp >= since) && (until === null || timestamp <= until);
  }
}

const asBuffer = (bytes: Uint8Array): Buffer =>
  bytes instanceof Buffer ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
const latin1 = (time: Uint8Array): string => asBuffer(time).toString('latin1', 0, TIMESTAMP_BYTES);
