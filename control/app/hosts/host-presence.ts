// Tells in the timeline when a host goes away: alone, or with others, and then as one incident. Its return is told where
// it connects (agents/registry.ts); both remember what was told last, so a link that breaks for a moment, and our own
// restart, are no news.
import type { Clock } from '#shared/time.ts';
import type { Stores, WriteContext } from '../../store/stores.ts';
import type { IncidentLog } from '../incidents/incident-log.ts';
import { Losses } from '../incidents/losses.ts';
import { judgeAbsences, type Loss } from '../incidents/mass-disconnect.ts';
import type { HostLinks } from './host-links.ts';

/** After our own start every agent has to come back first; ten thousand of them take a while. */
const START_GRACE_MS = 120_000;
/** Both machines of a pair come back when the fence opens, the later one up to 64 s after the other (agent/link/backoff.ts). */
const ALONE_MS = 90_000;

/** Bounds how long one write holds the event loop: all hosts may be gone. */
const HOSTS_A_WRITE = 200;

export interface HostPresenceDeps {
  stores: Stores;
  links: Pick<HostLinks, 'isConnected' | 'connectedAt'>;
  incidents: IncidentLog;
  clock: Clock;
}

export class HostPresence {
  readonly #deps: HostPresenceDeps;
  readonly #losses: Losses;
  readonly #startedAt: number;

  constructor(deps: HostPresenceDeps) {
    this.#deps = deps;
    this.#losses = new Losses(deps.clock);
    this.#startedAt = deps.clock.elapsed();
  }

  /** Safe to run at any time and twice. */
  async sweep(): Promise<void> {
    const { stores, clock } = this.#deps;
    const now = clock.now();
    const settled = this.#settled(now);
    if (settled.length > 0) await stores.writer.write((tx) => this.#settle(tx, settled, now));
    if (clock.elapsed() < this.#startedAt + START_GRACE_MS) return;
    const { together, alone } = this.#judge(now);
    const incidentId = together.length > 0 ? await stores.writer.write(() => this.#noteLost(together, now)) : null;
    await this.#tellAll(together, incidentId, now);
    await this.#tellAll(alone, null, now);
  }

  #judge(now: number) {
    const { stores } = this.#deps;
    const told = stores.hosts.toldOnline();
    const open = stores.incidents.findOpen('hosts.mass_disconnect');
    const gone = this.#losses.date(told.filter(({ id }) => this.#isGone(id)));
    const latestLossAt = open ? stores.incidents.latestLoss(open.id) : null;
    return judgeAbsences({ told: told.length, gone, latestLossAt, now });
  }

  /** What comes and goes as two machines is told as that. */
  #isGone(hostId: string): boolean {
    const { links, incidents } = this.#deps;
    return !links.isConnected(hostId) && !incidents.hasConflict(hostId);
  }

  /** Null: all of them are back by now. */
  #noteLost(together: readonly Loss[], now: number): string | null {
    const lost = together.filter(({ hostId }) => this.#isGone(hostId));
    return lost.length > 0 ? this.#deps.incidents.noteLost(lost, now) : null;
  }

  async #tellAll(losses: readonly Loss[], incidentId: string | null, now: number): Promise<void> {
    for (let i = 0; i < losses.length; i += HOSTS_A_WRITE) {
      const some = losses.slice(i, i + HOSTS_A_WRITE);
      await this.#deps.stores.writer.write(() =>
        some.forEach(({ hostId }) => this.#tellOffline(hostId, incidentId, now)),
      );
    }
  }

  #tellOffline(hostId: string, incidentId: string | null, at: number): void {
    const { hosts, events } = this.#deps.stores;
    if (!this.#isGone(hostId) || !hosts.setOnline(hostId, false)) return;
    const message = `Host "${hosts.find(hostId)?.name ?? hostId}" is not connected any more; what runs there runs on`;
    events.insert({ hostId, type: 'host', status: 'offline', message, at, incidentId });
  }

  /** Fenced hosts that one machine has been for a while. */
  #settled(now: number): string[] {
    const { links, incidents } = this.#deps;
    const isAlone = (hostId: string) => (links.connectedAt(hostId) ?? now) + ALONE_MS <= now;
    return incidents.conflictingHosts().filter(isAlone);
  }

  #settle(tx: WriteContext, hostIds: readonly string[], now: number): void {
    for (const hostId of hostIds) this.#deps.incidents.settleConflict(tx, hostId, now);
  }
}
