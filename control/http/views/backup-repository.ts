// Repositories for backups as the API shows them: never with what opens them.
import { z } from 'zod';
import { REPOSITORY_KINDS, parseRepositoryUrl } from '#shared/backup-url.ts';
import { toRfc3339 } from '#shared/time.ts';
import type {
  BackupRepository,
  BackupRepositoryChange,
  NewBackupRepository,
} from '../../app/api/backup-repositories.ts';
import { filterText, orderField, pageOf, pagingFields, timestamp } from './page.ts';

export const backupRepositoryView = z
  .object({
    id: z.string().meta({ example: 'rep_abc123' }),
    name: z.string().meta({ example: 'Backups of the shop' }),
    type: z.enum(REPOSITORY_KINDS),
    url: z.string().meta({ example: 'rest:https://backup.example.com/shop/', description: 'As restic takes it' }),
    customer_id: z.string().nullable().meta({ description: "Backups of this customer's services go there" }),
    plan_id: z
      .string()
      .nullable()
      .meta({ description: 'Backups of the services of all customers on this plan go there' }),
    known_hosts: z.string().nullable().meta({ description: 'The host keys to believe, for sftp' }),
    created_at: timestamp,
    updated_at: timestamp,
  })
  .meta({
    id: 'BackupRepository',
    description: 'A place outside of hosts where backups lie. What opens it is never shown.',
  });
export const backupRepositoryPage = pageOf(backupRepositoryView);
export const newBackupRepositoryView = backupRepositoryView
  .extend({
    password: z.string().nullable().meta({
      description: 'The password that was made, shown this once: without it nobody can read the backups. Null: yours',
    }),
  })
  .meta({ id: 'NewBackupRepository' });

export const backupRepositoryQuery = z.strictObject({
  ...pagingFields,
  customer_id: filterText.optional().describe('Only that of this customer'),
  plan_id: filterText.optional().describe('Only that of this plan'),
  search: filterText.optional().meta({ description: 'Part of the name or the URL' }),
  sort: z.enum(['name', 'url', 'created_at', 'updated_at']).default('name'),
  order: orderField,
});

const name = z.string().min(1).max(100).meta({ example: 'Backups of the shop' });
const oneLine = (most: number) =>
  z
    .string()
    .min(1)
    .max(most)
    .regex(/^[^\0\r\n]+$/, 'Must be one line');
const secrets = {
  credentials: z
    .record(z.string().max(64), oneLine(4096))
    .optional()
    .meta({
      description: 'What its server asks for, by the names of restic: RESTIC_REST_USERNAME, AWS_ACCESS_KEY_ID, …',
      writeOnly: true,
      example: { RESTIC_REST_USERNAME: 'shop', RESTIC_REST_PASSWORD: 'correct-horse' },
    }),
  private_key: z.string().min(1).max(16_384).optional().meta({ description: 'For sftp', writeOnly: true }),
  known_hosts: z
    .string()
    .min(1)
    .max(16_384)
    .regex(/^[^\0]+$/, 'Must not hold a NUL')
    .optional()
    .meta({ description: 'For sftp: what ssh-keyscan prints, once you have looked at it' }),
};

export const newBackupRepositoryBody = z.strictObject({
  url: z.string().min(1).max(2_000).meta({ example: 'rest:https://backup.example.com/shop/' }),
  name: name.optional(),
  password: oneLine(4096)
    .optional()
    .meta({ description: 'What the backups are encrypted with; one is made if not given', writeOnly: true }),
  customer_id: z.string().min(1).max(64).optional(),
  plan_id: z.string().min(1).max(64).optional(),
  ...secrets,
});

export const backupRepositoryChangeBody = z.strictObject({ name: name.optional(), ...secrets });

type ChangeBody = z.infer<typeof backupRepositoryChangeBody>;

export const fromBackupRepositoryChange = ({
  private_key,
  known_hosts,
  ...body
}: ChangeBody): BackupRepositoryChange => ({
  ...body,
  privateKey: private_key,
  knownHosts: known_hosts,
});

export const fromNewBackupRepository = ({
  url,
  password,
  customer_id,
  plan_id,
  ...body
}: z.infer<typeof newBackupRepositoryBody>): NewBackupRepository => ({
  ...fromBackupRepositoryChange(body),
  url,
  password,
  customerId: customer_id,
  planId: plan_id,
});

export const toBackupRepositoryView = (repository: BackupRepository): z.infer<typeof backupRepositoryView> => ({
  id: repository.id,
  name: repository.name,
  type: parseRepositoryUrl(repository.url).kind,
  url: repository.url,
  customer_id: repository.customerId,
  plan_id: repository.planId,
  known_hosts: repository.knownHosts,
  created_at: toRfc3339(repository.createdAt),
  updated_at: toRfc3339(repository.updatedAt),
});
