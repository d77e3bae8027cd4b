// Which hosts a set is for, in the order in which their turns come: those that are connected, members before newcomers.
import { LongshoreError } from '#shared/errors.ts';
import type { HostPlace } from '../../store/hosts.ts';
import type { SetRecord } from '../../store/set-records.ts';
import type { Stores } from '../../store/stores.ts';
import type { HostLinks } from '../hosts/host-links.ts';
import { isWanted } from './rollout-facts.ts';

/** Each is a row and a job of a rollout, and all of them are one page of the set. */
export const MAX_HOSTS = 1000;

/** Throws `no_host` when there is none, or too many for a new set; one that has members keeps to as many as may be. */
export function chooseHosts(
  stores: Stores,
  links: Pick<HostLinks, 'isConnected'>,
  set: Pick<SetRecord, 'id' | 'hostLabels'>,
): HostPlace[] {
  const members = new Set(stores.services.ofSet(set.id).map(({ hostId }) => hostId));
  const isMeant = (place: HostPlace) => isWanted(place, set) && (place.cordonedAt === null || members.has(place.id));
  const hosts = stores.hosts.places().filter(isMeant);
  if (hosts.length === 0) {
    const wanted = Object.entries(set.hostLabels).map(([name, value]) => `${name}=${value}`);
    throw new LongshoreError('no_host', {
      message: `No host has the labels ${wanted.join(', ')}`,
      details: 'Add a host with them, or ask for other labels in placement.labels.',
    });
  }
  if (hosts.length > MAX_HOSTS && members.size === 0) {
    throw new LongshoreError('no_host', {
      message: `A set is for at most ${MAX_HOSTS} hosts: ${hosts.length} have these labels`,
      details: 'Ask for more labels in placement.labels, and make several sets.',
    });
  }
  const isNew = ({ id }: HostPlace): number => (members.has(id) ? 0 : 1);
  const meant = hosts.toSorted((a, b) => isNew(a) - isNew(b)).slice(0, MAX_HOSTS);
  const rank = (host: HostPlace): number => (links.isConnected(host.id) ? 0 : 2) + isNew(host);
  return meant.toSorted((a, b) => rank(a) - rank(b)); // by name within
}
