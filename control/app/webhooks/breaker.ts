// Keeps an endpoint that fails from being called for nothing. Pure; what it remembers lies with the endpoint.
//
//   closed ──5 failures in a row──▶ open ──its time is over──▶ half open: one delivery is tried
//     ▲                              ▲                              │
//     └──────────── success ─────────┼──────────────────────────────┤
//                                    └── failure: twice as long ────┘
//
// One delivery of an endpoint is under way at a time, so a half-open breaker lets exactly one through.

export interface BreakerState {
  /** Failed attempts since the last good one. */
  failures: number;
  /** Nothing is sent before; null: it is closed. */
  openUntil: number | null;
}

export const FAILURES_TO_OPEN = 5;
const FIRST_PAUSE_MS = 30_000;
/** Most outages are over within minutes; an endpoint that is back waits no longer than this. */
const MAX_PAUSE_MS = 15 * 60_000;

export const CLOSED: BreakerState = { failures: 0, openUntil: null };

export function afterFailure({ failures }: BreakerState, now: number): BreakerState {
  const count = failures + 1;
  if (count < FAILURES_TO_OPEN) return { failures: count, openUntil: null };
  const pauseMs = Math.min(FIRST_PAUSE_MS * 2 ** (count - FAILURES_TO_OPEN), MAX_PAUSE_MS);
  return { failures: count, openUntil: now + pauseMs };
}

export function positionOf({ openUntil }: BreakerState, now: number): 'closed' | 'open' | 'half_open' {
  if (openUntil === null) return 'closed';
  return openUntil > now ? 'open' : 'half_open';
}
