// Which records of a json-file log must be read as lines: those that hold the bytes looked for, and the pieces of long
// lines, between which a match may be divided. Everything else is passed over by native searches.
import { NEWLINE } from '#shared/protocol/log-frame.ts';
import { PIECE_BYTES } from '../docker/log-parser.ts';
import { endsLine } from '../docker/log-records.ts';
import type { Probe } from './matcher.ts';

/** [from, to) of whole records. */
export type Region = readonly [from: number, to: number];

/** Any record of a whole piece covers a place that is a multiple of this. */
const STRIDE = PIECE_BYTES / 2;
const STDERR = Buffer.from('"stream":"stderr"');

/** Ordered and apart. `bytes` are whole records. */
export function wantedRegions(bytes: Buffer, probe: Probe): Region[] {
  const found: Region[] = [];
  const find = probe(bytes);
  let passed = 0;
  let hit = find(0);
  const addHits = (until: number) => {
    if (hit >= 0 && hit < passed) hit = find(passed);
    for (; hit >= 0 && hit < until; hit = find(passed)) {
      passed = bytes.indexOf(NEWLINE, hit) + 1;
      found.push([startOfRecord(bytes, hit), passed]);
    }
  };
  for (const region of longLines(bytes)) {
    addHits(region[0]);
    found.push(region);
    passed = region[1];
  }
  addHits(bytes.length);
  return found;
}

/** Lines of several pieces, with what lies between the pieces. */
function longLines(bytes: Buffer): Region[] {
  const regions: Region[] = [];
  for (
    let at = findPiece(bytes, 0, bytes.length);
    at >= 0;
    at = findPiece(bytes, regions.at(-1)?.[1] ?? 0, bytes.length)
  )
    regions.push([at, endOfLine(bytes, at)]);
  return regions;
}

/** Where the first record begins that is as long as a piece of a line; -1 for none. */
export function findPiece(bytes: Buffer, from: number, until: number): number {
  for (let at = Math.ceil((from + 1) / STRIDE) * STRIDE; at < until; at += STRIDE) {
    const start = startOfRecord(bytes, at);
    const end = bytes.indexOf(NEWLINE, at);
    if (start >= from && start < until && end - start >= PIECE_BYTES) return start;
  }
  return -1;
}

/** Behind the record that ends the line which begins at `start`; the end of the bytes where it goes on beyond. */
export function endOfLine(bytes: Buffer, start: number): number {
  let isStderr: boolean | undefined;
  for (let at = start; at < bytes.length; ) {
    const end = bytes.indexOf(NEWLINE, at) + 1;
    const isOfStderr = endOf(bytes, at, end).includes(STDERR);
    isStderr ??= isOfStderr;
    if (isOfStderr === isStderr && endsLine(bytes, at, end)) return end;
    at = end;
  }
  return bytes.length;
}

/** The stream stands behind the text; more than this is never there but in attributes. */
const TAIL_BYTES = 4096;
const endOf = (bytes: Buffer, from: number, to: number) => bytes.subarray(Math.max(from, to - TAIL_BYTES), to);

const startOfRecord = (bytes: Buffer, at: number): number => (at === 0 ? 0 : bytes.lastIndexOf(NEWLINE, at - 1) + 1);
