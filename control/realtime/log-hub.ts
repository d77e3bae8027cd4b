// Who follows which service's logs: one upstream a service, opened for its first viewer and closed with its last.
import { LogCursor, countLines, toLogFrame } from '#shared/protocol/log-frame.ts';
import { busFormat } from './log-format.ts';
import { LogUpstream, MAX_LOG_LAG_MS, type LogSourceDeps } from './log-upstream.ts';
import { LogViewer, type LogSink } from './log-viewer.ts';

/**
 * A viewer whose queue overflows while it reads history reads on from there instead, this many times; then it is not
 * going to catch up, and the lines up to now are only counted.
 */
const MAX_HISTORY_ROUNDS = 3;

export interface LogRange {
  /** Lines of history over the whole service; null is all. */
  tail: number | null;
  /** RFC 3339, inclusive. */
  since: string | null;
}

export class LogHub {
  readonly #deps: LogSourceDeps;
  readonly #upstreams = new Map<string, LogUpstream>();

  constructor(deps: LogSourceDeps) {
    this.#deps = deps;
  }

  /**
   * Sends history and then live lines to `viewer` until it is closed by `leave`. Resolves when it is live; rejects with
   * `host_offline`, `not_found` or the like when the service's logs cannot be had now.
   */
  async join(serviceId: string, viewer: LogViewer, range: LogRange): Promise<void> {
    const upstream = this.#upstreamOf(serviceId);
    upstream.listeners.add(viewer);
    try {
      await upstream.opened;
      const delivered = new LogCursor();
      if (range.tail !== 0) await this.#catchUp(serviceId, viewer, range, delivered);
      viewer.goLive(delivered);
    } catch (error) {
      this.leave(serviceId, viewer);
      throw error;
    }
  }

  /** Safe to call again, and while `join` is under way. */
  leave(serviceId: string, viewer: LogViewer): void {
    viewer.close();
    const upstream = this.#upstreams.get(serviceId);
    upstream?.listeners.delete(viewer);
    if (!upstream || upstream.listeners.size > 0) return;
    this.#upstreams.delete(serviceId);
    upstream.close();
  }

  /** `service.logs` messages from now on, for /api/ws. That they cannot be had (any more) is told by `failed`, once. */
  followServiceLogs(serviceId: string, sink: LogSink, failed: (error: unknown) => void = () => {}): { close(): void } {
    const fail = (error: unknown) => {
      this.leave(serviceId, viewer);
      failed(error);
    };
    const viewer = new LogViewer({ ...sink, fail }, busFormat(serviceId));
    this.join(serviceId, viewer, { tail: 0, since: null }).catch((error: unknown) => failed(error));
    return { close: () => this.leave(serviceId, viewer) };
  }

  close(): void {
    for (const upstream of this.#upstreams.values()) {
      for (const listener of upstream.listeners) if (listener instanceof LogViewer) listener.close();
      upstream.close();
    }
    this.#upstreams.clear();
  }

  #upstreamOf(serviceId: string): LogUpstream {
    const known = this.#upstreams.get(serviceId);
    if (known && !known.isClosed) return known;
    const upstream = new LogUpstream(serviceId, this.#deps);
    this.#upstreams.set(serviceId, upstream);
    return upstream;
  }

  /**
   * History through a stream of its own, whose credit makes it wait for the viewer. Live lines queue meanwhile; a round
   * in which they overflowed is followed by another, from the last delivered line on, so that none is lost or counted
   * that history still had.
   */
  async #catchUp(serviceId: string, viewer: LogViewer, range: LogRange, delivered: LogCursor): Promise<void> {
    let { tail, since } = range;
    let missed = 0;
    for (let round = 1; ; round++) {
      viewer.queue.clear();
      missed += await this.#readHistory(serviceId, viewer, { tail, since }, delivered, round > MAX_HISTORY_ROUNDS);
      if (!viewer.queue.hasDropped) {
        viewer.queue.addMissed(missed);
        return;
      }
      delivered.skipSeen();
      const resumeAt = delivered.resumePoint(MAX_LOG_LAG_MS);
      if (resumeAt !== undefined) [tail, since] = [null, resumeAt];
    }
  }

  /** Returns how many lines were counted instead of delivered. */
  async #readHistory(
    serviceId: string,
    viewer: LogViewer,
    range: LogRange,
    delivered: LogCursor,
    isCounting: boolean,
  ): Promise<number> {
    const reader = this.#deps.openLogs(serviceId, { ...range, follow: false });
    let counted = 0;
    try {
      for await (const data of reader) {
        const lines = delivered.take(toLogFrame(data));
        if (lines.length === 0) continue;
        if (isCounting) counted += countLines(lines);
        else await viewer.deliver(lines);
      }
    } finally {
      reader.cancel();
    }
    return counted;
  }
}
