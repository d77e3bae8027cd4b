// What waits for one viewer. Bounded in bytes: beyond it the oldest lines go, and how many is known exactly.
import { countLines, NEWLINE } from '#shared/protocol/log-frame.ts';

/** About 20 000 ordinary lines: a hiccup of seconds in a flood, and 100 stuck viewers still fit into memory. */
export const MAX_QUEUE_BYTES = 4 * 1024 * 1024;

const COMMA = 0x2c;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;

/** A frame as all viewers of a service share it; what some of them need is worked out once. */
export class SharedFrame {
  readonly bytes: Buffer;
  #lines: number | undefined;
  #asArray: Buffer | undefined;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  get lineCount(): number {
    return (this.#lines ??= countLines(this.bytes));
  }

  /** `[entry,entry,…]`, made without parsing. */
  get asArray(): Buffer {
    return (this.#asArray ??= toArray(this.bytes));
  }
}

function toArray(lines: Buffer): Buffer {
  const array = Buffer.allocUnsafeSlow(lines.length + 1);
  array[0] = OPEN_BRACKET;
  array.set(lines, 1);
  for (let at = array.indexOf(NEWLINE); at >= 0; at = array.indexOf(NEWLINE, at + 1)) array[at] = COMMA;
  array[array.length - 1] = CLOSE_BRACKET;
  return array;
}

export class LogQueue {
  readonly #limitBytes: number;
  #frames: SharedFrame[] = [];
  #bytes = 0;
  #missed = 0;

  constructor(limitBytes: number = MAX_QUEUE_BYTES) {
    this.#limitBytes = limitBytes;
  }

  push(frame: SharedFrame): void {
    this.#frames.push(frame);
    this.#bytes += frame.bytes.length;
    while (this.#bytes > this.#limitBytes) this.#missed += this.shift()?.lineCount ?? 0;
  }

  shift(): SharedFrame | undefined {
    const frame = this.#frames.shift();
    if (frame) this.#bytes -= frame.bytes.length;
    return frame;
  }

  /** Lines that were dropped before the next frame; asking resets it. */
  takeMissed(): number {
    const missed = this.#missed;
    this.#missed = 0;
    return missed;
  }

  /** Counts lines as missed that were never queued. */
  addMissed(lines: number): void {
    this.#missed += lines;
  }

  /** Whether lines were dropped since the last takeMissed or clear. */
  get hasDropped(): boolean {
    return this.#missed > 0;
  }

  /** Forgets all, uncounted: for a reader that will get the same lines another way. */
  clear(): void {
    this.#frames = [];
    this.#bytes = 0;
    this.#missed = 0;
  }
}
