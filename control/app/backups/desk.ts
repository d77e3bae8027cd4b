// Backups: taken, restored and deleted by jobs on the host that has them. A row here follows its job (job-ends.ts).
import { parseRepositoryUrl } from '#shared/backup-url.ts';
import { LongshoreError } from '#shared/errors.ts';
import { newId } from '#shared/ids.ts';
import { isJobEnd } from '#shared/jobs.ts';
import type { Clock } from '#shared/time.ts';
import type { BackupRecord, ServiceRecord } from '../../store/records.ts';
import type { Stores } from '../../store/stores.ts';
import type { Access } from '../access/access.ts';
import { holds } from '../access/permissions.ts';
import type { Backup, BackupOrder, BackupQuery, Backups, NewFromBackup } from '../api/backups.ts';
import type { Caller } from '../api/caller.ts';
import type { Job, Jobs } from '../api/jobs.ts';
import type { Page } from '../api/page.ts';
import type { HostLinks } from '../hosts/host-links.ts';
import type { IdempotencyDesk } from '../idempotency.ts';
import { throwFailure } from '../jobs/job-failure.ts';
import { missing } from '../missing.ts';
import { insertService, newRecord, type CreateDeps } from '../services/create-service.ts';
import type { ServiceJobs } from '../services/service-jobs.ts';
import { noteBackup } from './note.ts';
import { requireUsable } from './settings.ts';
import { repositoryOf } from './spread.ts';

export interface BackupDeskDeps {
  stores: Stores;
  access: Access;
  effects: IdempotencyDesk;
  jobs: Jobs;
  serviceJobs: ServiceJobs;
  create: CreateDeps;
  links: HostLinks;
  clock: Clock;
}

export class BackupDesk implements Backups {
  readonly #deps: BackupDeskDeps;

  constructor(deps: BackupDeskDeps) {
    this.#deps = deps;
  }

  async create(caller: Caller, serviceId: string, { repositoryId: asked }: BackupOrder = {}): Promise<Backup> {
    const { stores, access, effects, serviceJobs, clock } = this.#deps;
    const { id } = await effects.perform(() => (tx) => {
      const now = clock.now();
      const backupId = newId('bkp', now);
      const service = access.requireService(caller, serviceId);
      if (typeof asked === 'string') requireUsable(access, caller, service, asked);
      const repositoryId = asked === undefined ? (repositoryOf(stores, service)?.id ?? null) : asked;
      const jobId = serviceJobs.aboutBackup(tx, caller, serviceId, { kind: 'backup', backupId, repositoryId });
      noteBackup(stores, service, { id: backupId, jobId, repositoryId, createdAt: now });
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

  async restore(
    caller: Caller,
    id: string,
    intoId?: string,
  ): Promise<{ backup: Backup; serviceId: string; jobId: string }> {
    const { access, effects, serviceJobs } = this.#deps;
    const { serviceId, jobId } = await effects.perform(() => (tx) => {
      const backup = access.requireBackup(caller, id);
      const serviceId = intoId ?? backup.serviceId;
      this.#requireWhole(backup);
      this.#requireReachable(backup, this.#requireTarget(caller, backup, serviceId).hostId);
      return {
        id,
        serviceId,
        jobId: serviceJobs.aboutBackup(tx, caller, serviceId, { kind: 'restore', backupId: id }),
      };
    });
    return { backup: this.#find(id), serviceId, jobId };
  }

  drill(caller: Caller, id: string): Promise<{ backup: Backup; jobId: string }> {
    const { access, effects, serviceJobs } = this.#deps;
    return effects.perform(() => (tx) => {
      const backup = access.requireBackup(caller, id);
      this.#requireWhole(backup);
      this.#requireReachable(backup, this.#requireTarget(caller, backup, backup.serviceId).hostId);
      const jobId = serviceJobs.aboutBackup(tx, caller, backup.serviceId, { kind: 'drill', backupId: id });
      return { id, backup, jobId };
    });
  }

  /** Everything is as it was then but the name, the host and what its customer's plan allots now. */
  async restoreAs(
    caller: Caller,
    id: string,
    { name, hostId }: NewFromBackup,
  ): Promise<{ serviceId: string; jobId: string }> {
    const { stores, access, effects, create, clock } = this.#deps;
    return effects.perform(() => {
      requireServicesCreate(caller);
      const backup = access.requireBackup(caller, id);
      this.#requireWhole(backup);
      const kept = stores.backups.findKept(id);
      if (!kept) throw refuse(id, 'it is of an older version, which did not keep what its service was');
      const host = access.requireHost(caller, hostId ?? backup.hostId);
      this.#requireReachable(backup, host.id);
      const fields = { ...kept.service, name, customerId: backup.customerId, hostId: host.id, setId: null };
      const draft = newRecord(clock.now(), fields);
      const order = { limits: undefined, pull: 'missing' as const, madeBy: caller.name, backupId: id };
      return (tx) => {
        const made = insertService(create, tx, draft, kept.source, order);
        return { id: made.serviceId, ...made };
      };
    });
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

  #requireWhole({ id, state }: BackupRecord): void {
    if (state !== 'succeeded') throw refuse(id, `it is ${state}`);
  }

  /** Throws state_conflict where the backup's own service is gone, not_found for another one. */
  #requireTarget(caller: Caller, { id, serviceId, serviceName }: BackupRecord, intoId: string): ServiceRecord {
    const isGone = intoId === serviceId && !this.#deps.stores.services.find(serviceId);
    if (isGone) throw refuse(id, `its service "${serviceName}" is gone`);
    return this.#deps.access.requireService(caller, intoId);
  }

  /** What lies on a host's own disk is nowhere else. */
  #requireReachable({ id, hostId, repositoryId }: BackupRecord, targetHostId: string): void {
    const { hosts, backupRepositories } = this.#deps.stores;
    const url = repositoryId === null ? undefined : backupRepositories.find(repositoryId)?.url;
    const isOnHost = url === undefined || parseRepositoryUrl(url).kind === 'local';
    if (isOnHost && hostId !== targetHostId)
      throw refuse(id, `it lies on host "${hosts.find(hostId)?.name ?? hostId}"`);
  }

  #find(id: string): Backup {
    const backup = this.#deps.stores.backups.find(id);
    if (!backup) throw missing('backup', id);
    return backup;
  }
}

const refuse = (id: string, why: string): LongshoreError =>
  new LongshoreError('state_conflict', { message: `Cannot restore backup "${id}": ${why}` });

function requireServicesCreate(caller: Caller): void {
  if (holds(caller.permissions, 'services.create')) return;
  throw new LongshoreError('forbidden', { message: 'A service from a backup needs services.create' });
}
