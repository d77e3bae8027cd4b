// Backups as the API shows them.
import { z } from 'zod';
import { BACKUP_STATES } from '#shared/backup.ts';
import { toRfc3339 } from '#shared/time.ts';
import type { Backup, BackupQuery } from '../../app/api/backups.ts';
import { filterText, fromPaging, newestFirst, pageOf, pagingFields, timestamp } from './page.ts';

export const backupView = z
  .object({
    id: z.string().meta({ example: 'bkp_abc123' }),
    service_id: z.string().meta({ example: 'svc_abc123' }),
    service_name: z.string().meta({ example: 'shop', description: 'Of when it was taken; the service may be gone' }),
    host_id: z.string().meta({ description: 'Where its data is' }),
    status: z.enum(BACKUP_STATES),
    size_bytes: z.number().int().nullable().meta({ description: 'Of its files; null until it succeeded' }),
    added_bytes: z.number().int().nullable().meta({ description: 'What it took on disk beside the backups before it' }),
    files: z.number().int().nullable(),
    snapshot_id: z.string().nullable().meta({ description: "Of restic, in the service's repository on the host" }),
    error: z
      .object({ code: z.string(), message: z.string(), details: z.string().optional() })
      .nullable()
      .meta({ description: 'Why it failed', example: null }),
    job_id: z.string().meta({ example: 'job_xyz456', description: 'The job that took it; jobs are kept for 30 days' }),
    created_at: timestamp,
    finished_at: timestamp.nullable(),
  })
  .meta({ id: 'Backup', description: 'The named volumes of a service at one moment' });
export const backupPage = pageOf(backupView);

const queryFields = {
  ...pagingFields,
  status: z.enum(BACKUP_STATES).optional().describe('Only those in this state'),
  sort: z.literal('created_at').default('created_at'),
  order: newestFirst,
};
export const backupsOfQuery = z.strictObject(queryFields);
export const backupQuery = z.strictObject({
  ...queryFields,
  service_id: filterText.optional().describe('Only those of this service'),
});

export const restoringView = z
  .object({
    id: z.string().meta({ example: 'bkp_abc123' }),
    service_id: z.string(),
    message: z.string().meta({ example: 'The restore has begun' }),
    job_id: z.string(),
  })
  .meta({ id: 'Restoring', description: 'The restore is a job: follow it.' });

export const fromBackupQuery = ({ status, order, ...query }: z.infer<typeof backupsOfQuery>): BackupQuery => ({
  ...fromPaging(query),
  state: status,
  order,
});

export const toBackupView = ({ summary, error, ...backup }: Backup): z.infer<typeof backupView> => ({
  id: backup.id,
  service_id: backup.serviceId,
  service_name: backup.serviceName,
  host_id: backup.hostId,
  status: backup.state,
  size_bytes: summary?.totalBytes ?? null,
  added_bytes: summary?.addedBytes ?? null,
  files: summary?.files ?? null,
  snapshot_id: summary?.snapshotId ?? null,
  error,
  job_id: backup.jobId,
  created_at: toRfc3339(backup.createdAt),
  finished_at: backup.finishedAt === null ? null : toRfc3339(backup.finishedAt),
});
