// Looks every few seconds for hosts that went away. No arguments, the same work each time, safe to run twice.
import { schedule } from 'node-cron';
import { toLongshoreError } from '#shared/errors.ts';
import type { Scope } from '#shared/lifecycle.ts';
import type { Logger } from '#shared/log.ts';

const CRON = '*/10 * * * * *';

export function startHostWatch(presence: { sweep(): Promise<void> }, log: Logger, scope: Scope): void {
  const look = () =>
    presence.sweep().catch((error: unknown) => log.warn({ err: toLongshoreError(error) }, 'could not look for hosts'));
  const task = schedule(CRON, look, { name: 'watch hosts', noOverlap: true, unref: true, suppressMissedWarning: true });
  scope.onStop('watch hosts', () => task.destroy());
}
