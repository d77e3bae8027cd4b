// Suspending a customer stops its services and keeps their data; resuming brings back exactly what ran. Either is one
// write: marks, jobs, events and commands together, so that a crash leaves all of it or nothing.
//
// Done again, both look at what is there now and do what is still to do. Marks are made by the first suspension only:
// what was started by hand since did not run then.
import type { Clock } from '#shared/time.ts';
import type { CustomerRecord } from '../../store/customer-records.ts';
import type { ServiceRecord } from '../../store/records.ts';
import type { Stores, WriteContext } from '../../store/stores.ts';
import { respreadStarts } from '../schedules/spread.ts';
import type { Standstill } from '../services/standstill.ts';
import { planResume, planSuspend } from './suspension-plan.ts';

export interface SuspensionDeps {
  stores: Stores;
  standstill: Standstill;
  clock: Clock;
}

const SUSPENDED = { cause: 'customer suspended', reason: 'The customer is suspended' };
const RESUMED = 'customer resumed';

export class Suspension {
  readonly #deps: SuspensionDeps;

  constructor(deps: SuspensionDeps) {
    this.#deps = deps;
  }

  /** Returns the jobs that stop its services. */
  suspend(tx: WriteContext, customer: CustomerRecord): string[] {
    const { stores, clock } = this.#deps;
    const isFirst = customer.suspendedAt === null;
    if (isFirst) {
      const now = clock.now();
      stores.customers.update({ ...customer, suspendedAt: now, updatedAt: now });
      respreadStarts(stores, now);
    }
    return stores.services.ofCustomer(customer.id).flatMap((service) => this.#halt(tx, service, isFirst));
  }

  /** Returns the jobs that bring its services back. */
  resume(tx: WriteContext, customer: CustomerRecord): string[] {
    const { stores, clock } = this.#deps;
    if (customer.suspendedAt === null) return [];
    stores.customers.update({ ...customer, suspendedAt: null, updatedAt: clock.now() });
    respreadStarts(stores, clock.now());
    return stores.services.ofCustomer(customer.id).flatMap((service) => this.#bringBack(tx, service));
  }

  #halt(tx: WriteContext, service: ServiceRecord, isFirst: boolean): string[] {
    const { stores, standstill } = this.#deps;
    const { from, action } = planSuspend(service, stores.jobs.openOfService(service.id));
    if (isFirst) {
      stores.services.setSuspendedFrom(service.id, from);
      this.#tell(service, { type: 'service', status: 'suspended', message: 'Its customer was suspended' });
    }
    return standstill.halt(tx, service, action, SUSPENDED);
  }

  #bringBack(tx: WriteContext, service: ServiceRecord): string[] {
    const { stores, standstill } = this.#deps;
    const kind = planResume(service, stores.jobs.openOfService(service.id));
    stores.services.setSuspendedFrom(service.id, null);
    this.#tell(service, { type: 'service', status: 'resumed', message: 'Its customer was resumed' });
    if (kind === null) return [];
    if (typeof stores.hosts.find(service.hostId)?.drainedAt === 'number') {
      stores.drains.put(service.id, service.hostId, service.suspendedFrom ?? 'running'); // with the rest of its host
      return [];
    }
    return [standstill.bringBack(tx, service, kind, RESUMED)];
  }

  #tell({ id, hostId }: ServiceRecord, event: { type: string; status: string; message: string }): void {
    const { stores, clock } = this.#deps;
    stores.events.insert({ serviceId: id, hostId, ...event, at: clock.now() });
  }
}
