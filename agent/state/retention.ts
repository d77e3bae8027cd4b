// Forgets, now and then, what nobody can ask for any more.
import type { Scope } from '#shared/lifecycle.ts';
import { sleep, type Clock } from '#shared/time.ts';
import type { AgentState } from './open.ts';

/** Small against the day that events are kept. */
const PRUNE_EVERY_MS = 10 * 60_000;

export function startRetention(state: AgentState, clock: Clock, scope: Scope): void {
  scope.run('retention', async (signal) => {
    for (;;) {
      await sleep(clock, PRUNE_EVERY_MS, signal);
      state.transact(() => {
        state.outbox.prune();
        state.journal.prune(clock.now());
        state.schedules.pruneRuns(clock.now());
      });
    }
  });
}
