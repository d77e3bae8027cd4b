// Looks every few seconds for services that may take newer images by themselves. No arguments, the same work each time, safe
// to run twice.
import { schedule } from 'node-cron';
import { toLongshoreError } from '#shared/errors.ts';
import type { Scope } from '#shared/lifecycle.ts';
import type { Logger } from '#shared/log.ts';

const CRON = '*/5 * * * * *';

export function startAutoUpdate(updates: { run(): Promise<void> }, log: Logger, scope: Scope): void {
  const run = () =>
    updates.run().catch((error: unknown) => log.warn({ err: toLongshoreError(error) }, 'could not look for updates'));
  const task = schedule(CRON, run, { name: 'auto-update', noOverlap: true, unref: true, suppressMissedWarning: true });
  scope.onStop('auto-update', () => task.destroy());
}
