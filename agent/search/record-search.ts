// Searches whole records of a json-file log: only where the bytes looked for are, where that is known.
import { RecordParser } from '../docker/log-records.ts';
import { type LineSearch, MAX_SEARCHED_LINE_BYTES } from './line-search.ts';
import { wantedRegions } from './regions.ts';

export class RecordSearch {
  readonly #needle: Buffer | undefined;
  readonly #parser: RecordParser;

  constructor({ onLine, onEscaped }: LineSearch, needle: Buffer | undefined, isTty: boolean) {
    this.#needle = needle;
    // A record that is none (a disk was full, a machine lost power) hides no other.
    const sinks = { onLine, onEscaped, onBroken: () => undefined };
    this.#parser = new RecordParser(isTty, undefined, sinks, MAX_SEARCHED_LINE_BYTES);
  }

  /** Records that begin and end with lines. */
  searchWhole(bytes: Buffer): void {
    const regions = this.#needle ? wantedRegions(bytes, this.#needle) : [[0, bytes.length] as const];
    for (const [from, to] of regions) {
      this.push(bytes.subarray(from, to));
      this.end();
    }
  }

  /** Records of one long sequence, in any portions; each is read. */
  push(records: Buffer): void {
    this.#parser.push(records);
  }

  end(): void {
    this.#parser.end();
  }
}
