// How the control plane stands: in one line for `systemctl status`, and whether a restart would mend anything.
import { judgeWrite } from '#shared/storage-standing.ts';
import { toRfc3339, type Clock } from '#shared/time.ts';
import type { Standing } from '#shared/watchdog.ts';
import type { Stores } from './store/stores.ts';

/** `writeError`: what a write just now failed with; undefined when it did not. */
export function toStanding(url: string, connectedHosts: number, writeError: unknown): Standing {
  const { isSound, trouble } = judgeWrite(writeError);
  const parts = [`answers at ${url}`, `hosts connected: ${connectedHosts}`, ...(trouble === null ? [] : [trouble])];
  return { status: parts.join('; '), fault: isSound ? null : trouble };
}

/** Settles when the write does: a queue of writes that is stuck is not sound, and nothing is said for it. */
export const findWriteFault = ({ writer, meta }: Stores, clock: Clock): Promise<unknown> =>
  writer
    .write(() => meta.set('written_at', toRfc3339(clock.now())))
    .then(
      () => undefined,
      (error: unknown) => error,
    );
