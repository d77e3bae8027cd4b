// Emptying a host for a while: its enabled services are stopped, what they keep stays, and undoing it starts what ran.
// docs/decisions/0035-a-drain-stops-what-is-there.md tells why nothing is moved.
import type { HostRecord, ServiceRecord } from '../../store/records.ts';
import type { Stores, WriteContext } from '../../store/stores.ts';
import type { DrainedService, UndrainedService } from '../api/host-care.ts';
import { planResume, planSuspend } from '../customers/suspension-plan.ts';
import type { Standstill } from '../services/standstill.ts';
import { dataOf } from './data-of-service.ts';

export interface DrainDeps {
  stores: Stores;
  standstill: Standstill;
}

const DRAINED = { cause: 'host drained', reason: 'The host is drained' };
const UNDRAINED = 'host undrained';

export class Drains {
  readonly #deps: DrainDeps;

  constructor(deps: DrainDeps) {
    this.#deps = deps;
  }

  /** Stops what runs. What was stopped by an earlier drain is not marked anew: it does not run now. */
  empty(tx: WriteContext, { id }: HostRecord): DrainedService[] {
    return this.#deps.stores.services.ofHost(id).map((service) => this.#halt(tx, service));
  }

  /** Starts what was stopped, unless its customer is suspended: then resuming does. */
  fill(tx: WriteContext, { id }: HostRecord): UndrainedService[] {
    return this.#deps.stores.services.ofHost(id).flatMap((service) => this.#bringBack(tx, service) ?? []);
  }

  #halt(tx: WriteContext, service: ServiceRecord): DrainedService {
    const { stores, standstill } = this.#deps;
    const { id, name, hostId, isEnabled } = service;
    const data = dataOf(stores.services.requireSource(id).compose);
    if (!isEnabled) return { id, name, action: 'left', reason: 'It is disabled', jobId: null, data };
    const { from, action } = planSuspend(service, stores.jobs.openOfService(id));
    if (from !== null) stores.drains.put(id, hostId, from);
    if (action === 'leave') return { id, name, action: 'left', reason: 'It does not run', jobId: null, data };
    const [jobId = null] = standstill.halt(tx, service, action, DRAINED);
    return { id, name, action: jobId === null ? 'called_off' : 'stopping', reason: null, jobId, data };
  }

  #bringBack(tx: WriteContext, service: ServiceRecord): UndrainedService | undefined {
    const { stores, standstill } = this.#deps;
    const { id, name } = service;
    const suspendedFrom = stores.drains.find(id);
    if (suspendedFrom === null) return undefined;
    stores.drains.remove(id);
    const kind = planResume({ ...service, suspendedFrom }, stores.jobs.openOfService(id));
    if (kind === null) return { id, name, jobId: null };
    if (this.#isSuspended(service)) {
      stores.services.setSuspendedFrom(id, service.suspendedFrom ?? suspendedFrom);
      return { id, name, jobId: null };
    }
    return { id, name, jobId: standstill.bringBack(tx, service, kind, UNDRAINED) };
  }

  #isSuspended({ customerId }: ServiceRecord): boolean {
    const customer = customerId === null ? undefined : this.#deps.stores.customers.find(customerId);
    return typeof customer?.suspendedAt === 'number';
  }
}
