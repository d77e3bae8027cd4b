// The end of a live log stream: lines of all its containers go into common frames, sent when full or 5 ms after the
// first line in them. While the reader is slow the containers wait here, and Docker with them.
import type { StreamWriter } from '#shared/protocol/peer-types.ts';
import type { Clock } from '#shared/time.ts';
import type { FindMask } from '../secrets/mask.ts';
import { FrameBuilder } from './log-frames.ts';

/** A flood fills a frame sooner; a person does not see 5 ms. */
const IDLE_FLUSH_MS = 5;
/** Frames that may wait for the reader: enough that the link never idles between two reads. */
const MAX_WAITING_FRAMES = 4;

export class LogOutput {
  readonly frames: FrameBuilder;
  readonly #writer: StreamWriter;
  readonly #clock: Clock;
  #waiting: Buffer[] = [];
  #isSending = false;
  #isFlushSet = false;
  #failure: unknown;
  #resume: (() => void)[] = [];

  constructor(writer: StreamWriter, clock: Clock, findMask: FindMask) {
    this.frames = new FrameBuilder(findMask);
    this.#writer = writer;
    this.#clock = clock;
  }

  /** Call after lines were added to `frames`. Resolves when more may be; rejects when nobody reads any more. */
  async settle(): Promise<void> {
    this.#waiting.push(...this.frames.takeFull());
    void this.#send();
    if (!this.frames.isEmpty) this.#flushSoon();
    while (this.#waiting.length > MAX_WAITING_FRAMES && this.#failure === undefined) {
      await new Promise<void>((resolve) => this.#resume.push(resolve));
    }
    if (this.#failure !== undefined) throw this.#failure;
  }

  #flushSoon(): void {
    if (this.#isFlushSet) return;
    this.#isFlushSet = true;
    this.#clock.after(IDLE_FLUSH_MS, () => {
      this.#isFlushSet = false;
      // With frames waiting the rest may as well fill up; #send comes back to it.
      if (!this.#isSending) this.#waiting.push(...this.frames.takeAll());
      void this.#send();
    });
  }

  async #send(): Promise<void> {
    if (this.#isSending) return;
    this.#isSending = true;
    try {
      for (let frame = this.#waiting.shift(); frame; frame = this.#waiting.shift()) {
        await this.#writer.write(frame);
        for (const resume of this.#resume.splice(0)) resume();
      }
    } catch (error) {
      this.#failure = error;
      for (const resume of this.#resume.splice(0)) resume();
    } finally {
      this.#isSending = false;
    }
    if (!this.frames.isEmpty && this.#failure === undefined) this.#flushSoon();
  }
}
