// Drift of one service: its containers and the files of its folder beside its good revision. Looks, changes nothing.
import type { DriftState } from '#shared/model.ts';
import type { Engine } from '../docker/engine.ts';
import { loadRevision, type Revision } from '../deploy/revisions/revisions.ts';
import { Workspace } from '../deploy/workspace.ts';
import type { ServiceRecord } from '../state/services.ts';
import { compareContainers, type DriftedContainer } from './compare.ts';
import { findDriftedFiles, type DriftedFile } from './files.ts';
import { snapshotOf, type Snapshot } from './snapshot.ts';

export interface Drift {
  /** `unknown`: there is no good revision, or its containers were never recorded. */
  state: DriftState;
  revision: number | null;
  services: DriftedContainer[];
  files: DriftedFile[];
}

export interface DriftDeps {
  dataDir: string;
  engine: Pick<Engine, 'describeProject'>;
}

/** What was compared. */
export interface Found extends Drift {
  live: Snapshot;
  good: Revision | undefined;
}

/** Throws `docker_unavailable`. */
export async function findDrift(
  { dataDir, engine }: DriftDeps,
  { spec, goodRevision }: Pick<ServiceRecord, 'spec' | 'goodRevision'>,
): Promise<Found> {
  const workspace = new Workspace(dataDir, spec.name);
  const [good, live] = await Promise.all([
    goodRevision === null ? undefined : loadRevision(workspace, goodRevision),
    engine.describeProject(spec.name).then(snapshotOf),
  ]);
  const own = good?.meta.serviceId === spec.id ? good : undefined;
  if (!own?.live) return { state: 'unknown', revision: goodRevision, services: [], files: [], live, good: own };
  const services = compareContainers(own.live, live);
  const files = await findDriftedFiles(workspace, own.sources);
  const state = services.length + files.length === 0 ? 'in_sync' : 'drifted';
  return { state, revision: goodRevision, services, files, live, good: own };
}
