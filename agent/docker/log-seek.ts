// Finds where to start reading in json-file logs, without reading what lies before: by bisection for a time, backwards
// from the end for a number of lines.
import type { FileHandle } from 'node:fs/promises';
import { NEWLINE, TIMESTAMP_BYTES } from '#shared/protocol/log-frame.ts';
import { endsLine, readTime, toStamp } from './log-records.ts';

/** A record is at most 16 KiB of text, escaped; what is longer than this is no record. */
const BLOCK_BYTES = 256 * 1024;
/** stdout and stderr may be this much out of order, so the search aims this much before the time. */
const DISORDER_MS = 1000;

/** A file as it was when it was opened: what is appended later is not history. */
export interface Snapshot {
  handle: FileHandle;
  /** End of the last whole record. */
  end: number;
}

export async function lastRecordEnd(handle: FileHandle): Promise<number> {
  const { size } = await handle.stat();
  const from = Math.max(0, size - BLOCK_BYTES);
  const bytes = Buffer.allocUnsafe(size - from);
  const { bytesRead } = await handle.read(bytes, 0, bytes.length, from);
  return bytesRead === 0 ? 0 : from + bytes.lastIndexOf(NEWLINE, bytesRead - 1) + 1;
}

/** Where to start in each file so that no record from `since` on is missed; null is all. */
export function startsOf(snapshots: Snapshot[], since: string | null): Promise<number[]> {
  if (since === null) return Promise.resolve(snapshots.map(() => 0));
  const from = toStamp(new Date(Date.parse(since) - DISORDER_MS).toISOString());
  return Promise.all(snapshots.map((snapshot) => searchTime(snapshot, from)));
}

async function searchTime({ handle, end }: Snapshot, from: Buffer): Promise<number> {
  const block = Buffer.allocUnsafe(BLOCK_BYTES);
  const stamp = Buffer.alloc(TIMESTAMP_BYTES);
  let [low, high] = [0, end];
  while (high - low > BLOCK_BYTES) {
    const middle = Math.floor((low + high) / 2);
    const { bytesRead } = await handle.read(block, 0, BLOCK_BYTES, middle);
    const bytes = block.subarray(0, bytesRead);
    const start = bytes.indexOf(NEWLINE) + 1;
    const stop = bytes.indexOf(NEWLINE, start);
    if (start === 0 || stop < 0 || readTime(bytes, stop, stamp) < 0) return low;
    if (stamp.compare(from) < 0) low = middle + start;
    else high = middle;
  }
  return low;
}

/** Where to start in each file so that the last `count` lines are read. */
export async function tailStarts(snapshots: Snapshot[], count: number): Promise<number[]> {
  const starts = snapshots.map(({ end }) => end);
  let missing = count;
  for (const [i, snapshot] of [...snapshots.entries()].toReversed()) {
    if (missing === 0) break;
    const found = await searchBack(snapshot, missing);
    starts[i] = found.start;
    missing -= found.lines;
  }
  return starts;
}

/** Counts lines, not records: of the pieces of a long line only the last one ends it. */
async function searchBack({ handle, end }: Snapshot, count: number): Promise<{ start: number; lines: number }> {
  const block = Buffer.allocUnsafe(BLOCK_BYTES);
  let lines = 0;
  for (let high = end; high > 0; ) {
    const low = Math.max(0, high - BLOCK_BYTES);
    await handle.read(block, 0, high - low, low);
    let stop = high - low;
    while (stop > 0) {
      const start = stop === 1 ? 0 : block.lastIndexOf(NEWLINE, stop - 2) + 1;
      if (start === 0 && low > 0) break; // it begins in the block before
      if (endsLine(block, start, stop)) {
        if (lines === count) return { start: low + stop, lines };
        lines++;
      }
      stop = start;
    }
    if (low + stop === high) return { start: high, lines };
    high = low + stop;
  }
  return { start: 0, lines };
}
