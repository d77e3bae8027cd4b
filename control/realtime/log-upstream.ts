// The one live stream of a service that all its viewers share. It outlives its connection: when the host goes away the
// viewers are told, and when it comes back the stream goes on where it ended, so that nothing is lost meanwhile.
import { toLongshoreError } from '#shared/errors.ts';
import type { Logger } from '#shared/log.ts';
import { LogCursor, toLogFrame } from '#shared/protocol/log-frame.ts';
import type { StreamReader } from '#shared/protocol/peer-types.ts';
import type { StreamParams } from '#shared/protocol/schema.ts';
import type { Clock } from '#shared/time.ts';
import type { LogNotice } from './log-format.ts';
import { SharedFrame } from './log-queue.ts';

/** How far one container's lines may come behind another's: a dockerd that is flooded lags by seconds. */
export const MAX_LOG_LAG_MS = 60_000;
/** A stream that ended while the host is there (the agent restarted, Docker did not answer) is tried again this often. */
const RETRY_MS = 2000;

export interface LogSourceDeps {
  /** Throws `host_offline` when the service's host is not connected. */
  openLogs: (serviceId: string, params: Omit<StreamParams<'logs'>, 'serviceId'>) => StreamReader;
  /** Calls back each time the service's host has connected; returns the way to stop that. */
  onHostUp: (serviceId: string, up: () => void) => () => void;
  clock: Clock;
  log: Logger;
}

export interface UpstreamListener {
  offer: (frame: SharedFrame) => void;
  notify: (state: LogNotice) => void;
  /** There is nothing to follow any more; the listener is off. */
  fail: (error: unknown) => void;
}

export class LogUpstream {
  readonly listeners = new Set<UpstreamListener>();
  /** Resolves when the first stream is attached; rejects with its error, and then the upstream is of no more use. */
  readonly opened: Promise<void>;
  readonly #serviceId: string;
  readonly #deps: LogSourceDeps;
  readonly #seen = new LogCursor();
  readonly #unsubscribe: () => void;
  #reader: StreamReader | undefined;
  #isClosed = false;
  #wake: (() => void) | undefined;

  constructor(serviceId: string, deps: LogSourceDeps) {
    this.#serviceId = serviceId;
    this.#deps = deps;
    this.#unsubscribe = deps.onHostUp(serviceId, () => this.#wake?.());
    this.opened = this.#open();
    this.opened.then(
      () => void this.#run(),
      () => this.close(),
    );
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  close(): void {
    this.#isClosed = true;
    this.#unsubscribe();
    this.#reader?.cancel();
    this.#wake?.();
  }

  async #open(): Promise<void> {
    const since = this.#seen.resumePoint(MAX_LOG_LAG_MS) ?? null;
    const reader = this.#deps.openLogs(this.#serviceId, { tail: since === null ? 0 : null, since, follow: true });
    this.#reader = reader;
    await reader.opened;
    this.#seen.skipSeen();
  }

  async #run(): Promise<void> {
    while (!this.#isClosed) {
      const openedAt = this.#deps.clock.now();
      await this.#relay();
      if (this.#isClosed) return;
      this.#tell('host_offline');
      // One that ends as soon as it opens would else be opened again and again without a pause.
      if (this.#deps.clock.now() - openedAt < RETRY_MS) await this.#waitForHost();
      while (!this.#isClosed && !(await this.#reopen())) await this.#waitForHost();
      this.#tell('resumed');
    }
  }

  async #relay(): Promise<void> {
    if (!this.#reader) return;
    try {
      for await (const data of this.#reader) {
        const lines = this.#seen.take(toLogFrame(data));
        if (lines.length === 0) continue;
        const frame = new SharedFrame(lines);
        for (const listener of this.listeners) listener.offer(frame);
      }
    } catch (error) {
      this.#deps.log.debug({ err: error, service: this.#serviceId }, 'a log stream broke off');
    }
  }

  async #reopen(): Promise<boolean> {
    try {
      await this.#open();
      return true;
    } catch (error) {
      const { code } = toLongshoreError(error);
      if (code === 'not_found') this.#fail(error);
      this.#deps.log.debug({ code, service: this.#serviceId }, 'a log stream cannot be reopened yet');
      return false;
    }
  }

  /** The service was removed: nothing to wait for. */
  #fail(error: unknown): void {
    const listeners = [...this.listeners];
    this.listeners.clear();
    this.close();
    for (const listener of listeners) listener.fail(error);
  }

  /** Until the host connects, or for a while: a connected host may fail for its own reasons. */
  #waitForHost(): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#deps.clock.after(RETRY_MS, () => this.#wake?.());
      this.#wake = () => {
        this.#wake = undefined;
        cancel();
        resolve();
      };
    });
  }

  #tell(state: LogNotice): void {
    if (this.#isClosed) return;
    for (const listener of this.listeners) listener.notify(state);
  }
}
