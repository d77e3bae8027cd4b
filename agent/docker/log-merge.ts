// Frames of several containers into one sequence in the order of time, and the last lines of a sequence: both hold a
// few frames and never the whole history.
import { compareTimestamps, countLines, LOG_FRAME_BYTES, NEWLINE, TIMESTAMP_AT } from '#shared/protocol/log-frame.ts';

/** What the last lines may take while they are gathered; with longer lines there are fewer of them. */
const MAX_TAIL_BYTES = 16 * 1024 * 1024;

export type Frames = AsyncIterable<Buffer>;

/** The next line of one source. */
interface Head {
  rest: AsyncIterator<Buffer>;
  frame: Buffer;
  at: number;
}

/** Each source is in order; so is the result. Lines of one moment come in the order of the sources. */
export async function* mergeFrames(sources: Frames[]): AsyncGenerator<Buffer> {
  const [only] = sources;
  if (sources.length === 1 && only) {
    yield* only;
    return;
  }
  const iterators = sources.map((source) => source[Symbol.asyncIterator]());
  try {
    const started = await Promise.all(iterators.map((rest) => nextFrame({ rest, frame: EMPTY, at: 0 })));
    yield* mergeHeads(started.filter((head) => head !== undefined));
  } finally {
    await Promise.allSettled(iterators.map(async (rest) => rest.return?.()));
  }
}

const EMPTY = Buffer.alloc(0);

async function* mergeHeads(heads: Head[]): AsyncGenerator<Buffer> {
  let out: Buffer[] = [];
  let outBytes = 0;
  while (heads.length > 0) {
    const head = earliest(heads);
    const end = endOfRun(head, heads);
    out.push(head.frame.subarray(head.at, end));
    outBytes += end - head.at;
    head.at = end;
    if (outBytes >= LOG_FRAME_BYTES / 2) {
      yield* inFrames(Buffer.concat(out));
      [out, outBytes] = [[], 0];
    }
    if (head.at === head.frame.length && !(await nextFrame(head))) heads.splice(heads.indexOf(head), 1);
  }
  if (outBytes > 0) yield Buffer.concat(out);
}

/** A run may end just before a long line, so what was gathered is at most one frame too long. */
function* inFrames(bytes: Buffer): Generator<Buffer> {
  if (bytes.length <= LOG_FRAME_BYTES) {
    yield bytes;
    return;
  }
  const half = bytes.lastIndexOf(NEWLINE, LOG_FRAME_BYTES - 1) + 1;
  yield bytes.subarray(0, half);
  yield bytes.subarray(half);
}

async function nextFrame(head: Head): Promise<Head | undefined> {
  const next = await head.rest.next();
  if (next.done === true) return undefined;
  head.frame = next.value;
  head.at = 0;
  return head;
}

const earliest = (heads: Head[]): Head => heads.reduce((first, head) => (isBefore(head, first) ? head : first));

const isBefore = (a: Head, b: Head): boolean =>
  compareTimestamps(a.frame, a.at + TIMESTAMP_AT, b.frame, b.at + TIMESTAMP_AT) < 0;

/** The end of the lines of `head` that come before any other source's next line: containers talk in bursts. */
function endOfRun(head: Head, heads: Head[]): number {
  const others = heads.filter((other) => other !== head);
  if (others.length === 0) return head.frame.length;
  const limit = earliest(others);
  const probe = { ...head };
  do probe.at = probe.frame.indexOf(NEWLINE, probe.at) + 1;
  while (probe.at < probe.frame.length && !isBefore(limit, probe));
  return probe.at;
}

/** The last `count` lines (fewer when they take more than 16 MiB). Needs to see the end before it gives the first. */
export async function* lastLines(frames: Frames, count: number): AsyncGenerator<Buffer> {
  const held: { frame: Buffer; lines: number }[] = [];
  let lines = 0;
  let bytes = 0;
  for await (const frame of frames) {
    const added = countLines(frame);
    held.push({ frame, lines: added });
    lines += added;
    bytes += frame.length;
    for (let first = held[0]; first && (lines - first.lines >= count || bytes > MAX_TAIL_BYTES); first = held[0]) {
      held.shift();
      lines -= first.lines;
      bytes -= first.frame.length;
    }
  }
  for (const { frame } of held) {
    yield lines > count ? dropLines(frame, lines - count) : frame;
    lines = Math.min(lines, count);
  }
}

function dropLines(frame: Buffer, count: number): Buffer {
  let at = 0;
  for (let dropped = 0; dropped < count; dropped++) at = frame.indexOf(NEWLINE, at) + 1;
  return frame.subarray(at);
}
