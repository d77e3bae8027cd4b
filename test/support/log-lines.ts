// Log lines for tests of what moves them, and a host whose services' logs lie in memory.
import { LongshoreError } from '#shared/errors.ts';
import type { LogEntry } from '#shared/model.ts';
import type { StreamReader } from '#shared/protocol/peer-types.ts';
import type { StreamParams } from '#shared/protocol/schema.ts';

/** The line that is number `n` in time: one a microsecond. */
export function entry(n: number, over: Partial<LogEntry> = {}): LogEntry {
  const timestamp = `2026-03-29T10:00:${String(Math.floor(n / 1e6)).padStart(2, '0')}.${micros(n)}000Z`;
  return { timestamp, stream: 'stdout', message: `line ${n}`, container: 'web-1', ...over };
}

const micros = (n: number): string => String(n % 1e6).padStart(6, '0');

/** Entries as they lie in a stream frame. */
export const toFrame = (entries: readonly LogEntry[]): Buffer =>
  Buffer.from(
    entries
      .map(({ timestamp, stream, message, container }) => JSON.stringify({ timestamp, stream, message, container }))
      .map((line) => `${line}\n`)
      .join(''),
  );

export const fromFrame = (frame: Uint8Array): LogEntry[] =>
  Buffer.from(frame)
    .toString('utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as LogEntry);

type LogParams = Omit<StreamParams<'logs'>, 'serviceId'>;

interface Live {
  frames: Buffer[];
  wake: () => void;
  isEnded: boolean;
}

/** Answers like an agent: history is a snapshot read at the reader's pace, a follower gets what is written from then on. */
export class MemoryLogHost {
  readonly written: LogEntry[] = [];
  readonly opened: LogParams[] = [];
  /** Lines in a frame of history. */
  linesPerFrame = 100;
  isUp = true;
  /** The service was removed. */
  isServiceGone = false;
  readonly #live = new Set<Live>();
  readonly #onUp = new Set<() => void>();
  /** Called before each frame of history is handed out. */
  onHistoryFrame: () => void = () => undefined;

  get followers(): number {
    return this.#live.size;
  }

  openLogs(params: LogParams): StreamReader {
    if (this.isServiceGone) throw new LongshoreError('not_found');
    if (!this.isUp) throw new LongshoreError('host_offline');
    this.opened.push(params);
    const live: Live = { frames: [], wake: () => undefined, isEnded: false };
    if (params.follow) this.#live.add(live);
    const history = this.#history(params);
    const cancel = () => {
      live.isEnded = true;
      this.#live.delete(live);
      live.wake();
    };
    const read = this.#read(history, params.follow ? live : undefined);
    return { opened: Promise.resolve(), cancel, [Symbol.asyncIterator]: () => read };
  }

  onHostUp(up: () => void): () => void {
    this.#onUp.add(up);
    return () => this.#onUp.delete(up);
  }

  write(...entries: LogEntry[]): void {
    this.written.push(...entries);
    for (const live of this.#live) {
      live.frames.push(toFrame(entries));
      live.wake();
    }
  }

  /** The link closes: all streams fail. */
  goDown(): void {
    this.isUp = false;
    for (const live of this.#live) {
      live.isEnded = true;
      live.wake();
    }
    this.#live.clear();
  }

  comeUp(): void {
    this.isUp = true;
    for (const up of this.#onUp) up();
  }

  #history({ tail, since }: LogParams): LogEntry[] {
    const after = this.written.filter((line) => since === null || Date.parse(line.timestamp) >= Date.parse(since));
    return tail === null ? after : tail === 0 ? [] : after.slice(-tail);
  }

  async *#read(history: LogEntry[], live: Live | undefined): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < history.length; at += this.linesPerFrame) {
      this.onHistoryFrame();
      yield toFrame(history.slice(at, at + this.linesPerFrame));
    }
    if (live) yield* this.#follow(live);
  }

  async *#follow(live: Live): AsyncGenerator<Uint8Array> {
    for (;;) {
      const frame = live.frames.shift();
      if (frame) yield frame;
      else if (live.isEnded) break;
      else await new Promise<void>((resolve) => (live.wake = resolve));
    }
    if (!this.isUp) throw new LongshoreError('link_closed');
  }
}
