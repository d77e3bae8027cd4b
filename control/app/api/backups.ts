// Backups as the app layer offers them. The data is on the host; an API call never carries any of it.
import type { BackupState } from '#shared/backup.ts';
import type { BackupRecord } from '../../store/records.ts';
import type { Caller } from './caller.ts';
import type { Job } from './jobs.ts';
import type { Order, Page, Paging } from './page.ts';

export type Backup = BackupRecord;

export interface BackupQuery extends Paging {
  serviceId?: string | undefined;
  state?: BackupState | undefined;
  /** By age. */
  order: Order;
}

export interface Backups {
  /** Written before it returns; the work is a job. 409 service_busy, host_offline, customer_suspended. */
  create(caller: Caller, serviceId: string): Promise<Backup>;
  /** Also those whose service is gone. */
  list(caller: Caller, query: BackupQuery): Page<Backup>;
  /** Throws not_found without such a service. */
  listOf(caller: Caller, serviceId: string, query: BackupQuery): Page<Backup>;
  require(caller: Caller, id: string): Backup;
  /** Into place: the service's volumes get what they had then. 409 state_conflict for a backup that did not succeed or whose service is gone. */
  restore(caller: Caller, id: string): Promise<{ backup: Backup; jobId: string }>;
  /** Like the removal of a service: `isDone: false` when the host is away or the wait was over. */
  remove(caller: Caller, id: string, waitMs: number): Promise<{ job: Job; isDone: boolean }>;
}
