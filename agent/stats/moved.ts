// Whether a figure has changed by enough to be worth a message. Pure.

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
