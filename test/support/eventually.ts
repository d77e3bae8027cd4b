// Waits on a condition, never on time: asks again until the answer is good or the bound is reached.
import { setTimeout as sleep } from 'node:timers/promises';
import { inspect } from 'node:util';

export type EventuallyOptions<T> = {
  /** When the value is good. Default: it is truthy. */
  until?: (value: T) => boolean;
  /** Default 30 s: more than anything on one busy machine needs; only a failure waits so long. */
  timeoutMs?: number;
  intervalMs?: number;
};

/**
 * Resolves with the first good value of `check`. A `check` that throws is a "not yet" as well; the failure at the end
 * shows the last value or error seen.
 *
 *     await eventually(() => fetchLifecycle(id), { until: (lifecycle) => lifecycle === 'running' });
 */
export async function eventually<T>(check: () => T | Promise<T>, options: EventuallyOptions<T> = {}): Promise<T> {
  const { until = Boolean, timeoutMs = 30_000, intervalMs = 50 } = options;
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    let lastSeen: unknown;
    try {
      const value = await check();
      if (until(value)) return value;
      lastSeen = value;
    } catch (error) {
      lastSeen = error instanceof Error ? error.message : error;
    }
    if (Date.now() >= deadline) {
      throw new Error(`Not so within ${timeoutMs} ms; last seen: ${inspect(lastSeen, { depth: 6 })}`);
    }
    await sleep(intervalMs);
  }
}
