// How patient healing is.
export interface HealingLimits {
  /** Before the first restart; each one after it waits twice as long. */
  firstDelayMs: number;
  maxDelayMs: number;
  /** So many restarts within the window, and the next failure ends it. */
  restarts: number;
  windowMs: number;
  /** Nothing wrong for so long, and the next failure is a first one again. */
  wellMs: number;
}

/** A database that comes up slowly is waited for about five minutes; who still fails then needs a person. */
export const HEALING_LIMITS: HealingLimits = {
  firstDelayMs: 10_000,
  maxDelayMs: 300_000,
  restarts: 5,
  windowMs: 600_000,
  wellMs: 600_000,
};
