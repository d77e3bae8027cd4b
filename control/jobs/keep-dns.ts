// Looks every few seconds for names that DNS should say otherwise. No arguments, the same work each time, safe to run
// twice.
import { schedule } from 'node-cron';
import type { Scope } from '#shared/lifecycle.ts';

const CRON = '*/5 * * * * *';

export function startDnsKeeping(keeper: { sweep(): Promise<void>; close(): Promise<void> }, scope: Scope): void {
  scope.onStop('dns', () => keeper.close());
  const options = { name: 'keep dns', noOverlap: true, unref: true, suppressMissedWarning: true };
  const task = schedule(CRON, () => keeper.sweep(), options);
  scope.onStop('keep dns', () => task.destroy());
}
