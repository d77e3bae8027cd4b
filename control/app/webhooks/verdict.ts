// What an attempt came to. Pure.
import type { AttemptRecord, DeliveryRecord } from '../../store/webhook-records.ts';
import type { DeliveryOutcome } from '../../store/deliveries.ts';
import type { AttemptResult } from '../api/webhooks.ts';
import { MAX_TRIES, nextTryAt, readRetryAfter } from './retry.ts';

/** Kept of a reply, for people who look for a fault; up to 64 KiB of it were read. */
const KEPT_BODY_BYTES = 4 * 1024;
const KEPT_HEADER_CHARS = 1024;
const GONE = 410;

export const isGone = ({ reply }: AttemptResult): boolean => reply?.status === GONE;

/** Null: it was delivered. */
export function problemOf({ reply, error }: AttemptResult): string | null {
  if (reply === null) return error ?? 'There was no reply';
  const { status } = reply;
  if (status >= 200 && status < 300) return null;
  if (status === GONE) return 'It answered 410: the receiver is gone';
  return status >= 300 && status < 400 ? `It answered ${status}; redirects are not followed` : `It answered ${status}`;
}

/** How the delivery stands after an attempt that ended at `now`. */
export function outcomeOf(
  delivery: Pick<DeliveryRecord, 'tries' | 'askedAt' | 'state'>,
  result: AttemptResult,
  now: number,
  chance: number,
): DeliveryOutcome {
  const error = problemOf(result);
  const { askedAt, state } = delivery;
  const tried = { error, askedAt, tries: delivery.tries + 1 };
  if (error === null) return { ...tried, state: 'delivered', nextAt: null, finishedAt: now };
  if (state !== 'pending') return { ...tried, state, nextAt: null, finishedAt: now }; // dropped while it was under way
  const retryAfterMs = readRetryAfter(result.reply?.headers['retry-after'], now);
  const nextAt = isGone(result) ? null : nextTryAt(tried, now, chance, retryAfterMs);
  if (nextAt !== null) return { ...tried, state: 'pending', nextAt, finishedAt: null };
  const last = tried.tries >= MAX_TRIES ? `${error}; that was the last of ${MAX_TRIES} tries` : error;
  return { ...tried, error: last, state: 'failed', nextAt: null, finishedAt: now };
}

export function toAttempt(
  sent: { url: string; headers: Record<string, string> },
  result: AttemptResult,
): AttemptRecord {
  const { at, durationMs, reply } = result;
  return {
    at,
    durationMs,
    url: sent.url,
    requestHeaders: sent.headers,
    status: reply?.status ?? null,
    replyHeaders: reply && keepHeaders(reply.headers),
    replyBody: reply && reply.body.subarray(0, KEPT_BODY_BYTES).toString('utf8'),
    isCut: reply !== null && (reply.isCut || reply.body.length > KEPT_BODY_BYTES),
    error: problemOf(result),
  };
}

const keepHeaders = (headers: Record<string, string>): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, value.slice(0, KEPT_HEADER_CHARS)]));
