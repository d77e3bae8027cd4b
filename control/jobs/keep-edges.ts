// Looks every few seconds for services without their name and hosts whose edge should be another. No arguments, the same
// work each time, safe to run twice.
import { schedule } from 'node-cron';
import type { Scope } from '#shared/lifecycle.ts';

const CRON = '*/3 * * * * *';

export function startEdgeKeeping(keeper: { sweep(): Promise<void> }, scope: Scope): void {
  const options = { name: 'keep edges', noOverlap: true, unref: true, suppressMissedWarning: true };
  const task = schedule(CRON, () => keeper.sweep(), options);
  scope.onStop('keep edges', () => task.destroy());
}
