// What a host that was shut out does with what control gave it: jobs that have not begun end as cancelled, what is under
// way is brought to its end, because half a deploy is worse than either. docs/decisions/0025-revoked-is-not-away.md
import { LOCAL_CAUSE } from '#shared/local.ts';
import type { Clock } from '#shared/time.ts';
import type { AgentState } from '../state/open.ts';
import type { JobRunner } from './runner.ts';

export interface StandDownDeps {
  state: Pick<AgentState, 'meta' | 'journal' | 'transact'>;
  clock: Clock;
  runner: Pick<JobRunner, 'cancel'>;
}

/** Safe to call again. What somebody on the host asked for, or asks for from now on, is done. */
export function standDown({ state, clock, runner }: StandDownDeps): void {
  const { meta, journal } = state;
  if (meta.isRevoked) return;
  const waiting = journal.openIds().filter((id) => {
    const job = journal.findNote(id);
    return job?.state === 'accepted' && job.cause !== LOCAL_CAUSE;
  });
  state.transact(() => {
    meta.set('revokedAt', String(clock.now()));
    for (const id of waiting) journal.requestCancel(id, 'cancelled');
  });
  for (const id of waiting) runner.cancel(id);
}
