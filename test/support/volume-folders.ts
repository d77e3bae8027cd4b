// Who works on the folders of volumes, chosen by a test: the agent itself, which is root here, or the container that an
// agent makes which is not.
import { RestoreContainers } from '../../agent/backup/folders/contained-folders.ts';
import { ownFolders } from '../../agent/backup/folders/own-folders.ts';
import type { OpenFolders } from '../../agent/backup/folders/volume-folders.ts';
import type { Engine } from '../../agent/docker/engine.ts';
import { silentLogger } from '#shared/log.ts';
import { systemClock } from '#shared/time.ts';

export const WORKERS = ['agent', 'container'] as const;
export type Worker = (typeof WORKERS)[number];

/** As one process of an agent has it; `dataDir` tells agents apart. */
export const restoreContainers = (engine: Engine, dataDir: string): RestoreContainers =>
  new RestoreContainers({ engine, dataDir, clock: systemClock, log: silentLogger() });

export const foldersBy = (worker: Worker, engine: Engine, dataDir: string): OpenFolders =>
  worker === 'agent' ? () => ownFolders : restoreContainers(engine, dataDir).open;
