// Forgets what is old, by the clock on the wall.
import { schedule } from 'node-cron';
import type { Scope } from '#shared/lifecycle.ts';
import type { Logger } from '#shared/log.ts';

export interface ExpireDeps {
  /** Both are safe to run twice. */
  retention: { sweep(): Promise<void> };
  keys: { sweep(): Promise<void> };
  log: Logger;
}

/** Keys every minute, so that the sockets of an expired one close soon; the rest is in no hurry. */
const KEYS_CRON = '* * * * *';
const RETENTION_CRON = '17 * * * *';

export function startExpiry({ retention, keys, log }: ExpireDeps, scope: Scope): void {
  const every = (cron: string, name: string, run: () => Promise<void>) => {
    const attempt = () => run().catch((error: unknown) => log.warn({ err: error, job: name }, 'a sweep failed'));
    const task = schedule(cron, attempt, { name, noOverlap: true, unref: true, suppressMissedWarning: true });
    scope.onStop(name, () => task.destroy());
  };
  every(KEYS_CRON, 'expire keys', () => keys.sweep());
  every(RETENTION_CRON, 'forget what is old', () => retention.sweep());
  scope.onStop('note the last use of keys', () => keys.sweep());
}
