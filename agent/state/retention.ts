// Forgets, now and then, what nobody can ask for any more, and keeps room for the journal.
import type { Scope } from '#shared/lifecycle.ts';
import { sleep, type Clock } from '#shared/time.ts';
import type { AgentState } from './open.ts';

/** Who freed a disk wants to see it taken. */
const REFILL_EVERY_MS = 15_000;
/** Small against the day that events are kept. */
const PRUNE_EVERY_MS = 10 * 60_000;
/** Of a clock that was set, nothing is believed for so long: what a wrong one makes look old would be gone for good. */
const STEADY_MS = 60 * 60_000;
/** A timer may be late, and a clock is slewed; a clock that is set jumps further. */
const SLACK_MS = 60_000;

/** For how long the clock has shown what has passed. Asked now and then. */
class Steadiness {
  readonly #clock: Clock;
  #seen: { at: number; elapsed: number };
  #since: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#since = clock.elapsed();
    this.#seen = { at: clock.now(), elapsed: this.#since };
  }

  isSteady(): boolean {
    const seen = { at: this.#clock.now(), elapsed: this.#clock.elapsed() };
    const leapMs = seen.at - this.#seen.at - (seen.elapsed - this.#seen.elapsed);
    if (Math.abs(leapMs) > SLACK_MS) this.#since = seen.elapsed;
    this.#seen = seen;
    return seen.elapsed - this.#since >= STEADY_MS;
  }
}

export function startRetention(state: AgentState, clock: Clock, scope: Scope): void {
  const steadiness = new Steadiness(clock);
  scope.run('reserve', async (signal) => {
    for (;;) {
      await state.reserve.refill();
      await sleep(clock, REFILL_EVERY_MS, signal);
    }
  });
  scope.run('retention', async (signal) => {
    for (;;) {
      await sleep(clock, PRUNE_EVERY_MS, signal);
      if (!steadiness.isSteady()) continue;
      state.transact(() => {
        state.outbox.prune();
        state.journal.prune(clock.now());
        state.schedules.pruneRuns(clock.now());
      });
    }
  });
}
