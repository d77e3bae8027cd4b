// How many refusals a minute get a row of their own in the audit log. Whoever may not write must not fill the disk by
// trying; what is left out is counted, and the next row says how many.
import type { Clock } from '#shared/time.ts';

const WINDOW_MS = 60_000;
/** A key that is refused more often than this has a bug or a bad owner; both show in 30 rows. */
export const REFUSALS_PER_KEY = 30;
/** Of all callers without a key together: they cost an attacker nothing. About 4 MB a day at the most. */
export const REFUSALS_ANONYMOUS = 10;

export class RefusalBudget {
  readonly #clock: Clock;
  readonly #taken = new Map<string | null, number>();
  #windowStart = Number.NEGATIVE_INFINITY;
  #omitted = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether the refusal gets a row. `keyId`: null for a caller without a key. */
  take(keyId: string | null): boolean {
    const now = this.#clock.now();
    if (now - this.#windowStart >= WINDOW_MS) {
      this.#taken.clear();
      this.#windowStart = now;
    }
    const taken = this.#taken.get(keyId) ?? 0;
    if (taken >= (keyId === null ? REFUSALS_ANONYMOUS : REFUSALS_PER_KEY)) {
      this.#omitted++;
      return false;
    }
    this.#taken.set(keyId, taken + 1);
    return true;
  }

  /** How many got none since the last call. */
  settle(): number {
    const omitted = this.#omitted;
    this.#omitted = 0;
    return omitted;
  }
}
