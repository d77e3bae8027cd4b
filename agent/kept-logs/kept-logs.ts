// What stays of the logs of replaced containers, as the rest of the agent sees it.
import type { Scope } from '#shared/lifecycle.ts';
import { sleep } from '#shared/time.ts';
import type { ExecuteJob } from '../deploy/job-run.ts';
import { keepLogsAround, type KeeperDeps } from './keeper.ts';
import type { KeptLog } from './kept-log.ts';
import { Shelf } from './shelf.ts';

/** A disk fills up within minutes at its fastest. */
const LOOK_EVERY_MS = 60_000;

export interface KeptLogs {
  /** The same work; what it replaces leaves the end of its log. */
  around(execute: ExecuteJob): ExecuteJob;
  list(serviceId: string): Promise<KeptLog[]>;
  /** All that is kept of a service that is gone for good; returns at once. */
  drop(serviceId: string): void;
  /** Removes what an agent that was killed left half done, and from then on gives way where the disk fills up. */
  start(scope: Scope): void;
}

export interface KeptLogsDeps extends Omit<KeeperDeps, 'shelf' | 'drop'> {
  dataDir: string;
}

export function createKeptLogs(deps: KeptLogsDeps): KeptLogs {
  const shelf = new Shelf(deps.dataDir);
  const carefully = (work: Promise<void>): Promise<void> =>
    work.catch((error: unknown) => deps.log.warn({ err: error }, 'kept logs cannot be cleared up'));
  const drop = (serviceId: string) => carefully(shelf.drop(serviceId));
  return {
    around: (execute) => keepLogsAround({ ...deps, shelf, drop }, execute),
    list: (serviceId) => shelf.list(serviceId),
    drop: (serviceId) => void drop(serviceId),
    start(scope) {
      scope.run('kept logs', async (signal) => {
        await carefully(shelf.clearUp());
        for (;;) {
          await carefully(shelf.trim());
          await sleep(deps.clock, LOOK_EVERY_MS, signal);
        }
      });
    },
  };
}
