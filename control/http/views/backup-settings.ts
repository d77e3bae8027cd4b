// How a service is backed up, as the API shows and takes it.
import { z } from 'zod';
import { CONSISTENCIES, DUMP_KINDS, MAX_DUMPS } from '#shared/backup.ts';
import { toRfc3339 } from '#shared/time.ts';
import type { BackupSettingsInput, ShownBackupSettings } from '../../app/api/backups.ts';
import { timestamp } from './page.ts';

const count = (what: string) => z.number().int().min(0).max(10_000).default(0).describe(what);

const dumpFields = z
  .strictObject({
    service: z.string().min(1).max(100).describe('The compose service it runs in'),
    type: z.enum(DUMP_KINDS),
    command: z
      .array(z.string().min(1).max(4096))
      .min(1)
      .max(64)
      .optional()
      .describe('For `command`: the program and its arguments; its output is the dump'),
  })
  .refine(({ type, command }) => (type === 'command') === (command !== undefined), {
    path: ['command'],
    message: 'Belongs to type command, and to no other',
  });

const fields = {
  repository_id: z
    .string()
    .max(64)
    .nullable()
    .default(null)
    .describe('Where backups go; null: to the repository of its customer or plan, else its host'),
  on_host: z.boolean().default(false).describe('Backups stay on its host, whatever its customer or plan has'),
  consistency: z.enum(CONSISTENCIES).default('live').describe('What becomes of its containers while files are copied'),
  dumps: z
    .union([z.literal('auto'), z.array(dumpFields).max(MAX_DUMPS)])
    .default([])
    .describe('`auto`: of every database known by its image'),
  retention: z
    .strictObject({
      keep_last: count('So many of the last ones'),
      keep_daily: count('The newest of each of so many days'),
      keep_weekly: count('The newest of each of so many weeks'),
      keep_monthly: count('The newest of each of so many months'),
    })
    .nullable()
    .default(null)
    .describe('Which backups stay; null: all'),
  before_deploy: z.boolean().default(false).describe('A deploy that changes something takes one first'),
};

export const backupSettingsBody = z.strictObject(fields);
export const backupSettingsView = z
  .object({
    ...z.object(fields).shape,
    used_repository_id: z.string().nullable().describe('Where backups go as things are; null: to its host'),
    updated_at: timestamp.nullable(),
  })
  .meta({ id: 'BackupSettings', description: 'How a service is backed up' });

export const fromBackupSettings = (body: z.infer<typeof backupSettingsBody>): BackupSettingsInput => ({
  repositoryId: body.repository_id,
  isLocal: body.on_host,
  consistency: body.consistency,
  dumps: body.dumps === 'auto' ? 'auto' : body.dumps.map(({ type: kind, ...dump }) => ({ ...dump, kind })),
  retention: body.retention && {
    last: body.retention.keep_last,
    daily: body.retention.keep_daily,
    weekly: body.retention.keep_weekly,
    monthly: body.retention.keep_monthly,
  },
  beforeDeploy: body.before_deploy,
});

export const toBackupSettingsView = (settings: ShownBackupSettings): z.infer<typeof backupSettingsView> => ({
  repository_id: settings.repositoryId,
  on_host: settings.isLocal,
  used_repository_id: settings.usedRepositoryId,
  consistency: settings.consistency,
  dumps: settings.dumps === 'auto' ? 'auto' : settings.dumps.map(({ kind: type, ...dump }) => ({ ...dump, type })),
  retention: settings.retention && {
    keep_last: settings.retention.last,
    keep_daily: settings.retention.daily,
    keep_weekly: settings.retention.weekly,
    keep_monthly: settings.retention.monthly,
  },
  before_deploy: settings.beforeDeploy,
  updated_at: settings.updatedAt === null ? null : toRfc3339(settings.updatedAt),
});
