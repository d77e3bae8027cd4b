// Progress lines on their way into the bounded log of their job: gathered, because a build says more lines a second
// than are worth an fsync each. Lines that are still here in a crash are lost; the durable steps are not.
import type { Logger } from '#shared/log.ts';
import type { Progress } from '#shared/jobs.ts';
import type { Clock } from '#shared/time.ts';
import { MAX_LOG_LINES } from '../store/job-log.ts';
import type { JobLogRecord } from '../store/records.ts';
import type { Stores } from '../store/stores.ts';

/** How old the stored log may be. */
const FLUSH_MS = 500;

export class ProgressLog {
  readonly #stores: Stores;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #lines = new Map<string, JobLogRecord[]>();
  #isScheduled = false;

  constructor(stores: Stores, clock: Clock, log: Logger) {
    this.#stores = stores;
    this.#clock = clock;
    this.#log = log;
  }

  add({ jobId, step, message, at }: Progress): void {
    if (!message) return;
    const lines = this.#lines.get(jobId) ?? [];
    this.#lines.set(jobId, lines);
    if (lines.length >= MAX_LOG_LINES) lines.shift();
    lines.push({ at, step, message });
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#clock.after(FLUSH_MS, () => void this.flush());
  }

  /** Takes the lines of a job, to be written together with something else about it. */
  take(jobId: string): JobLogRecord[] {
    const lines = this.#lines.get(jobId) ?? [];
    this.#lines.delete(jobId);
    return lines;
  }

  async flush(): Promise<void> {
    this.#isScheduled = false;
    const gathered = [...this.#lines];
    this.#lines.clear();
    if (gathered.length === 0) return;
    try {
      await this.#stores.writer.write(() => {
        for (const [jobId, lines] of gathered) this.#stores.jobLog.append(jobId, lines);
      });
    } catch (error) {
      this.#log.warn({ err: error, jobs: gathered.length }, 'could not store progress lines');
    }
  }
}
