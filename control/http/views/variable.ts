// Shared variables as the API shows them.
import { z } from 'zod';
import { toRfc3339 } from '#shared/time.ts';
import {
  VARIABLE_SORTS,
  type NewVariable,
  type Variable,
  type VariableChange,
  type VariableDetail,
} from '../../app/api/variables.ts';
import { variableValue } from './new-service.ts';
import { filterText, orderField, pageOf, pagingFields, timestamp } from './page.ts';

const fields = {
  id: z.string().meta({ example: 'var_abc123' }),
  name: z.string().meta({ example: 'SMTP_PASSWORD' }),
  value: z.string().meta({ description: '`***` for a secret, unless the caller holds secrets.read', example: '***' }),
  is_secret: z.boolean(),
  description: z.string().nullable(),
  customer_id: z.string().nullable().meta({ description: "Whose services take it; null for the operator's own" }),
  created_at: timestamp,
  updated_at: timestamp,
};
export const variableView = z.object(fields).meta({ id: 'Variable' });
export const variablePage = pageOf(variableView);

/** More are counted, not named. */
const MAX_NAMED_SERVICES = 100;
export const variableDetailView = z
  .object({
    ...fields,
    used_by: z.number().int().meta({ description: 'Services that took it with their latest deploy' }),
    services: z
      .array(z.object({ id: z.string().meta({ example: 'svc_abc123' }), name: z.string() }))
      .meta({ description: `The first ${MAX_NAMED_SERVICES} of them, by name` }),
  })
  .meta({ id: 'VariableDetail' });

export const variableQuery = z.strictObject({
  ...pagingFields,
  customer_id: filterText.optional().describe('Only those of this customer'),
  search: filterText.optional().meta({ description: 'Part of the name or the description' }),
  sort: z.enum(VARIABLE_SORTS).default('name'),
  order: orderField,
});

/** These steer Compose and Docker themselves; no host writes them into an environment. */
const STEERING = /^(COMPOSE|DOCKER|BUILDKIT|BUILDX)_/;
const name = z
  .string()
  .max(128)
  .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'Use letters, digits and "_", not beginning with a digit')
  .refine((text) => !STEERING.test(text), 'Names that steer Docker Compose are reserved')
  .meta({ example: 'SMTP_PASSWORD' });
const value = variableValue
  .regex(/^[^\0]*$/, 'Must not hold a NUL')
  .meta({ description: 'Sealed at rest; a secret is shown to holders of secrets.read only', example: 'correct-horse' });
const description = z.string().min(1).max(500).nullable();

export const newVariableBody = z
  .strictObject({
    name,
    value,
    is_secret: z.boolean().default(true),
    description: description.optional(),
    customer_id: z.string().min(1).max(64).optional(),
  })
  .meta({ id: 'NewVariable' });

export const variableChangeBody = z
  .strictObject({
    value: value.optional(),
    is_secret: z.boolean().optional(),
    description: description.optional(),
  })
  .meta({ id: 'VariableChange' });

export const fromNewVariableBody = (body: z.infer<typeof newVariableBody>): NewVariable => ({
  name: body.name,
  value: body.value,
  isSecret: body.is_secret,
  description: body.description,
  customerId: body.customer_id,
});

export const fromVariableChangeBody = (body: z.infer<typeof variableChangeBody>): VariableChange => ({
  value: body.value,
  isSecret: body.is_secret,
  description: body.description,
});

export const toVariableView = (variable: Variable): z.infer<typeof variableView> => ({
  id: variable.id,
  name: variable.name,
  value: variable.value,
  is_secret: variable.isSecret,
  description: variable.description,
  customer_id: variable.customerId,
  created_at: toRfc3339(variable.createdAt),
  updated_at: toRfc3339(variable.updatedAt),
});

export const toVariableDetailView = ({ usedBy, ...variable }: VariableDetail): z.infer<typeof variableDetailView> => ({
  ...toVariableView(variable),
  used_by: usedBy.length,
  services: usedBy.slice(0, MAX_NAMED_SERVICES),
});
