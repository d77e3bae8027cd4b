// How a revision's containers were set up when it was recorded: what drift is measured by. Pure. It holds the values of
// variables and stays in the revision's folder, which is the agent's alone.
import type { LiveConfig, LiveContainer } from '../docker/live-container.ts';
import { SERVICE_LABEL } from '../docker/engine.ts';

export interface SnapshotContainer {
  id: string;
  service: string;
  name: string;
  imageId: string;
  /** The service whose label it carries; null for one that was taken over as it was. */
  owner: string | null;
  config: LiveConfig;
}

export type Snapshot = SnapshotContainer[];

/** Without those of `docker compose run`: somebody's errand, which ends by itself. */
export const snapshotOf = (containers: readonly LiveContainer[]): Snapshot =>
  containers
    .filter(({ isOneOff }) => !isOneOff)
    .map(({ id, service, name, imageId, labels, config }) => {
      return { id, service, name, imageId, owner: labels[SERVICE_LABEL] ?? null, config };
    });

/**
 * What to measure by after a deploy: a container that it made is as it should be; one that it kept should be as it was
 * recorded, whatever somebody has changed about it since.
 */
export function expectedAfter(before: Snapshot | undefined, live: Snapshot): Snapshot {
  const known = new Map(before?.map((one) => [one.id, one]));
  return live.map((one) => known.get(one.id) ?? one);
}
