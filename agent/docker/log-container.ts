// One container's place in a log stream: its name on every line, and how far each of its two streams was delivered, so
// that reading on after a restart or a reconnect neither loses nor repeats a line.
import { compareTimestamps, lineClose, type LogCursor, TIMESTAMP_BYTES } from '#shared/protocol/log-frame.ts';
import type { FrameBuilder } from './log-frames.ts';
import type { RawLine } from './log-line.ts';

/**
 * Docker is asked for this much before the newest line: stdout and stderr are stamped before they are written, so the
 * one may lie a little behind the other. What was delivered already is left out by its timestamp.
 */
const OVERLAP_S = 1;

/** The newest line of one stream. Within a stream times grow: one goroutine of dockerd stamps and writes it. */
class Mark {
  readonly last = Buffer.alloc(TIMESTAMP_BYTES);
  isCatchingUp = false;

  /** False for a line that was delivered before. */
  pass(bytes: Uint8Array, at: number): boolean {
    if (this.isCatchingUp) {
      if (compareTimestamps(bytes, at, this.last, 0) <= 0) return false;
      this.isCatchingUp = false;
    }
    for (let i = 0; i < TIMESTAMP_BYTES; i++) this.last[i] = bytes[at + i] as number;
    return true;
  }
}

export class ContainerLines {
  readonly name: string;
  /** What ends each of its lines in a frame. */
  readonly close: Buffer;
  readonly #marks = { stdout: new Mark(), stderr: new Mark() };

  constructor(name: string) {
    this.name = name;
    this.close = lineClose(name);
  }

  add(line: RawLine, frames: FrameBuilder): void {
    const mark = line.isStderr ? this.#marks.stderr : this.#marks.stdout;
    if (mark.pass(line.bytes, line.timeAt)) frames.add(line, this.close);
  }

  /** Leaves out what a history delivered, up to and with the newest line of each stream. */
  skipDelivered(history: LogCursor): void {
    for (const stream of ['stdout', 'stderr'] as const) {
      const last = history.lastOf(this.name, stream);
      if (last === undefined) continue;
      this.#marks[stream].last.write(last, 'latin1');
      this.#marks[stream].isCatchingUp = true;
    }
  }

  /** Says where to read on, as Docker's `since`, and leaves out what comes twice by that; null before the first line. */
  resume(): string | null {
    const marks = Object.values(this.#marks).filter((mark) => mark.last[0] !== 0);
    for (const mark of marks) mark.isCatchingUp = true;
    const newest = marks
      .map((mark) => mark.last.toString('latin1'))
      .toSorted()
      .at(-1);
    return newest === undefined ? null : toDockerTime(newest, -OVERLAP_S);
  }
}

/** RFC 3339 with any number of digits as Docker's API wants it: Unix `seconds.nanoseconds`. */
export function toDockerTime(timestamp: string, shiftS = 0): string {
  const fraction = /\.(\d+)/.exec(timestamp)?.[1] ?? '';
  const seconds = Math.floor(Date.parse(timestamp) / 1000) + shiftS;
  return `${seconds}.${fraction.slice(0, 9).padEnd(9, '0')}`;
}
