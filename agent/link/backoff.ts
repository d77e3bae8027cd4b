// When to try again after the link failed. Pure: facts in, decision out.
import type { ErrorCode } from '#shared/errors.ts';

export interface RetryFacts {
  /** Failures in a row, this one included. */
  failures: number;
  /** What the last connection ended with. */
  code: ErrorCode;
  /** What control asked for. */
  retryAfterS?: number | undefined;
  /** Windows grow to this; default 64 s. */
  lastWindowMs?: number | undefined;
}

export interface Retry {
  delayMs: number;
  /** Why the link rests: `revoked` and `refused` need a person, `waiting` only time. */
  state: 'waiting' | 'revoked' | 'refused';
}

/** Windows of 1, 2, 4 … 64 s. Uniform inside, or a restarted control plane would be met by all of its hosts at once. */
const FIRST_WINDOW_MS = 1000;
export const LAST_WINDOW_MS = 64_000;
/** Around the moment that control has named. */
const ASKED_WINDOW_MS = 2000;
/** Nothing but a person changes these; asking often would only fill two logs. */
const SLOW_RETRY_MS = 5 * 60_000;
/** No answer of control may send a host away for longer than a person would wait. */
const MAX_RETRY_AFTER_MS = 60 * 60_000;

const SLOW: Partial<Record<ErrorCode, Retry['state']>> = {
  revoked: 'revoked',
  token_invalid: 'refused',
  unsupported: 'refused',
};

/** `random` is uniform in [0, 1). */
export function planRetry(facts: RetryFacts, random: () => number): Retry {
  const { failures, code, retryAfterS = 0, lastWindowMs = LAST_WINDOW_MS } = facts;
  const slowState = SLOW[code];
  const askedMs = Math.min(retryAfterS * 1000, MAX_RETRY_AFTER_MS);
  // Control spreads its hosts by what it asks of each: a window that went on growing would undo that.
  const widestMs = askedMs > 0 ? ASKED_WINDOW_MS : lastWindowMs;
  const jitterMs = random() * Math.min(FIRST_WINDOW_MS * 2 ** (failures - 1), widestMs, lastWindowMs);
  const leastMs = Math.max(slowState ? SLOW_RETRY_MS : 0, askedMs);
  return { delayMs: Math.round(leastMs + jitterMs), state: slowState ?? 'waiting' };
}
