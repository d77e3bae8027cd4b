// What is not done to one member of a set by itself: its set would want it otherwise, and undo it with the next rollout.
import { LongshoreError } from '#shared/errors.ts';
import type { ServiceRecord } from '../../store/records.ts';
import type { Stores } from '../../store/stores.ts';
import { isWanted } from './rollout-facts.ts';

/** Throws `state_conflict` that names the set. `what`: `changed`, `redeployed`. */
export function requireNoSet({ name, setId }: Pick<ServiceRecord, 'name' | 'setId'>, what: string): void {
  if (setId === null) return;
  throw new LongshoreError('state_conflict', {
    message: `Service "${name}" is a member of set ${setId}: it is not ${what} by itself`,
    details: `Change, redeploy or delete the set: /api/service-sets/${setId}. A member is started, stopped and restarted by itself.`,
  });
}

/** A member may go where its set wants none any more. */
export function requireRemovable(stores: Stores, service: ServiceRecord): void {
  const [place] = stores.hosts.places([service.hostId]);
  const set = service.setId === null ? undefined : stores.sets.find(service.setId);
  if (set && place && isWanted(place, set)) requireNoSet(service, 'deleted');
}
