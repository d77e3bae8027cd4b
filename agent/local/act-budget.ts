// How much may be begun over the socket of the host. Each act is a job whose story is kept until the control plane has it,
// and there a row of the audit log for good: a script that goes round and round must not fill either.
import { LongshoreError } from '#shared/errors.ts';
import type { Clock } from '#shared/time.ts';

/** Every service of a big host, once. */
export const ACTS_AT_ONCE = 100;
/** As the API has it for deploys: ten a minute. */
const REFILL_MS = 6_000;

export class ActBudget {
  readonly #clock: Pick<Clock, 'elapsed'>;
  #left = ACTS_AT_ONCE;
  #filledAt: number;

  constructor(clock: Pick<Clock, 'elapsed'>) {
    this.#clock = clock;
    this.#filledAt = clock.elapsed();
  }

  /** Throws `rate_limited` with the time until there is some again. */
  require(): void {
    this.#refill();
    if (this.#left > 0) return;
    throw new LongshoreError('rate_limited', {
      message: `This host takes ${ACTS_AT_ONCE} acts at once, then one every ${REFILL_MS / 1000} s`,
      retryAfter: Math.ceil((this.#filledAt + REFILL_MS - this.#clock.elapsed()) / 1000),
    });
  }

  /** One was begun. */
  spend(): void {
    this.#left -= 1;
  }

  #refill(): void {
    const now = this.#clock.elapsed();
    const due = Math.floor((now - this.#filledAt) / REFILL_MS);
    this.#left = Math.min(ACTS_AT_ONCE, this.#left + due);
    this.#filledAt += due * REFILL_MS;
  }
}
