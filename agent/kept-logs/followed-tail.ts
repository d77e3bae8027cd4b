// The end of a container's log as the Engine's API tells it, in the form of a json-file log.
import { TIMESTAMP_BYTES } from '#shared/protocol/log-frame.ts';
import type { Clock } from '#shared/time.ts';
import type { RawLine } from '../docker/log-line.ts';
import { createLogParser } from '../docker/log-parser.ts';
import { openLogSource, type LogSource } from '../docker/log-source.ts';
import { type HeldLog, MAX_KEPT_BYTES } from './kept-log.ts';

/** From before: what a container usually has written of its life's end when a deploy begins. */
const TAIL_RECORDS = 10_000;

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
    const parser = createLogParser(source.isTty, (line) => this.#add(line));
    for (let bytes = await source.read(); bytes; bytes = await source.read()) parser.push(bytes);
    parser.end();
  }

  #add({ isStderr, bytes, timeAt, from, to }: RawLine): void {
    const time = Buffer.from(bytes.subarray(timeAt, timeAt + TIMESTAMP_BYTES)).toString('latin1');
    const log = `${Buffer.from(bytes.subarray(from, to)).toString('utf8')}\n`;
    const record = Buffer.from(`${JSON.stringify({ log, stream: isStderr ? 'stderr' : 'stdout', time })}\n`);
    this.#records.push(record);
    this.#bytes += record.length;
    while (this.#bytes > MAX_KEPT_BYTES) this.#bytes -= this.#records.shift()?.length ?? 0;
  }
}
