// Services brought to a standstill and back, whoever wants it: their customer was suspended, their host is drained. What
// is to be done is decided elsewhere (customers/suspension-plan.ts). The jobs never expire: a host that is away stops, or
// starts, what it has when it returns.
import { isBackupKind } from '#shared/backup.ts';
import type { Clock } from '#shared/time.ts';
import type { JobRecord, ServiceRecord } from '../../store/records.ts';
import type { Stores, WriteContext } from '../../store/stores.ts';
import type { SuspendStep } from '../customers/suspension-plan.ts';
import type { JobCancels } from '../jobs/job-cancels.ts';
import type { JobEnds } from '../jobs/job-ends.ts';
import type { JobStarts } from '../jobs/job-starts.ts';

export interface StandstillDeps {
  stores: Stores;
  starts: JobStarts;
  ends: JobEnds;
  cancels: JobCancels;
  clock: Clock;
}

/** In the jobs and in the timeline; in the status of a service that its host never heard of. */
export interface StandstillCause {
  cause: string;
  reason: string;
}

export class Standstill {
  readonly #deps: StandstillDeps;

  constructor(deps: StandstillDeps) {
    this.#deps = deps;
  }

  /** Returns the job that stops it; none where nothing is left to stop. */
  halt(tx: WriteContext, service: ServiceRecord, action: SuspendStep['action'], why: StandstillCause): string[] {
    if (action === 'leave') return [];
    const { stores, cancels, starts } = this.#deps;
    // A backup or restore is let through, and the stop waits for it: half of the data put back would be lost data.
    for (const job of stores.jobs.openOfService(service.id)) {
      if (!isBackupKind(job.kind)) cancels.cancel(tx, job, 'superseded');
    }
    if (action === 'stop') {
      return [starts.start(tx, service, { kind: 'stop', pull: null, expiresAt: null, cause: why.cause })];
    }
    this.#noteStopped(tx, service, why);
    return [];
  }

  /** Returns the job that brings it back. */
  bringBack(tx: WriteContext, service: ServiceRecord, kind: 'start' | 'deploy', cause: string): string {
    const { stores, starts } = this.#deps;
    this.#callOffStops(tx, stores.jobs.openOfService(service.id));
    if (kind === 'deploy') this.#setStatus(tx, service, { lifecycle: 'deploying', reason: null });
    const pull = kind === 'deploy' ? 'missing' : null;
    return starts.start(tx, service, { kind, pull, expiresAt: null, cause });
  }

  /** One that was not sent yet never happens; one that was is followed by what brings the service back. */
  #callOffStops(tx: WriteContext, open: readonly JobRecord[]): void {
    for (const job of open) if (job.kind === 'stop') this.#deps.cancels.cancel(tx, job, 'superseded');
  }

  /** Its host never heard of it: there is nothing to stop. */
  #noteStopped(tx: WriteContext, service: ServiceRecord, { cause, reason }: StandstillCause): void {
    const { stores, clock } = this.#deps;
    const { id, hostId } = service;
    this.#setStatus(tx, service, { lifecycle: 'stopped', reason });
    const message = `Stopped: ${cause}`;
    stores.events.insert({ serviceId: id, hostId, type: 'stop', status: 'success', message, at: clock.now() });
  }

  #setStatus(tx: WriteContext, service: ServiceRecord, status: Pick<ServiceRecord, 'lifecycle' | 'reason'>): void {
    const now = this.#deps.stores.services.find(service.id) ?? service; // calling jobs off may have changed it
    this.#deps.ends.setStatus(tx, now, { ...now, ...status }, this.#deps.clock.now());
  }
}
