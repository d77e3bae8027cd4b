// What stays of the logs of replaced containers, as the rest of the agent sees it.
import type { ExecuteJob } from '../deploy/job-run.ts';
import type { ServiceTable } from '../state/services.ts';
import { keepLogsAround, type KeeperDeps } from './keeper.ts';
import type { KeptLog } from './kept-log.ts';
import { Shelf } from './shelf.ts';

export interface KeptLogs {
  /** The same work; what it replaces leaves the end of its log. */
  around(execute: ExecuteJob): ExecuteJob;
  list(serviceId: string): Promise<KeptLog[]>;
  /** Drops what belongs to no service of this host; returns at once. */
  sweep(): void;
}

export interface KeptLogsDeps extends Omit<KeeperDeps, 'shelf'> {
  dataDir: string;
  services: Pick<ServiceTable, 'ids'>;
}

export function createKeptLogs(deps: KeptLogsDeps): KeptLogs {
  const shelf = new Shelf(deps.dataDir);
  return {
    around: (execute) => keepLogsAround({ ...deps, shelf }, execute),
    list: (serviceId) => shelf.list(serviceId),
    sweep: () =>
      void shelf.sweep(deps.services.ids()).catch((error: unknown) => {
        deps.log.warn({ err: error }, 'kept logs cannot be cleared up');
      }),
  };
}
