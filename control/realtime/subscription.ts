// Which news one socket wants. Pure. It starts with everything but what is followed; the first subscription that names
// other types or services replaces that, later ones add to it, and `unsubscribe` takes away.
import { LIVE_TYPES, type LiveType } from '../app/api/live.ts';

/** What hosts tell of a service only while somebody wants it, and not over the bus. */
export const FOLLOWED_TYPES = ['service.logs', 'service.stats'] as const;
export type FollowedType = (typeof FOLLOWED_TYPES)[number];
export const isFollowed = (type: LiveType): type is FollowedType => FOLLOWED_TYPES.some((each) => each === type);

export type EventType = Exclude<LiveType, FollowedType>;
export const isEvent = (type: LiveType): type is EventType => !isFollowed(type);
export const EVENT_TYPES = LIVE_TYPES.filter(isEvent);

/** Enough for a page full of services; a client that wants more wants all. */
const MAX_ENTRIES = 1000;
const ALL = '*';

export class Subscription {
  #isDefault = true;
  readonly #entries = new Set<string>(EVENT_TYPES.map((type) => toEntry(type, ALL)));

  wants(type: EventType, serviceId: string | undefined): boolean {
    if (this.#entries.has(toEntry(type, ALL))) return true;
    return serviceId !== undefined && this.#entries.has(toEntry(type, serviceId));
  }

  /** No ids: of all services. False when there is no room. */
  add(types: readonly EventType[], serviceIds: readonly string[] | undefined): boolean {
    if (this.#isDefault) this.#entries.clear();
    this.#isDefault = false;
    if (this.#entries.size + types.length * (serviceIds?.length ?? 1) > MAX_ENTRIES) return false;
    for (const entry of toEntries(types, serviceIds)) this.#entries.add(entry);
    return true;
  }

  /** No ids: all that was wanted of these types, whatever service. */
  remove(types: readonly EventType[], serviceIds: readonly string[] | undefined): void {
    this.#isDefault = false;
    const isGone = serviceIds
      ? (entry: string) => toEntries(types, serviceIds).includes(entry)
      : (entry: string) => types.some((type) => entry.startsWith(`${type} `));
    for (const entry of this.#entries) if (isGone(entry)) this.#entries.delete(entry);
  }
}

const toEntry = (type: EventType, serviceId: string) => `${type} ${serviceId}`;
const toEntries = (types: readonly EventType[], serviceIds: readonly string[] = [ALL]) =>
  types.flatMap((type) => serviceIds.map((id) => toEntry(type, id)));
