// Hosts whose key is used by two live machines (a cloned VM): kept out for a while, because letting one of them in
// would be a guess. Remembers which pairs were told of already: the two come back every minute, the alert once.
import type { Clock } from '#shared/time.ts';

/** Long enough that an operator sees both go; the agents are told to come back after it. */
const FENCE_MS = 60_000;

export class Fence {
  readonly #clock: Clock;
  readonly #closedUntil = new Map<string, number>();
  readonly #knownPairs = new Map<string, string>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Returns whether this pair is a new one for the host. */
  close(hostId: string, bootIds: [string, string]): boolean {
    this.#closedUntil.set(hostId, this.#clock.elapsed() + FENCE_MS);
    const pair = bootIds.toSorted().join(' ');
    const isNew = this.#knownPairs.get(hostId) !== pair;
    this.#knownPairs.set(hostId, pair);
    return isNew;
  }

  /** The host is one machine again; should another one show, that is news. */
  open(hostId: string): void {
    this.#closedUntil.delete(hostId);
    this.#knownPairs.delete(hostId);
  }

  /** Whole seconds until the host may try again; 0 when it may now. */
  remainingS(hostId: string): number {
    const leftMs = (this.#closedUntil.get(hostId) ?? 0) - this.#clock.elapsed();
    if (leftMs <= 0) this.#closedUntil.delete(hostId);
    return Math.max(0, Math.ceil(leftMs / 1000));
  }
}
