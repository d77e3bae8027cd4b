// Whether what was measured is worth a message: a figure that changed by enough, or nothing said for long. Pure.

export interface Threshold {
  /** Below it nobody acts, whatever it is a part of. */
  step: number;
  /** Of what it was. */
  part: number;
}

/** By a step and by a part of what it was; to and from nothing known always counts. */
export function hasMoved(told: number | null, now: number | null, { step, part }: Threshold): boolean {
  if (told === null || now === null) return told !== now;
  return Math.abs(now - told) >= Math.max(step, part * told);
}

/** A message may be lost, and a number has an age: what is steady is said again at times. */
const SAID_AGAIN_MS = 5 * 60_000;

/** Also where the clock went back since. */
export const isSaidLongAgo = (toldAt: number, nowAt: number): boolean =>
  nowAt - toldAt >= SAID_AGAIN_MS || nowAt < toldAt;
