// Repositories for backups as the app layer offers them. Nobody is given what opens one, but who has just made it.
import type { BackupRepositoryRecord } from '../../store/customer-records.ts';
import type { Caller } from './caller.ts';
import type { Order, Page, Paging } from './page.ts';

export type BackupRepository = BackupRepositoryRecord;

export interface BackupRepositoryQuery extends Paging {
  customerId?: string | undefined;
  planId?: string | undefined;
  search?: string | undefined;
  sort: 'name' | 'url' | 'created_at' | 'updated_at';
  order: Order;
}

export interface BackupRepositoryChange {
  name?: string | undefined;
  /** All of them anew. */
  credentials?: Record<string, string> | undefined;
  privateKey?: string | undefined;
  knownHosts?: string | undefined;
}

export interface NewBackupRepository extends BackupRepositoryChange {
  url: string;
  /** Of restic. Absent: one is made. */
  password?: string | undefined;
  customerId?: string | undefined;
  planId?: string | undefined;
}

export interface BackupRepositories {
  list(caller: Caller, query: BackupRepositoryQuery): Page<BackupRepository>;
  require(caller: Caller, id: string): BackupRepository;
  /** `madePassword`: null where the caller gave one. Throws name_taken for a second one of a scope, egress_denied. */
  create(caller: Caller, input: NewBackupRepository): Promise<BackupRepository & { madePassword: string | null }>;
  update(caller: Caller, id: string, change: BackupRepositoryChange): Promise<BackupRepository>;
  /** Throws in_use while backups lie in it. */
  remove(caller: Caller, id: string): Promise<void>;
}
