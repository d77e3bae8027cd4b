// The end of a container's log as the Engine's API tells it, in the form of a json-file log.
import { TIMESTAMP_BYTES } from '#shared/protocol/log-frame.ts';
import type { Clock } from '#shared/time.ts';
import type { RawLine } from '../docker/log-line.ts';
import { MAX_SEARCHED_LINE_BYTES } from '../search/line-search.ts';
import { createLogParser, PIECE_BYTES } from '../docker/log-parser.ts';
import { openLogSource, type LogSource } from '../docker/log-source.ts';
import { type HeldLog, MAX_KEPT_BYTES } from './kept-log.ts';

/** From before: what a container usually has written of its life's end when a deploy begins. */
const TAIL_RECORDS = 10_000;

/** Of a line: beyond what is searched, so that a search sees that it was cut, and hides a secret that was cut with it. */
const MAX_LINE_BYTES = MAX_SEARCHED_LINE_BYTES + 1;

/** Docker ends a log with its container; one that it forgets to end must not hold up a job. */
const END_LIMIT_MS = 5_000;

export interface FollowOptions {
  socketPath: string;
  clock: Clock;
  containerId: string;
}

export class FollowedTail implements HeldLog {
  readonly #source: LogSource | undefined;
  readonly #clock: Clock;
  readonly #ended: Promise<void>;
  #records: Buffer[] = [];
  #bytes = 0;
  /** Lines come without the \r of a terminal. */
  readonly isTty = false;

  private constructor(source: LogSource | undefined, clock: Clock) {
    this.#source = source;
    this.#clock = clock;
    this.#ended = source ? this.#read(source).catch(() => undefined) : Promise.resolve();
  }

  static async open({ socketPath, clock, containerId }: FollowOptions): Promise<FollowedTail> {
    const asked = { containerId, tail: TAIL_RECORDS, since: null, follow: true };
    // A driver that keeps nothing has nothing that could be kept.
    const source = await openLogSource(socketPath, asked, clock).catch(() => undefined);
    return new FollowedTail(source, clock);
  }

  /** To be asked for when the container is gone: the log ends with it. */
  async tail(): Promise<Buffer> {
    const cancelLimit = this.#clock.after(END_LIMIT_MS, () => this.#source?.close());
    await this.#ended.finally(cancelLimit);
    return Buffer.concat(this.#records);
  }

  async release(): Promise<void> {
    this.#source?.close();
    await this.#ended;
  }

  async #read(source: LogSource): Promise<void> {
    const parser = createLogParser(source.isTty, (line) => this.#add(line), MAX_LINE_BYTES);
    for (let bytes = await source.read(); bytes; bytes = await source.read()) parser.push(bytes);
    parser.end();
  }

  #add(line: RawLine): void {
    const record = toRecords(line);
    this.#records.push(record);
    this.#bytes += record.length;
    while (this.#bytes > MAX_KEPT_BYTES) this.#bytes -= this.#records.shift()?.length ?? 0;
  }
}

/** As dockerd would have written the line: a long one in pieces, of which only the last has its end. */
export function toRecords({ isStderr, bytes, timeAt, from, to }: RawLine): Buffer {
  const time = Buffer.from(bytes.subarray(timeAt, timeAt + TIMESTAMP_BYTES)).toString('latin1');
  const stream = isStderr ? 'stderr' : 'stdout';
  const pieces: string[] = [];
  for (let at = from; at === from || at < to; at += PIECE_BYTES) {
    const end = Math.min(at + PIECE_BYTES, to);
    const text = Buffer.from(bytes.subarray(at, end)).toString('utf8');
    pieces.push(`${JSON.stringify({ log: end === to ? `${text}\n` : text, stream, time })}\n`);
  }
  return Buffer.from(pieces.join(''));
}
