// Which news one socket wants. Pure. It starts with everything but logs; the first subscription that names other types
// or services replaces that, later ones add to it, and `unsubscribe` takes away.
import { LIVE_TYPES, type LiveType } from '../app/api/live.ts';

export type EventType = Exclude<LiveType, 'service.logs'>;
export const EVENT_TYPES = LIVE_TYPES.filter((type): type is EventType => type !== 'service.logs');

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
