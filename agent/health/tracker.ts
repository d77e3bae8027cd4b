// What the answers of one container make of it. Pure: answers in, standing out.
//
//   starting ── passes in a row ──▶ healthy ── failures in a row ──▶ unhealthy
//      │                              ▲                                  │
//      │                              └───────── passes in a row ────────┘
//      └── failures in a row, past the start period ──▶ unhealthy
//
// Who could not be asked (Docker does not answer) is what it was: silence is no failure.
import type { Health } from '#shared/model.ts';
import type { Thresholds } from './health-check.ts';

export interface Standing {
  health: Exclude<Health, 'unknown'>;
  /** In a row up to now; one of them is zero. */
  failures: number;
  passes: number;
  /** Milliseconds since the epoch; 0 before the first answer. */
  checkedAt: number;
  /** What came back last. */
  output: string;
}

export interface Answer {
  verdict: 'passed' | 'failed' | 'unknown';
  output: string;
  /** Milliseconds since the epoch. */
  at: number;
}

export const newStanding = (health: Standing['health'] = 'starting'): Standing => ({
  health,
  failures: 0,
  passes: 0,
  checkedAt: 0,
  output: '',
});

/** `ageMs`: how long the container has run when it answered. */
export function judge(before: Standing, answer: Answer, ageMs: number, thresholds: Thresholds): Standing {
  const { verdict, output, at } = answer;
  if (verdict === 'unknown') return { ...before, output };
  const now = { ...before, output, checkedAt: at };
  if (verdict === 'passed') {
    const passes = before.passes + 1;
    const health = passes >= thresholds.passes ? 'healthy' : before.health;
    return { ...now, passes, failures: 0, health };
  }
  const isForgiven = before.health === 'starting' && ageMs < thresholds.startPeriodMs;
  const failures = isForgiven ? 0 : before.failures + 1;
  const health = failures >= thresholds.failures ? 'unhealthy' : before.health;
  return { ...now, passes: 0, failures, health };
}

/** A deploy waits for the first pass: what has just started is asked often, and less and less so. */
const FIRST_PAUSE_MS = 250;
/** Of its age: then it is known to be healthy at most a quarter of its starting time late. */
const PAUSES_IN_AGE = 4;

/** Until the next question. */
export function pauseMs({ health }: Standing, ageMs: number, intervalMs: number, thresholds: Thresholds): number {
  if (health !== 'starting' || ageMs >= thresholds.startPeriodMs) return intervalMs;
  return Math.min(intervalMs, Math.max(FIRST_PAUSE_MS, ageMs / PAUSES_IN_AGE));
}
