// Backups as the app layer offers them. The data is on the host; an API call never carries any of it.
import type { BackupState } from '#shared/backup.ts';
import type { ChosenSettings } from '../../store/backup-settings.ts';
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

export interface BackupOrder {
  /** Null: on its host. Absent: where backups of the service go. */
  repositoryId?: string | null | undefined;
}

export interface NewFromBackup {
  name: string;
  /** Absent: the host where the backup was taken. */
  hostId?: string | undefined;
}

/** As a user chooses them, whole. */
export type BackupSettingsInput = Omit<ChosenSettings, 'updatedAt'>;
export interface ShownBackupSettings extends ChosenSettings {
  /** Where backups go; null: on its host. */
  usedRepositoryId: string | null;
}

export interface BackupSettingsDesk {
  show(caller: Caller, serviceId: string): ShownBackupSettings;
  /** Its host is told, now or when it is back. */
  put(caller: Caller, serviceId: string, input: BackupSettingsInput): Promise<ShownBackupSettings>;
}

export interface DownloadedBackup {
  /** What a file of it is called. */
  name: string;
  /** Must be taken or left, so that its host is let go. */
  bytes: AsyncIterable<Uint8Array>;
}

export interface BackupDownloads {
  /** A tar of all, or one of its dumps. Throws forbidden without `secrets.read`, rate_limited, host_offline, not_found. */
  open(caller: Caller, id: string, dump: string | null): Promise<DownloadedBackup>;
}

export interface Backups {
  /** Written before it returns; the work is a job. 409 service_busy, host_offline, customer_suspended. */
  create(caller: Caller, serviceId: string, order?: BackupOrder): Promise<Backup>;
  /** Also those whose service is gone. */
  list(caller: Caller, query: BackupQuery): Page<Backup>;
  /** Throws not_found without such a service. */
  listOf(caller: Caller, serviceId: string, query: BackupQuery): Page<Backup>;
  require(caller: Caller, id: string): Backup;
  /**
   * Into place: the volumes of its service get what they had then, or those of the one that is named. 409 state_conflict
   * for a backup that did not succeed, whose service is gone, or that the host cannot reach.
   */
  restore(caller: Caller, id: string, intoId?: string): Promise<{ backup: Backup; serviceId: string; jobId: string }>;
  /** Beside: a new service whose volumes begin with what the backup holds, also when its own is gone. */
  restoreAs(caller: Caller, id: string, asked: NewFromBackup): Promise<{ serviceId: string; jobId: string }>;
  /** Tries it out in a scratch copy of its service; the job's end says how it went. */
  drill(caller: Caller, id: string): Promise<{ backup: Backup; jobId: string }>;
  /** Like the removal of a service: `isDone: false` when the host is away or the wait was over. */
  remove(caller: Caller, id: string, waitMs: number): Promise<{ job: Job; isDone: boolean }>;
}
