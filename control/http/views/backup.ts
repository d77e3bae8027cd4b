// Backups as the API shows them.
import { z } from 'zod';
import { BACKUP_STATES, CONSISTENCIES } from '#shared/backup.ts';
import { SERVICE_NAME } from '#shared/service-name.ts';
import { toRfc3339 } from '#shared/time.ts';
import type { Backup, BackupQuery } from '../../app/api/backups.ts';
import { filterText, fromPaging, newestFirst, pageOf, pagingFields, timestamp } from './page.ts';

export const backupView = z
  .object({
    id: z.string().meta({ example: 'bkp_abc123' }),
    service_id: z.string().meta({ example: 'svc_abc123' }),
    service_name: z.string().meta({ example: 'shop', description: 'Of when it was taken; the service may be gone' }),
    host_id: z.string().meta({ description: 'Where it was taken' }),
    status: z.enum(BACKUP_STATES),
    size_bytes: z.number().int().nullable().meta({ description: 'Of its files; null until it succeeded' }),
    added_bytes: z.number().int().nullable().meta({ description: 'What it took on disk beside the backups before it' }),
    files: z.number().int().nullable(),
    snapshot_id: z.string().nullable().meta({ description: "Of restic, in the service's repository on the host" }),
    repository_id: z.string().nullable().meta({ description: 'Where it lies; null: on its host' }),
    consistency: z
      .enum(CONSISTENCIES)
      .nullable()
      .meta({ description: 'How still the service was; null until it succeeded' }),
    dumps: z.array(z.string()).meta({ description: 'Compose services whose databases were dumped' }),
    drill: z
      .object({ good: z.boolean(), message: z.string().nullable(), at: timestamp })
      .nullable()
      .meta({ description: 'How it went when it was tried out last; null: it was not', example: null }),
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

export const backupBody = z
  .strictObject({
    repository_id: z
      .string()
      .max(64)
      .nullable()
      .optional()
      .meta({ description: 'Another place than that of its settings; null: its host' }),
  })
  .nullish();
export const restoreBody = z
  .strictObject({
    service_id: z
      .string()
      .max(64)
      .optional()
      .meta({ description: 'Another service that has the same volumes, by the names in its compose file' }),
  })
  .nullish();
export const restoreAsBody = z.strictObject({
  name: z.string().regex(SERVICE_NAME).meta({ example: 'shop-copy' }),
  host_id: z.string().max(64).optional().meta({ description: 'The host where the backup was taken, if not given' }),
});
export const restoredAsView = z
  .object({ service_id: z.string(), job_id: z.string() })
  .meta({ id: 'RestoredAs', description: 'The new service, and the job that brings it up.' });

export const downloadQuery = z.strictObject({
  dump: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$/)
    .optional()
    .meta({ description: 'The compose service whose dump is wanted, and nothing else' }),
});
export const downloadView = z
  .any()
  .meta({ id: 'BackupDownload', description: 'A tar with the paths of its host, or the dump' });

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

export const toBackupView = ({ summary, drill, error, ...backup }: Backup): z.infer<typeof backupView> => ({
  id: backup.id,
  service_id: backup.serviceId,
  service_name: backup.serviceName,
  host_id: backup.hostId,
  status: backup.state,
  size_bytes: summary?.totalBytes ?? null,
  added_bytes: summary?.addedBytes ?? null,
  files: summary?.files ?? null,
  snapshot_id: summary?.snapshotId ?? null,
  repository_id: backup.repositoryId,
  consistency: summary?.consistency ?? null,
  dumps: summary?.dumps ?? [],
  drill: drill && { good: drill.isGood, message: drill.message, at: toRfc3339(drill.at) },
  error,
  job_id: backup.jobId,
  created_at: toRfc3339(backup.createdAt),
  finished_at: backup.finishedAt === null ? null : toRfc3339(backup.finishedAt),
});
