// Who waits for the end of which job, in memory: after a restart of control the clients ask again.
import type { Clock } from '#shared/time.ts';

export class JobWaiters {
  readonly #clock: Clock;
  readonly #waiting = new Map<string, Set<() => void>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Resolves when the job is settled, after `waitMs`, or when the signal aborts: the caller looks at the row again. */
  wait(jobId: string, waitMs: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const waiting = this.#waiting.get(jobId) ?? new Set();
      this.#waiting.set(jobId, waiting);
      const done = () => {
        cancel();
        signal?.removeEventListener('abort', done);
        waiting.delete(done);
        if (waiting.size === 0) this.#waiting.delete(jobId);
        resolve();
      };
      const cancel = this.#clock.after(waitMs, done);
      waiting.add(done);
      signal?.addEventListener('abort', done, { once: true });
      if (signal?.aborted) done();
    });
  }

  /** Call after the commit of the job's end. */
  settle(jobId: string): void {
    for (const done of this.#waiting.get(jobId) ?? []) done();
  }
}
