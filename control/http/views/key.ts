// API keys as the API shows them.
import { z } from 'zod';
import { toRfc3339 } from '#shared/time.ts';
import type { Caller } from '../../app/api/caller.ts';
import type { ApiKey } from '../../app/api/keys.ts';
import { isPermission, type Permission } from '../../app/access/permissions.ts';
import { pageOf, timestamp } from './page.ts';

const permission = z
  .string()
  .refine((text): text is Permission => isPermission(text), 'Not a permission: use resource.verb, resource.* or *')
  .meta({ example: 'services.read' });

const boundFields = {
  name: z.string(),
  permissions: z.array(z.string()).meta({ example: ['services.read', 'services.logs'] }),
  customer_id: z.string().nullable(),
  host_labels: z
    .record(z.string(), z.string())
    .nullable()
    .meta({ description: 'Only hosts with these', example: null }),
  /** Requests a minute; null is the default. */
  rate_limit: z.number().int().nullable(),
};

const keyFields = {
  id: z.string().meta({ example: 'key_abc123' }),
  ...boundFields,
  hint: z.string().meta({ description: 'Its beginning, to tell it from others', example: 'lsk_k1_Qm9v…' }),
  created_at: timestamp,
  expires_at: timestamp.nullable(),
  last_used_at: timestamp.nullable(),
};

export const keyView = z.object(keyFields).meta({ id: 'ApiKey' });
export const keyPage = pageOf(keyView);
export const createdKeyView = z
  .object({ ...keyFields, secret: z.string().meta({ example: 'lsk_…' }) })
  .meta({ id: 'CreatedApiKey', description: 'The secret is shown once.' });
export const callerView = z
  .object({ key_id: z.string().meta({ example: 'key_abc123' }), ...boundFields })
  .meta({ id: 'Caller' });

export const newKeyBody = z.strictObject({
  name: z.string().min(1).max(100),
  permissions: z.array(permission).min(1).max(100),
  customer_id: z.string().min(1).max(64).optional(),
  host_labels: z.record(z.string().min(1).max(63), z.string().max(255)).optional().describe('Only hosts with these'),
  expires_at: z.iso.datetime({ offset: true }).optional(),
  rate_limit: z.number().int().min(1).max(1_000_000).optional(),
});

export const fromNewKeyBody = (body: z.infer<typeof newKeyBody>) => ({
  name: body.name,
  permissions: body.permissions,
  customerId: body.customer_id,
  hostLabels: body.host_labels,
  expiresAt: body.expires_at === undefined ? undefined : Date.parse(body.expires_at),
  rateLimit: body.rate_limit,
});

export const toKeyView = (key: ApiKey): z.infer<typeof keyView> => ({
  id: key.id,
  name: key.name,
  permissions: [...key.permissions],
  customer_id: key.customerId,
  host_labels: key.hostLabels,
  rate_limit: key.rateLimit,
  hint: key.hint,
  created_at: toRfc3339(key.createdAt),
  expires_at: key.expiresAt === null ? null : toRfc3339(key.expiresAt),
  last_used_at: key.lastUsedAt === null ? null : toRfc3339(key.lastUsedAt),
});

export const toCallerView = (caller: Caller): z.infer<typeof callerView> => ({
  key_id: caller.keyId,
  name: caller.name,
  permissions: [...caller.permissions],
  customer_id: caller.customerId,
  host_labels: caller.hostLabels,
  rate_limit: caller.rateLimit,
});
