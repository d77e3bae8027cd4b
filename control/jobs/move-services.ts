// Looks every few seconds whether a move can go on: what the end of a job did not nudge. No arguments, the same work each
// time, safe to run twice.
import { schedule } from 'node-cron';
import type { Scope } from '#shared/lifecycle.ts';

/** Without a move it is one look into an index. */
const CRON = '*/5 * * * * *';

export function startMoves(moves: { sweep(): Promise<void>; close(): Promise<void> }, scope: Scope): void {
  const task = schedule(CRON, () => moves.sweep(), {
    name: 'move services',
    noOverlap: true,
    unref: true,
    suppressMissedWarning: true,
  });
  scope.onStop('move services', async () => {
    await task.destroy();
    await moves.close();
  });
}
