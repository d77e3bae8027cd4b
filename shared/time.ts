// Time as a dependency: everything that waits or stamps takes a Clock, so tests move time by hand.

export interface Clock {
  /** Milliseconds since the epoch: what stamps say. May jump either way when somebody sets the clock. */
  now(): number;
  /** Milliseconds since some moment of this process: how long something takes. Only ever grows, as time passes. */
  elapsed(): number;
  /** Calls `run` once when `delayMs` have passed, whatever the clock shows; the returned function cancels it. */
  after(delayMs: number, run: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  elapsed: () => Math.round(performance.now()),
  after(delayMs, run) {
    const timer = setTimeout(run, delayMs);
    return () => clearTimeout(timer);
  },
};

/** RFC 3339 in UTC with `Z`, milliseconds kept: 2026-03-29T10:00:00.000Z. */
export const toRfc3339 = (ms: number): string => new Date(ms).toISOString();

/** Waits on the clock; rejects with the signal's reason when it aborts first. */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason as Error);
    const onAbort = () => {
      cancel();
      reject(signal?.reason as Error);
    };
    const cancel = clock.after(delayMs, () => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    });
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

/** Resolves once it has aborted. */
export const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
