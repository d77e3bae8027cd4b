// Looks every few seconds for rollouts that could go on and hosts that sets want a member on; news nudge it at once. No
// arguments, the same work each time, safe to run twice.
import { schedule } from 'node-cron';
import type { Scope } from '#shared/lifecycle.ts';

const CRON = '*/10 * * * * *';

export function startRollouts(rollouts: { sweep(): Promise<void>; close(): Promise<void> }, scope: Scope): void {
  scope.onStop('rollouts', () => rollouts.close());
  const options = { name: 'roll out', noOverlap: true, unref: true, suppressMissedWarning: true };
  const task = schedule(CRON, () => rollouts.sweep(), options);
  scope.onStop('roll out', () => task.destroy());
  void rollouts.sweep(); // what was open when the process ended
}
