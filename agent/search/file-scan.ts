// A json-file log from its end backwards, a few megabytes at a time, over its rotated files.
import { NEWLINE, TIMESTAMP_BYTES } from '#shared/protocol/log-frame.ts';
import type { LogMatch } from '#shared/protocol/search-parts.ts';
import { readTime } from '../docker/log-records.ts';
import type { Snapshot } from '../docker/log-seek.ts';
import type { LineSearch } from './line-search.ts';
import type { RecordSearch } from './record-search.ts';
import { endOfLine, findPiece } from './regions.ts';
import { type Budget, DONE, type Scan, UNSEEN } from './scan.ts';

const STEP_BYTES = 2 * 1024 * 1024;
/** Before a step: where a line that reaches into it may begin. */
const LEAD_BYTES = 256 * 1024;

export interface FilePart extends Snapshot {
  /** Records before it are of no interest. */
  start: number;
}

export class FileScan implements Scan {
  readonly #parts: FilePart[];
  readonly #records: RecordSearch;
  readonly #lines: LineSearch;
  readonly #budget: Budget;
  reached: string;

  /** `parts`: the oldest first. */
  constructor(parts: readonly FilePart[], records: RecordSearch, lines: LineSearch, budget: Budget) {
    this.#parts = parts.filter(({ start, end }) => start < end);
    this.#records = records;
    this.#lines = lines;
    this.#budget = budget;
    this.reached = this.#parts.length === 0 ? DONE : UNSEEN;
  }

  async step(): Promise<LogMatch[]> {
    const part = this.#parts.at(-1);
    if (!part) return [];
    const from = Math.max(part.start, part.end - STEP_BYTES - LEAD_BYTES);
    const bytes = await readAll(part, from);
    const cut = from === part.start ? { at: 0, isInLine: false } : chooseCut(bytes, bytes.length - STEP_BYTES);
    this.#budget.spend(bytes.length - cut.at);
    if (!cut.isInLine) this.#records.searchWhole(bytes.subarray(cut.at));
    part.end = from + cut.at;
    if (part.end <= part.start) this.#parts.pop();
    this.reached = this.#parts.length === 0 ? DONE : (stampOf(bytes, cut.at) ?? this.reached);
    return this.#lines.take();
  }
}

/** Whole records but for the first. */
async function readAll({ handle, end }: FilePart, from: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(end - from);
  const { bytesRead } = await handle.read(bytes, 0, bytes.length, from);
  // Somebody may have cut the file short meanwhile: behind what was read lies whatever was in memory.
  const read = bytes.subarray(0, bytesRead);
  return read.subarray(0, read.lastIndexOf(NEWLINE) + 1);
}

/**
 * Where to begin in bytes that start anywhere: with a line, at `wanted` or a little before. `isInLine`: all of it is a
 * line that begins before; it is not searched, as the half of a secret could stand there.
 */
export function chooseCut(bytes: Buffer, wanted: number): { at: number; isInLine: boolean } {
  const first = bytes.indexOf(NEWLINE) + 1;
  const near = bytes.indexOf(NEWLINE, Math.max(wanted, 0)) + 1;
  if (first === 0 || first === bytes.length) return { at: 0, isInLine: true };
  if (near === 0 || near === bytes.length) return { at: first, isInLine: false };
  const piece = findPiece(bytes, first, near);
  if (piece < 0) return { at: near, isInLine: false };
  if (piece > first) return { at: piece, isInLine: false };
  // The line may have begun before; where it ends, another begins.
  const end = endOfLine(bytes, piece);
  return end < bytes.length ? { at: end, isInLine: false } : { at: piece, isInLine: true };
}

function stampOf(bytes: Buffer, at: number): string | undefined {
  const stamp = Buffer.alloc(TIMESTAMP_BYTES);
  const end = bytes.indexOf(NEWLINE, at);
  return end < 0 || readTime(bytes, end, stamp) < 0 ? undefined : stamp.toString('latin1');
}
