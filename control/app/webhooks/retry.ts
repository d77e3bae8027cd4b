// When a delivery is tried again. Pure; time and chance are given.
//
// Five tries: at once, then after about a minute, ten minutes, two hours and 21 hours, all within a day.

/** Waits after the first, second … failure. Ten times as long each, and the last try is near the end of the day. */
const WAITS_MS: readonly number[] = [60_000, 600_000, 2 * 3_600_000, 21 * 3_600_000 - 660_000];
export const MAX_TRIES = WAITS_MS.length + 1;
/** From when it was asked for to its last try. */
const WINDOW_MS = 24 * 3_600_000;
/** A tenth off at most, so that what failed together does not come back together. */
const JITTER = 0.1;

export interface TriedDelivery {
  /** Including the one that has just failed. */
  tries: number;
  askedAt: number;
}

/**
 * Milliseconds since the epoch, or null when it is given up. `retryAfterMs` is what the receiver asked for; it is
 * honoured as far as the day goes. `chance` is in [0, 1).
 */
export function nextTryAt(
  { tries, askedAt }: TriedDelivery,
  now: number,
  chance: number,
  retryAfterMs = 0,
): number | null {
  const wait = WAITS_MS[tries - 1];
  const end = askedAt + WINDOW_MS;
  if (wait === undefined || now >= end) return null;
  return Math.min(Math.max(now + Math.round(wait * (1 - JITTER * chance)), now + retryAfterMs), end);
}

/** Milliseconds of a Retry-After header: seconds or an HTTP date. */
export function readRetryAfter(header: string | undefined, now: number): number {
  if (header === undefined) return 0;
  if (/^\d{1,9}$/.test(header)) return Number(header) * 1000;
  const at = Date.parse(header);
  return Number.isNaN(at) ? 0 : Math.max(0, at - now);
}
