// Suspending a customer stops its services and keeps their data; resuming brings back exactly what ran. Either is one
// write: marks, jobs, events and commands together, so that a crash leaves all of it or nothing. The jobs never expire:
// a host that is away stops, or starts, what it has when it returns.
//
// Done again, both look at what is there now and do what is still to do. Marks are made by the first suspension only:
// what was started by hand since did not run then.
import { isBackupKind } from '#shared/backup.ts';
import type { Clock } from '#shared/time.ts';
import type { CustomerRecord } from '../../store/customer-records.ts';
import type { JobRecord, ServiceRecord } from '../../store/records.ts';
import type { Stores, WriteContext } from '../../store/stores.ts';
import type { JobCancels } from '../jobs/job-cancels.ts';
import type { JobEnds } from '../jobs/job-ends.ts';
import type { JobStarts } from '../jobs/job-starts.ts';
import { respreadStarts } from '../schedules/spread.ts';
import { planResume, planSuspend } from './suspension-plan.ts';

export interface SuspensionDeps {
  stores: Stores;
  starts: JobStarts;
  ends: JobEnds;
  cancels: JobCancels;
  clock: Clock;
}

const SUSPENDED = 'customer suspended';
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
    const { stores, cancels, starts } = this.#deps;
    const open = stores.jobs.openOfService(service.id);
    const { from, action } = planSuspend(service, open);
    if (isFirst) {
      stores.services.setSuspendedFrom(service.id, from);
      this.#tell(service, { type: 'service', status: 'suspended', message: 'Its customer was suspended' });
    }
    if (action === 'leave') return [];
    // A backup or restore is let through, and the stop waits for it: half of the data put back would be lost data.
    for (const job of open) if (!isBackupKind(job.kind)) cancels.cancel(tx, job, 'superseded');
    if (action === 'stop') {
      return [starts.start(tx, service, { kind: 'stop', pull: null, expiresAt: null, cause: SUSPENDED })];
    }
    this.#noteStopped(tx, service);
    return [];
  }

  #bringBack(tx: WriteContext, service: ServiceRecord): string[] {
    const { stores, starts } = this.#deps;
    const open = stores.jobs.openOfService(service.id);
    const kind = planResume(service, open);
    stores.services.setSuspendedFrom(service.id, null);
    this.#tell(service, { type: 'service', status: 'resumed', message: 'Its customer was resumed' });
    if (kind === null) return [];
    this.#callOffStops(tx, open);
    if (kind === 'deploy') this.#setStatus(tx, service, { lifecycle: 'deploying', reason: null });
    const pull = kind === 'deploy' ? 'missing' : null;
    return [starts.start(tx, service, { kind, pull, expiresAt: null, cause: RESUMED })];
  }

  /** One that was not sent yet never happens; one that was is followed by what brings the service back. */
  #callOffStops(tx: WriteContext, open: readonly JobRecord[]): void {
    for (const job of open) if (job.kind === 'stop') this.#deps.cancels.cancel(tx, job, 'superseded');
  }

  /** Its host never heard of it: there is nothing to stop. */
  #noteStopped(tx: WriteContext, service: ServiceRecord): void {
    this.#setStatus(tx, service, { lifecycle: 'stopped', reason: 'The customer is suspended' });
    this.#tell(service, { type: 'stop', status: 'success', message: `Stopped: ${SUSPENDED}` });
  }

  #tell({ id, hostId }: ServiceRecord, event: { type: string; status: string; message: string }): void {
    const { stores, clock } = this.#deps;
    stores.events.insert({ serviceId: id, hostId, ...event, at: clock.now() });
  }

  #setStatus(tx: WriteContext, service: ServiceRecord, status: Pick<ServiceRecord, 'lifecycle' | 'reason'>): void {
    const now = this.#deps.stores.services.find(service.id) ?? service; // calling jobs off may have changed it
    this.#deps.ends.setStatus(tx, now, { ...now, ...status }, this.#deps.clock.now());
  }
}
