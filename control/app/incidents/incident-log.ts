// One fault, one incident, however many hosts it takes: opens them, counts hosts in and back, ends them. What happens to
// a single host because of it goes to the timeline as a part of it (EventRecord.incidentId).
//
//   hosts.mass_disconnect     open while one of its hosts is away
//   host.identity_conflict    open until one of the machines is a host of its own, or the host was alone for a while
import { newId } from '#shared/ids.ts';
import type { IncidentKind } from '../../store/incidents.ts';
import type { Stores, WriteContext } from '../../store/stores.ts';
import { describeIncident } from './words.ts';
import { isSameFault, type Loss } from './mass-disconnect.ts';

export interface Machines {
  bootIds: readonly string[];
  addresses: readonly string[];
}

interface Conflict {
  incidentId: string;
  bootIds: readonly string[];
}

type Listener = (hostId: string) => void;

const CONFLICT = 'host.identity_conflict' satisfies IncidentKind;
const MASS = 'hosts.mass_disconnect' satisfies IncidentKind;

export class IncidentLog {
  readonly #stores: Stores;
  /** By host: asked for at every dispatch. */
  readonly #conflicts = new Map<string, Conflict>();
  readonly #onSettled = new Set<Listener>();

  constructor(stores: Stores) {
    this.#stores = stores;
    for (const { hostId, ...conflict } of stores.incidents.hostsWithOpen(CONFLICT))
      this.#conflicts.set(hostId, conflict);
  }

  /** Two machines are this host: it is given no work. */
  hasConflict(hostId: string): boolean {
    return this.#conflicts.has(hostId);
  }

  conflictingHosts(): string[] {
    return [...this.#conflicts.keys()];
  }

  /** Called after the commit that ends a conflict. */
  onSettled(listener: Listener): void {
    this.#onSettled.add(listener);
  }

  /** Hosts that went away together: a new incident, or more of the one that is open. Returns its id. */
  noteLost(losses: readonly Loss[], at: number): string {
    const { incidents } = this.#stores;
    const startedAt = Math.min(...losses.map((loss) => loss.at));
    const open = incidents.findOpen(MASS);
    const known = open && isSameFault(incidents.latestLoss(open.id), startedAt) ? open.id : undefined;
    const id = known ?? this.#insert(MASS, { bootIds: [], addresses: [] }, startedAt);
    for (const { hostId, at: lostAt } of losses) incidents.putHost(id, hostId, lostAt);
    if (known === undefined) this.#tell(id, 'opened', null, at);
    return id;
  }

  /** A host is here again. Returns the incident that it was away with. */
  noteBack(hostId: string, at: number): string | null {
    const { incidents } = this.#stores;
    const open = incidents.findOpenOf(hostId, MASS);
    if (!open || !incidents.setBack(open.id, hostId, at)) return null;
    if (!incidents.isAnyAway(open.id)) this.#end(open.id, null, at);
    return open.id;
  }

  /** Another pair of machines is another alert, and the same incident. */
  noteConflict(tx: WriteContext, hostId: string, machines: Machines, at: number): string {
    const { incidents } = this.#stores;
    const open = this.#conflicts.get(hostId);
    const known = open && incidents.find(open.incidentId);
    const bootIds = [...new Set([...(known?.bootIds ?? []), ...machines.bootIds])];
    const addresses = [...new Set([...(known?.addresses ?? []), ...machines.addresses])];
    const id = known?.id ?? this.#insert(CONFLICT, { bootIds, addresses }, at);
    incidents.setMachines(id, bootIds, addresses);
    incidents.putHost(id, hostId, at);
    this.#tell(id, 'opened', hostId, at);
    tx.afterCommit(() => this.#conflicts.set(hostId, { incidentId: id, bootIds }));
    return id;
  }

  /** A machine has come in as this host: another host that it was taken for has one machine less. */
  noteMachine(tx: WriteContext, hostId: string, bootId: string, at: number): void {
    for (const [other, { bootIds }] of this.#conflicts) {
      if (other !== hostId && bootIds.includes(bootId)) this.settleConflict(tx, other, at);
    }
  }

  settleConflict(tx: WriteContext, hostId: string, at: number): void {
    const open = this.#conflicts.get(hostId);
    if (!open) return;
    const { incidents, events, hosts } = this.#stores;
    incidents.setBack(open.incidentId, hostId, at);
    this.#end(open.incidentId, hostId, at);
    const message = `Host "${hosts.find(hostId)?.name ?? hostId}" is one machine again`;
    const { incidentId } = open;
    events.insert({ hostId, type: 'host', status: 'identity_settled', message, at, incidentId });
    tx.afterCommit(() => {
      this.#conflicts.delete(hostId);
      for (const listener of this.#onSettled) listener(hostId);
    });
  }

  /** The host was shut out: nothing is waited for. */
  dismiss(tx: WriteContext, hostId: string, at: number): void {
    this.noteBack(hostId, at);
    this.settleConflict(tx, hostId, at);
  }

  #insert(kind: IncidentKind, { bootIds, addresses }: Machines, startedAt: number): string {
    const id = newId('inc', startedAt);
    this.#stores.incidents.insert({ id, kind, bootIds: [...bootIds], addresses: [...addresses], startedAt });
    return id;
  }

  #end(id: string, hostId: string | null, at: number): void {
    this.#stores.incidents.end(id, at);
    this.#tell(id, 'resolved', hostId, at);
  }

  #tell(id: string, status: 'opened' | 'resolved', hostId: string | null, at: number): void {
    const { incidents, events } = this.#stores;
    const incident = incidents.find(id);
    if (!incident) return;
    const message = describeIncident(incident);
    events.insert({ hostId, type: 'incident', status, message, at, incidentId: id });
  }
}
