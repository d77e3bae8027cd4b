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
  /** Services of the host that are worked on at the same time, and how long each keeps its place afterwards. */
  atOnce: number;
  pauseMs: number;
}

/**
 * A database that comes up slowly is waited for about five minutes; who still fails then needs a person. Of a hundred
 * services that fall at once the last one is restarted about a minute after its time.
 */
export const HEALING_LIMITS: HealingLimits = {
  firstDelayMs: 10_000,
  maxDelayMs: 300_000,
  restarts: 5,
  windowMs: 600_000,
  wellMs: 600_000,
  atOnce: 3,
  pauseMs: 1_000,
};
