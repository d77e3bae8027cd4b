// Searches whole records of a json-file log: only where the bytes looked for are, where that is known.
import { RecordParser } from '../docker/log-records.ts';
import { type LineSearch, MAX_SEARCHED_LINE_BYTES } from './line-search.ts';
import type { Probe } from './matcher.ts';
import { wantedRegions } from './regions.ts';

export class RecordSearch {
  readonly #probe: Probe | undefined;
  readonly #parser: RecordParser;

  constructor({ onLine, onEscaped }: LineSearch, probe: Probe | undefined, isTty: boolean) {
    this.#probe = probe;
    // A record that is none (a disk was full, a machine lost power) hides no other.
    const sinks = { onLine, onEscaped, onBroken: () => undefined };
    this.#parser = new RecordParser(isTty, undefined, sinks, MAX_SEARCHED_LINE_BYTES);
  }

  /** Records that begin and end with lines. */
  searchWhole(bytes: Buffer): void {
    const regions = this.#probe ? wantedRegions(bytes, this.#probe) : [[0, bytes.length] as const];
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
