// The words of backups that both sides share. Plain data, as in model.ts.

/** Jobs about a backup: they say nothing of what should run. */
export const BACKUP_KINDS = ['backup', 'restore', 'forget_backup'] as const;
export type BackupKind = (typeof BACKUP_KINDS)[number];
export const isBackupKind = (kind: string): kind is BackupKind => (BACKUP_KINDS as readonly string[]).includes(kind);

/** `pending`: its job waits. Whatever else its job's end is called, a backup that is not there failed. */
export const BACKUP_STATES = ['pending', 'running', 'succeeded', 'failed'] as const;
export type BackupState = (typeof BACKUP_STATES)[number];

/** What a finished backup holds. */
export interface BackupSummary {
  /** Of restic. */
  snapshotId: string;
  files: number;
  totalBytes: number;
  /** What it took on disk: new data only, compressed. */
  addedBytes: number;
}
