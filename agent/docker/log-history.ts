// What was logged up to now: the containers of a service in the order of time.
import { toLongshoreError } from '#shared/errors.ts';
import type { ContainerView } from '#shared/model.ts';
import type { Clock } from '#shared/time.ts';
import type { FindMask } from '../secrets/mask.ts';
import { ContainerLines, toDockerTime } from './log-container.ts';
import { FrameBuilder } from './log-frames.ts';
import { lastLines, mergeFrames } from './log-merge.ts';
import { createLogParser } from './log-parser.ts';
import { openLogSource } from './log-source.ts';

/** Docker counts the 16 KiB pieces of a long line; asking for more lets the line be whole that the tail begins with. */
const EXTRA_RECORDS = 64;
/** Above it one container's tail is passed on as Docker counts it instead of being gathered first. */
const MAX_EXACT_TAIL = 10_000;

export interface HistoryRange {
  tail: number | null;
  /** RFC 3339 with up to nanoseconds, inclusive. */
  since: string | null;
}

export interface EngineAccess {
  socketPath: string;
  clock: Clock;
}

export type HistoryOf = (container: ContainerView, range: HistoryRange) => AsyncGenerator<Buffer>;

/** Frames of all containers' lines; `tail` counts over the whole service. */
export async function* readHistory(
  containers: ContainerView[],
  { tail, since }: HistoryRange,
  historyOf: HistoryOf,
): AsyncGenerator<Buffer> {
  if (tail === 0) return;
  const isGathered = tail !== null && (containers.length > 1 || tail <= MAX_EXACT_TAIL);
  const records = isGathered ? tail + EXTRA_RECORDS : tail;
  const isOnly = containers.length === 1;
  const merged = mergeFrames(
    containers.map((container) => leaveOutUnreadable(historyOf(container, { tail: records, since }), isOnly)),
  );
  yield* isGathered ? lastLines(merged, tail) : merged;
}

/** A container whose log driver keeps nothing does not hide the logs of the others. */
async function* leaveOutUnreadable(frames: AsyncIterable<Buffer>, isOnly: boolean): AsyncGenerator<Buffer> {
  try {
    yield* frames;
  } catch (error) {
    if (isOnly || toLongshoreError(error).code !== 'not_supported') throw error;
  }
}

/** One container through the Engine's API; nothing when it is gone meanwhile. */
export const apiHistory = ({ socketPath, clock }: EngineAccess, findMask: FindMask): HistoryOf =>
  async function* history({ id, name }, { tail, since }) {
    const request = { containerId: id, tail, since: since === null ? null : toDockerTime(since), follow: false };
    const source = await openLogSource(socketPath, request, clock);
    if (!source) return;
    const frames = new FrameBuilder(findMask);
    const lines = new ContainerLines(name);
    const parser = createLogParser(source.isTty, (line) => lines.add(line, frames));
    try {
      for (let bytes = await source.read(); bytes; bytes = await source.read()) {
        parser.push(bytes);
        yield* frames.takeFull();
      }
      parser.end();
      yield* frames.takeAll();
    } finally {
      source.close();
    }
  };
