// The peer as its two users see it (agent/link and control/agents); peer.ts is the implementation.
import type { MethodName, Notification, NotificationName, Params, Result, StreamName, StreamParams } from './schema.ts';

export interface RequestOptions {
  /** Default 30 s. Past it: `timed_out`. */
  timeoutMs?: number;
  signal?: AbortSignal;
}

/** The sending end of a stream, in the hands of the side that was asked for it. */
export interface StreamWriter {
  /**
   * Sends one frame (≤ 64 KiB advised, ≤ 128 KiB, whole lines). Resolves when the next one may be sent: credit is there and the
   * socket is not overfull. Rejects with `link_closed` or `cancelled` when nobody reads any more.
   */
  write(frame: Uint8Array): Promise<void>;
  /** Aborts when the reader cancelled or the link closed. */
  readonly signal: AbortSignal;
}

/** The receiving end. Iterate it: credit is given back as frames are taken, so a slow loop slows the sender, not memory. */
export interface StreamReader extends AsyncIterable<Uint8Array> {
  /** Resolves when the far side accepted and its source is attached; rejects with its error. */
  readonly opened: Promise<void>;
  /** Ends the stream from this side; safe to call again. */
  cancel(): void;
}

export type Handlers = {
  requests: { [M in MethodName]?: (params: Params<M>, signal: AbortSignal) => Promise<Result<M>> };
  notifications: { [N in NotificationName]?: (body: Notification<N>) => void };
  /** Calls `opened` once its source is attached, then writes; the stream ends when the promise does. */
  streams: { [S in StreamName]?: (params: StreamParams<S>, writer: StreamWriter, opened: () => void) => Promise<void> };
};

export interface CloseInfo {
  code: number;
  reason: string;
}

export interface Peer {
  request<M extends MethodName>(method: M, params: Params<M>, options?: RequestOptions): Promise<Result<M>>;
  /** Best effort; dropped silently when the link is down or overfull. */
  notify<N extends NotificationName>(name: N, body: Notification<N>): void;
  openStream<S extends StreamName>(name: S, params: StreamParams<S>): StreamReader;
  /** Pings now: true at the next sign of life, false after `limitMs` without one or when the link closes. */
  probe(limitMs: number): Promise<boolean>;
  /** Drains: no new requests, waits for those under way (≤ 5 s), then closes. Safe to call again. */
  close(code: number, reason: string): Promise<void>;
  /** Fails everything now with `link_closed`. Safe to call again. */
  destroy(code: number, reason: string): void;
  readonly closed: Promise<CloseInfo>;
  readonly isOpen: boolean;
}
