// The same Idempotency-Key has one effect and one answer, also over a crash at any point:
//
//   no row                    nothing was done: the retry does it
//   row with effect           done, answer not known: the retry finds the effect and answers from it
//   row with effect, answer   the retry gets the stored answer
//
// The row is inserted in the transaction of the effect itself, so between "nothing" and "done" there is no third state.
// The app's methods make their effect through `perform`; which key they work under travels with the async context, so a
// route cannot forget to pass it on. Work that fails without an effect leaves no row: the retry tries again.
import { AsyncLocalStorage } from 'node:async_hooks';
import { LongshoreError } from '#shared/errors.ts';
import type { Clock } from '#shared/time.ts';
import type { Stores, WriteContext } from '../store/stores.ts';
import type { Caller } from './api/caller.ts';
import type { Idempotency } from './api/idempotency.ts';
import type { AuditDesk } from './audit.ts';

/** How long a key is remembered (DESIGN: the same answer for 24 h). */
export const IDEMPOTENCY_KEEP_MS = 24 * 3600 * 1000;

/** Checking may need a host's word. */
type MaybePromise<T> = T | Promise<T>;

interface Answer {
  status: number;
  body: unknown;
}

interface Claim {
  keyId: string;
  key: string;
  fingerprint: string;
  /** What an earlier attempt did. */
  earlier: { effect: unknown } | undefined;
  isSpent: boolean;
}

export class IdempotencyDesk implements Idempotency {
  readonly #stores: Stores;
  readonly #audit: Pick<AuditDesk, 'withRow'>;
  readonly #clock: Clock;
  readonly #claims = new AsyncLocalStorage<Claim>();
  readonly #underWay = new Map<string, { fingerprint: string; answer: Promise<Answer> }>();

  constructor(stores: Stores, audit: Pick<AuditDesk, 'withRow'>, clock: Clock) {
    this.#stores = stores;
    this.#audit = audit;
    this.#clock = clock;
  }

  async once(
    { keyId }: Caller,
    key: string,
    fingerprint: string,
    work: () => Promise<Answer>,
  ): Promise<Answer & { isReplay: boolean }> {
    const name = JSON.stringify([keyId, key]);
    const running = this.#underWay.get(name);
    if (running) {
      requireSame(running.fingerprint, fingerprint);
      return { ...(await running.answer), isReplay: true };
    }
    const known = this.#stores.idempotency.find({ keyId, key }, this.#clock.now() - IDEMPOTENCY_KEEP_MS);
    if (known) requireSame(known.fingerprint, fingerprint);
    if (known?.answer) return { ...known.answer, isReplay: true };
    const claim: Claim = { keyId, key, fingerprint, earlier: known && { effect: known.effect }, isSpent: false };
    const answer = this.#claims.run(claim, () => this.#answer(claim, work));
    this.#underWay.set(name, { fingerprint, answer });
    try {
      return { ...(await answer), isReplay: known !== undefined };
    } finally {
      this.#underWay.delete(name);
    }
  }

  /**
   * Makes the one effect of a request, with its row in the audit log. `prepare` checks and decides, and returns the
   * write; neither runs when an earlier attempt under the same key has made the effect, whose result (plain data) is
   * returned instead. `actor`: who is behind it, where the request could not say yet.
   */
  async perform<R>(prepare: () => MaybePromise<(tx: WriteContext) => R>, actor?: Caller): Promise<R> {
    const claim = this.#claims.getStore();
    if (!claim) return this.#stores.writer.write(this.#audit.withRow(await prepare(), actor));
    if (claim.isSpent) throw new LongshoreError('internal', { message: 'A request made two effects under one key' });
    claim.isSpent = true;
    if (claim.earlier) return claim.earlier.effect as R;
    const write = this.#audit.withRow(await prepare(), actor);
    return this.#stores.writer.write((tx) => {
      const effect = write(tx);
      this.#stores.idempotency.putEffect(claim, claim.fingerprint, effect, this.#clock.now());
      return effect;
    });
  }

  async #answer(claim: Claim, work: () => Promise<Answer>): Promise<Answer> {
    const answer = await work();
    const { idempotency, writer } = this.#stores;
    await writer.write(() => idempotency.putAnswer(claim, claim.fingerprint, answer, this.#clock.now()));
    return answer;
  }
}

function requireSame(known: string, fingerprint: string): void {
  if (known !== fingerprint) throw new LongshoreError('idempotency_mismatch');
}
