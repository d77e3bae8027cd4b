// Backups and where they lie in the API's JSON, as the API documents them.
import type { BackupKind, BackupState, Consistency, DumpKind } from '#shared/backup.ts';
import type { JobState } from '#shared/jobs.ts';
import type { WireError } from '#shared/errors.ts';

/** How far a job about a backup is, as it goes. */
export interface BackupProgress {
  type: 'backup.progress';
  job_id: string;
  kind: BackupKind;
  /** `running`, then how the job ended. */
  state: JobState;
  percent: number | null;
}

export interface BackupRepository {
  id: string;
  name: string;
  url: string;
  customer_id: string | null;
  plan_id: string | null;
  /** Only as it is made, where it was made for the caller. */
  password?: string | null;
  updated_at: string;
}

export interface BackupSettings {
  repository_id: string | null;
  on_host: boolean;
  used_repository_id: string | null;
  consistency: Consistency;
  dumps: 'auto' | { service: string; type: DumpKind; command?: string[] }[];
  retention: { keep_last: number; keep_daily: number; keep_weekly: number; keep_monthly: number } | null;
  before_deploy: boolean;
  updated_at: string | null;
}

export interface Backup {
  id: string;
  service_id: string;
  service_name: string;
  status: BackupState;
  size_bytes: number | null;
  added_bytes: number | null;
  repository_id: string | null;
  drill: { good: boolean } | null;
  error: WireError | null;
  job_id: string;
  created_at: string;
}
