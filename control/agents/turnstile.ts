// How many handshakes may be under way at once, and when those that found no room are to try again. Each of them is given
// the next place in a queue that is only a number, so that a fleet that lost its links at once comes back as fast as it
// can be let in, and not all of it again after the same two seconds.
import type { Clock } from '#shared/time.ts';

export interface TurnstileLimits {
  /** Of all addresses together: what is under way holds memory, and a turn of the event loop takes as long as they are many. */
  unfinished: number;
  /** A fleet behind one NAT comes in through this many at a time; one that floods us gets no further. */
  unfinishedPerAddress: number;
}

export const TURNSTILE_LIMITS: TurnstileLimits = { unfinished: 1024, unfinishedPerAddress: 256 };

/** Let in by the slowest machine that thousands of hosts would be given to; what is measured counts when it is more. */
const LEAST_PER_SECOND = 400;
/** Longer than ten thousand hosts take; a flood must not send an honest host away for longer. */
const MAX_RETRY_S = 30;
const SECOND_MS = 1000;

export class Turnstile {
  readonly #clock: Clock;
  readonly #limits: TurnstileLimits;
  readonly #byAddress = new Map<string, number>();
  #unfinished = 0;
  /** When the last of those that were turned away finds room. */
  #queueEndsAt = 0;
  #second = { startedAt: 0, passed: 0, passedBefore: 0 };

  constructor(clock: Clock, limits: Partial<TurnstileLimits> = {}) {
    this.#clock = clock;
    this.#limits = { ...TURNSTILE_LIMITS, ...limits };
  }

  hasRoom(address: string): boolean {
    const ofAddress = this.#byAddress.get(address) ?? 0;
    return this.#unfinished < this.#limits.unfinished && ofAddress < this.#limits.unfinishedPerAddress;
  }

  /** Takes a place; returns what gives it back, to be called once. Undefined: there is none. */
  enter(address: string): (() => void) | undefined {
    if (!this.hasRoom(address)) return undefined;
    this.#unfinished += 1;
    this.#byAddress.set(address, (this.#byAddress.get(address) ?? 0) + 1);
    return () => this.#leave(address);
  }

  /** For one that found no room: whole seconds, more for each one that comes after it. */
  turnAway(): number {
    const now = this.#clock.elapsed();
    this.#queueEndsAt = Math.max(this.#queueEndsAt, now) + SECOND_MS / this.#perSecond(now);
    this.#queueEndsAt = Math.min(this.#queueEndsAt, now + MAX_RETRY_S * SECOND_MS);
    return Math.ceil((this.#queueEndsAt - now) / SECOND_MS);
  }

  #leave(address: string): void {
    this.#unfinished -= 1;
    const left = (this.#byAddress.get(address) ?? 1) - 1;
    if (left > 0) this.#byAddress.set(address, left);
    else this.#byAddress.delete(address);
    this.#turn(this.#clock.elapsed());
    this.#second.passed += 1;
  }

  #perSecond(now: number): number {
    this.#turn(now);
    return Math.max(LEAST_PER_SECOND, this.#second.passedBefore);
  }

  #turn(now: number): void {
    const { startedAt, passed } = this.#second;
    const ageMs = now - startedAt;
    if (ageMs < SECOND_MS) return;
    this.#second = { startedAt: now, passed: 0, passedBefore: (passed * SECOND_MS) / ageMs };
  }
}
