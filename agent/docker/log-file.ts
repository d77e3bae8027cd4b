// History straight from the files of the json-file driver: several times faster than through dockerd, which parses and
// formats each line, and no work for dockerd at all. Needs the right to read them; whoever lacks it uses the API.
import { type FileHandle, open, stat } from 'node:fs/promises';
import type { ContainerView } from '#shared/model.ts';
import { NEWLINE } from '#shared/protocol/log-frame.ts';
import type { FindMask } from '../secrets/mask.ts';
import { ContainerLines } from './log-container.ts';
import { FrameBuilder } from './log-frames.ts';
import type { HistoryOf, HistoryRange } from './log-history.ts';
import { RecordParser, toStamp } from './log-records.ts';
import { lastRecordEnd, type Snapshot, startsOf, tailStarts } from './log-seek.ts';

const READ_BYTES = 256 * 1024;

export interface LogFile {
  path: string;
  isTty: boolean;
}

/** Undefined unless the container's driver is json-file. */
export type FindLogFile = (containerId: string) => Promise<LogFile | undefined>;

/** Reads files where it can, and uses `otherwise` where not. */
export const fileHistory = (findLogFile: FindLogFile, findMask: FindMask, otherwise: HistoryOf): HistoryOf =>
  async function* history(container, range) {
    const file = await findLogFile(container.id).catch(() => undefined);
    const opened = file && (await openLogFiles(file.path));
    try {
      if (opened?.packed.length === 0) {
        yield* readSnapshots(opened.snapshots, new FrameBuilder(findMask), file?.isTty === true, container, range);
        return;
      }
    } finally {
      await opened?.close();
    }
    yield* otherwise(container, range);
  };

/** The files of one log. */
export interface LogFiles {
  /** Oldest first, as they were when they were opened. */
  snapshots: Snapshot[];
  /** Paths of compressed ones, which are older, newest first. */
  packed: string[];
  close(): Promise<unknown>;
}

/** Undefined when they cannot all be read as they are: no right, gone, just being rotated. */
export async function openLogFiles(path: string): Promise<LogFiles | undefined> {
  const handles: FileHandle[] = [];
  const close = () => Promise.allSettled(handles.map((handle) => handle.close()));
  try {
    const current = await open(path);
    handles.push(current);
    for (let n = 1; ; n++) {
      const older = await open(`${path}.${n}`).catch(ignoreMissing);
      if (!older) break;
      handles.unshift(older);
    }
    const packed = await findPacked(path, handles.length);
    // A rotation meanwhile may have shown one file under two names.
    if ((await stat(path)).ino !== (await current.stat()).ino) throw new RangeError('rotated');
    const snapshots = await Promise.all(handles.map(async (handle) => ({ handle, end: await lastRecordEnd(handle) })));
    return { snapshots, packed, close };
  } catch {
    await close();
    return undefined;
  }
}

async function findPacked(path: string, from: number): Promise<string[]> {
  const packed: string[] = [];
  for (let n = from; await isPresent(`${path}.${n}.gz`); n++) packed.push(`${path}.${n}.gz`);
  return packed;
}

function ignoreMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
  return undefined;
}

const isPresent = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

async function* readSnapshots(
  snapshots: Snapshot[],
  frames: FrameBuilder,
  isTty: boolean,
  { name }: ContainerView,
  { tail, since }: HistoryRange,
): AsyncGenerator<Buffer> {
  const lines = new ContainerLines(name);
  const sinceStamp = since === null ? undefined : toStamp(toUtc(since));
  const parser = new RecordParser(isTty, sinceStamp, {
    onEscaped: (line) => frames.addEscaped(line, lines.close),
    onLine: (line) => lines.add(line, frames),
  });
  const starts = tail === null ? await startsOf(snapshots, since) : await tailStarts(snapshots, tail);
  for (const [i, { handle, end }] of snapshots.entries()) {
    for await (const records of readRecords(handle, starts[i] ?? 0, end)) {
      parser.push(records);
      yield* frames.takeFull();
    }
  }
  parser.end();
  yield* frames.takeAll();
}

/** RFC 3339 with any offset, in UTC with nine digits; digits below the millisecond are kept. */
export function toUtc(time: string): string {
  const fraction = /\.(\d+)/.exec(time)?.[1] ?? '';
  return `${new Date(Date.parse(time)).toISOString().slice(0, 19)}.${fraction.slice(0, 9).padEnd(9, '0')}Z`;
}

/** Whole records in pieces; a piece is valid until the next. */
async function* readRecords(handle: FileHandle, start: number, end: number): AsyncGenerator<Buffer> {
  const buffer = Buffer.allocUnsafeSlow(READ_BYTES);
  for (let at = start; at < end; ) {
    const { bytesRead } = await handle.read(buffer, 0, Math.min(READ_BYTES, end - at), at);
    const whole = buffer.lastIndexOf(NEWLINE, bytesRead - 1) + 1;
    if (bytesRead === 0 || whole === 0) return;
    yield buffer.subarray(0, whole);
    at += whole;
  }
}
