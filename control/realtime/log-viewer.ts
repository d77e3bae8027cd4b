// One viewer of a service's logs: its queue, and the pace of its socket.
//
//   holding ──history delivered──▶ live ──close──▶ closed
//
// While it holds, live frames only queue and history goes out by `deliver`; when it is live the queue goes out.
import { LongshoreError } from '#shared/errors.ts';
import type { LogCursor } from '#shared/protocol/log-frame.ts';
import type { LogFormat, LogNotice, Message } from './log-format.ts';
import { LogQueue, SharedFrame } from './log-queue.ts';

/** Bytes on their way to a viewer: enough to keep a fast one busy, and all that a stuck one holds beside its queue. */
const WINDOW_BYTES = 256 * 1024;

export interface LogSink {
  /** Sends text messages, in one write where it can; `done` once they are with the kernel or the socket is gone. */
  send: (messages: readonly Message[], done: () => void) => void;
  /** No more will come, and why. */
  fail?: (error: unknown) => void;
}

export class LogViewer {
  readonly queue: LogQueue;
  readonly #sink: LogSink;
  readonly #format: LogFormat;
  #state: 'holding' | 'live' | 'closed' = 'holding';
  /** What history delivered; it comes again in the first live frames. */
  #delivered: LogCursor | undefined;
  #inFlightBytes = 0;
  #wake: (() => void) | undefined;

  constructor(sink: LogSink, format: LogFormat, queue: LogQueue = new LogQueue()) {
    this.#sink = sink;
    this.#format = format;
    this.queue = queue;
  }

  get isClosed(): boolean {
    return this.#state === 'closed';
  }

  /** Takes a live frame. Never waits: what does not fit is dropped from the other end and counted. */
  offer(frame: SharedFrame): void {
    if (this.#state === 'closed') return;
    const fresh = this.#state === 'live' ? this.#withoutDelivered(frame) : frame;
    if (!fresh) return;
    this.queue.push(fresh);
    this.#pump();
  }

  /** Sends history at the viewer's pace. Rejects with `cancelled` when the viewer left. */
  async deliver(lines: Buffer): Promise<void> {
    while (this.#inFlightBytes >= WINDOW_BYTES && !this.isClosed) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    if (this.isClosed) throw new LongshoreError('cancelled', { message: 'The viewer left' });
    this.#send(new SharedFrame(lines));
  }

  /** From now on the queue goes out, without the lines that `delivered` has seen. */
  goLive(delivered: LogCursor): void {
    if (this.isClosed) return;
    this.#state = 'live';
    delivered.skipSeen();
    this.#delivered = delivered;
    const missed = this.queue.takeMissed();
    const held: SharedFrame[] = [];
    for (let frame = this.queue.shift(); frame; frame = this.queue.shift()) held.push(frame);
    this.queue.addMissed(missed);
    for (const frame of held) this.offer(frame);
    this.#pump();
  }

  notify(state: LogNotice): void {
    if (!this.isClosed) this.#sink.send([this.#format.notice(state)], () => undefined);
  }

  fail(error: unknown): void {
    if (this.isClosed) return;
    this.close();
    this.#sink.fail?.(error);
  }

  close(): void {
    this.#state = 'closed';
    this.queue.clear();
    this.#wake?.();
  }

  #withoutDelivered(frame: SharedFrame): SharedFrame | undefined {
    if (!this.#delivered?.isSkipping) return frame;
    const fresh = this.#delivered.take(frame.bytes);
    if (fresh === frame.bytes) return frame;
    return fresh.length === 0 ? undefined : new SharedFrame(fresh);
  }

  #pump(): void {
    while (this.#state === 'live' && this.#inFlightBytes < WINDOW_BYTES) {
      const missed = this.queue.takeMissed();
      if (missed > 0) this.#sink.send([this.#format.gap(missed)], () => undefined);
      const frame = this.queue.shift();
      if (!frame) return;
      this.#send(frame);
    }
  }

  #send(frame: SharedFrame): void {
    this.#inFlightBytes += frame.bytes.length;
    this.#sink.send(this.#format.entries(frame), () => {
      this.#inFlightBytes -= frame.bytes.length;
      this.#wake?.();
      this.#wake = undefined;
      this.#pump();
    });
  }
}
