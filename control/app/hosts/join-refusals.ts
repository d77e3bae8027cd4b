// Why a join token did not let somebody in, for whoever waits for the host: the last time of each token. Only who holds
// the token's secret gets this far. In memory; a wait is over long before control restarts.
import type { LongshoreError } from '#shared/errors.ts';
import type { Clock } from '#shared/time.ts';
import type { JoinRefusal } from '../api/join-tokens.ts';

/** Tokens that are waited for at the same time. */
const MAX_TOKENS = 1000;

export class JoinRefusals {
  readonly #clock: Clock;
  readonly #last = new Map<string, JoinRefusal>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  note(tokenId: string, address: string, { message, details }: LongshoreError): void {
    this.#last.delete(tokenId);
    this.#last.set(tokenId, { at: this.#clock.now(), address, reason: details ?? message });
    const [oldest] = this.#last.keys();
    if (this.#last.size > MAX_TOKENS && oldest !== undefined) this.#last.delete(oldest);
  }

  find(tokenId: string): JoinRefusal | null {
    return this.#last.get(tokenId) ?? null;
  }
}
