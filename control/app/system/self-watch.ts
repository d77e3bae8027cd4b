// What the control plane's own process and database file take.
import { statSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import type { Clock } from '#shared/time.ts';
import type { DatabaseFigures, ProcessFigures } from '../api/system-services.ts';

/** A shorter stretch shows a request, not a load. */
const STRETCH_MS = 60_000;

export class SelfWatch {
  readonly #databaseFile: string;
  readonly #clock: Clock;
  readonly startedAt: number;
  /** What is measured from, and what will be once it is long enough ago. */
  #from = mark();
  #next = this.#from;

  constructor(databaseFile: string, clock: Clock) {
    this.#databaseFile = databaseFile;
    this.#clock = clock;
    this.startedAt = clock.now();
  }

  async process(): Promise<ProcessFigures> {
    const { rss: memoryBytes, heapUsed: heapBytes } = process.memoryUsage();
    const askedAt = performance.now();
    await setImmediate();
    const loopLagMs = performance.now() - askedAt;
    return { startedAt: this.startedAt, cpuPercent: this.#cpuPercent(), memoryBytes, heapBytes, loopLagMs };
  }

  database(): DatabaseFigures {
    const file = statSync(this.#databaseFile);
    const wal = statSync(`${this.#databaseFile}-wal`, { throwIfNoEntry: false });
    // Some file systems do not know when a file was made.
    const createdAt = Math.min(file.birthtimeMs || this.startedAt, this.#clock.now());
    return { createdAt: Math.floor(createdAt), fileBytes: file.size, walBytes: wal?.size ?? 0 };
  }

  #cpuPercent(): number {
    const now = mark();
    if (now.at - this.#next.at > STRETCH_MS) {
      this.#from = this.#next;
      this.#next = now;
    }
    const { at, cpu } = this.#from;
    const used = now.cpu.user + now.cpu.system - cpu.user - cpu.system;
    return now.at === at ? 0 : used / 10 / (now.at - at); // µs of ms, in percent
  }
}

const mark = () => ({ at: performance.now(), cpu: process.cpuUsage() });
