// Forgets what is old, by the clock on the wall.
import { schedule } from 'node-cron';
import type { Scope } from '#shared/lifecycle.ts';
import type { Logger } from '#shared/log.ts';

/** All of them are safe to run twice. */
export interface ExpireDeps {
  retention: { sweep(): Promise<void> };
  /** Keys and sessions. */
  credentials: readonly Expiring[];
  log: Logger;
}

interface Expiring {
  endExpired(): Promise<void>;
  noteUses(): Promise<void>;
}

/** So that the sockets of a credential that expired are gone 5 s later; a look costs microseconds. */
const EXPIRED_CRON = '*/2 * * * * *';
/** A crash forgets a minute of it. */
const USES_CRON = '* * * * *';
const RETENTION_CRON = '17 * * * *';

export function startExpiry({ retention, credentials, log }: ExpireDeps, scope: Scope): void {
  const each = (run: (expiring: Expiring) => Promise<void>) => async () =>
    void (await Promise.all(credentials.map(run)));
  const noteUses = each((expiring) => expiring.noteUses());
  const every = (cron: string, name: string, run: () => Promise<void>) => {
    const attempt = () => run().catch((error: unknown) => log.warn({ err: error, job: name }, 'a sweep failed'));
    const task = schedule(cron, attempt, { name, noOverlap: true, unref: true, suppressMissedWarning: true });
    scope.onStop(name, () => task.destroy());
  };
  every(
    EXPIRED_CRON,
    'end expired keys and sessions',
    each((expiring) => expiring.endExpired()),
  );
  every(USES_CRON, 'note the last use of keys and sessions', noteUses);
  every(RETENTION_CRON, 'forget what is old', () => retention.sweep());
  scope.onStop('last uses', noteUses);
}
