// Looks every few seconds how upgrades of hosts stand. No arguments, the same work each time, safe to run twice.
import { schedule } from 'node-cron';
import { toLongshoreError } from '#shared/errors.ts';
import type { Scope } from '#shared/lifecycle.ts';
import type { Logger } from '#shared/log.ts';

/** A host restarts its agent within seconds; without an upgrade it is one look into an index. */
const CRON = '*/2 * * * * *';

export function startHostUpgrades(upgrades: { sweep(): Promise<void> }, log: Logger, scope: Scope): void {
  const look = () =>
    upgrades
      .sweep()
      .catch((error: unknown) => log.warn({ err: toLongshoreError(error) }, 'could not look for upgrades'));
  const task = schedule(CRON, look, {
    name: 'upgrade hosts',
    noOverlap: true,
    unref: true,
    suppressMissedWarning: true,
  });
  scope.onStop('upgrade hosts', () => task.destroy());
}
