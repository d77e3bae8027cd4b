// Registry logins as the API shows them: never with a password.
import { z } from 'zod';
import { toRfc3339 } from '#shared/time.ts';
import type { NewRegistry, Registry } from '../../app/api/registries.ts';
import { filterText, orderField, pageOf, pagingFields, timestamp } from './page.ts';

export const registryView = z
  .object({
    id: z.string().meta({ example: 'reg_abc123' }),
    name: z.string().meta({ example: 'ghcr.io' }),
    server: z
      .string()
      .meta({ example: 'ghcr.io', description: 'What image names begin with; docker.io for Docker Hub' }),
    username: z.string().meta({ example: 'deploy-bot' }),
    customer_id: z.string().nullable().meta({ description: "Whose services use it; null for the operator's own" }),
    created_at: timestamp,
    updated_at: timestamp,
  })
  .meta({ id: 'Registry', description: 'A login for pulls. Its password is never shown.' });
export const registryPage = pageOf(registryView);

export const registryQuery = z.strictObject({
  ...pagingFields,
  customer_id: filterText.optional().describe('Only those of this customer'),
  search: filterText.optional().meta({ description: 'Part of the name or the server' }),
  sort: z.enum(['name', 'server', 'created_at', 'updated_at']).default('name'),
  order: orderField,
});

const name = z.string().min(1).max(100).meta({ example: 'Images of the shop' });
/** A colon would end it in Docker's own files. */
const username = z
  .string()
  .min(1)
  .max(255)
  .regex(/^[^\p{Cc}:]+$/u, 'Must be one line without a colon')
  .meta({ example: 'deploy-bot' });
/** Tokens of cloud registries have up to 3 KiB. */
const password = z
  .string()
  .min(1)
  .max(4096)
  .regex(/^[^\0]+$/, 'Must not hold a NUL')
  .meta({ description: 'Password or access token; never shown again', writeOnly: true, example: 'correct-horse' });

export const newRegistryBody = z.strictObject({
  server: z.string().min(1).max(255).meta({ example: 'ghcr.io', description: 'A URL will do as well' }),
  username,
  password,
  name: name.optional(),
  customer_id: z.string().min(1).max(64).optional(),
});

export const registryChangeBody = z.strictObject({
  name: name.optional(),
  username: username.optional(),
  password: password.optional(),
});

export const fromNewRegistryBody = ({ customer_id, ...body }: z.infer<typeof newRegistryBody>): NewRegistry => ({
  ...body,
  customerId: customer_id,
});

export const toRegistryView = (registry: Registry): z.infer<typeof registryView> => ({
  id: registry.id,
  name: registry.name,
  server: registry.server,
  username: registry.username,
  customer_id: registry.customerId,
  created_at: toRfc3339(registry.createdAt),
  updated_at: toRfc3339(registry.updatedAt),
});
