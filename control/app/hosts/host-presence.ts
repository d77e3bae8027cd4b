// Tells in the timeline when a host goes away. Its return is told where it connects (agents/registry.ts); both remember
// what was told last, so a link that breaks for a moment, and our own restart, are no news.
import type { Clock } from '#shared/time.ts';
import type { Stores } from '../../store/stores.ts';
import type { HostLinks } from './host-links.ts';

/** Most agents are back after one or two tries to connect. */
const AWAY_MS = 20_000;
/** After our own start every agent has to come back first; ten thousand of them take a while. */
const START_GRACE_MS = 120_000;

export interface HostPresenceDeps {
  stores: Stores;
  links: Pick<HostLinks, 'isConnected'>;
  clock: Clock;
}

export class HostPresence {
  readonly #deps: HostPresenceDeps;
  readonly #startedAt: number;

  constructor(deps: HostPresenceDeps) {
    this.#deps = deps;
    this.#startedAt = deps.clock.now();
  }

  /** Safe to run at any time and twice. */
  async sweep(): Promise<void> {
    const { stores, clock } = this.#deps;
    const now = clock.now();
    if (now < this.#startedAt + START_GRACE_MS) return;
    const gone = stores.hosts.toldOnline().filter(({ id, lastSeenAt }) => {
      return !this.#deps.links.isConnected(id) && (lastSeenAt ?? 0) + AWAY_MS <= now;
    });
    if (gone.length > 0) await stores.writer.write(() => gone.forEach((host) => this.#tellOffline(host, now)));
  }

  #tellOffline({ id, name }: { id: string; name: string }, at: number): void {
    const { stores, links } = this.#deps;
    if (links.isConnected(id) || !stores.hosts.setOnline(id, false)) return;
    const message = `Host "${name}" is not connected any more; what runs there runs on`;
    stores.events.insert({ hostId: id, type: 'host', status: 'offline', message, at });
  }
}
