// A compressed json-file log: a rotated file of Docker, or what was kept of a container that is gone. It can be read
// from its beginning only, so it is one step.
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { LongshoreError } from '#shared/errors.ts';
import { NEWLINE } from '#shared/protocol/log-frame.ts';
import type { LogMatch } from '#shared/protocol/search-parts.ts';
import type { LineSearch } from './line-search.ts';
import type { RecordSearch } from './record-search.ts';
import { type Budget, DONE, type Scan } from './scan.ts';

/** What is longer without a newline is no log. */
const MAX_RECORD_BYTES = 1024 * 1024;

export class PackedScan implements Scan {
  readonly #path: string;
  readonly #records: RecordSearch;
  readonly #lines: LineSearch;
  readonly #budget: Budget;
  reached: string;

  /** `newest`: a stamp that none of its lines is after. */
  constructor(path: string, newest: string, records: RecordSearch, lines: LineSearch, budget: Budget) {
    this.#path = path;
    this.#records = records;
    this.#lines = lines;
    this.#budget = budget;
    this.reached = newest;
  }

  /** Leaves `reached` as it was when the budget ends before the file does. */
  async step(): Promise<LogMatch[]> {
    let rest = Buffer.alloc(0);
    const unpacked: AsyncIterable<Buffer> = pipeline(createReadStream(this.#path), createGunzip(), () => undefined);
    for await (const bytes of unpacked) {
      if (!this.#budget.spend(bytes.length)) return this.#lines.take();
      if (rest.length > MAX_RECORD_BYTES) throw new LongshoreError('docker_error', { message: 'This is no log' });
      const all = rest.length === 0 ? bytes : Buffer.concat([rest, bytes]);
      const whole = all.lastIndexOf(NEWLINE) + 1;
      this.#records.push(all.subarray(0, whole));
      rest = Buffer.from(all.subarray(whole));
    }
    this.#records.end();
    this.reached = DONE;
    return this.#lines.take();
  }
}
