// Backups: taken, restored and deleted by jobs on the host that has them. A row here follows its job (job-ends.ts).
import { LongshoreError } from '#shared/errors.ts';
import { newId } from '#shared/ids.ts';
import { isJobEnd } from '#shared/jobs.ts';
import type { Clock } from '#shared/time.ts';
import type { BackupRecord } from '../store/records.ts';
import type { Stores } from '../store/stores.ts';
import type { Access } from './access/access.ts';
import type { Backup, BackupQuery, Backups } from './api/backups.ts';
import type { Caller } from './api/caller.ts';
import type { Job, Jobs } from './api/jobs.ts';
import type { Page } from './api/page.ts';
import type { HostLinks } from './hosts/host-links.ts';
import type { IdempotencyDesk } from './idempotency.ts';
import { throwFailure } from './jobs/job-failure.ts';
import { missing } from './missing.ts';
import type { ServiceJobs } from './services/service-jobs.ts';

export interface BackupDeskDeps {
  stores: Stores;
  access: Access;
  effects: IdempotencyDesk;
  jobs: Jobs;
  serviceJobs: ServiceJobs;
  links: HostLinks;
  clock: Clock;
}

export class BackupDesk implements Backups {
  readonly #deps: BackupDeskDeps;

  constructor(deps: BackupDeskDeps) {
    this.#deps = deps;
  }

  async create(caller: Caller, serviceId: string): Promise<Backup> {
    const { stores, access, effects, serviceJobs, clock } = this.#deps;
    const { id } = await effects.perform(() => (tx) => {
      const now = clock.now();
      const backupId = newId('bkp', now);
      const { name, customerId, hostId } = access.requireService(caller, serviceId);
      const jobId = serviceJobs.aboutBackup(tx, caller, serviceId, { kind: 'backup', backupId });
      const about = { serviceId, serviceName: name, customerId, hostId };
      stores.backups.insert({ id: backupId, ...about, jobId, createdAt: now });
      return { id: backupId, jobId };
    });
    return this.#find(id);
  }

  list(caller: Caller, query: BackupQuery): Page<Backup> {
    const { stores, access } = this.#deps;
    const { items, total } = stores.backups.list({ ...query, visibility: access.visibility(caller) });
    return { items, total, page: query.page, perPage: query.perPage };
  }

  listOf(caller: Caller, serviceId: string, query: BackupQuery): Page<Backup> {
    this.#deps.access.requireService(caller, serviceId);
    return this.list(caller, { ...query, serviceId });
  }

  require(caller: Caller, id: string): Backup {
    return this.#deps.access.requireBackup(caller, id);
  }

  async restore(caller: Caller, id: string): Promise<{ backup: Backup; jobId: string }> {
    const { access, effects, serviceJobs } = this.#deps;
    const { jobId } = await effects.perform(() => (tx) => {
      const backup = access.requireBackup(caller, id);
      this.#requireRestorable(backup);
      const order = { kind: 'restore' as const, backupId: id };
      return { id, jobId: serviceJobs.aboutBackup(tx, caller, backup.serviceId, order) };
    });
    return { backup: this.#find(id), jobId };
  }

  async remove(caller: Caller, id: string, waitMs: number): Promise<{ job: Job; isDone: boolean }> {
    const { access, effects, serviceJobs, jobs, links } = this.#deps;
    const { jobId, hostId } = await effects.perform(() => (tx) => {
      const backup = access.requireBackup(caller, id);
      return { id, hostId: backup.hostId, jobId: serviceJobs.forgetBackup(tx, backup) };
    });
    // A host that is away answers when it returns; nobody waits for that.
    const job = await jobs.wait(jobId, links.isConnected(hostId) ? waitMs : 0);
    throwFailure(job);
    return { job, isDone: isJobEnd(job.state) };
  }

  #requireRestorable({ id, state, serviceId, serviceName }: BackupRecord): void {
    const refuse = (why: string) =>
      new LongshoreError('state_conflict', { message: `Cannot restore backup "${id}": ${why}` });
    if (state !== 'succeeded') throw refuse(`it is ${state}`);
    if (!this.#deps.stores.services.find(serviceId)) throw refuse(`its service "${serviceName}" is gone`);
  }

  #find(id: string): Backup {
    const backup = this.#deps.stores.backups.find(id);
    if (!backup) throw missing('backup', id);
    return backup;
  }
}
