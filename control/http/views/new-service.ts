// The body of POST /api/services: one strict shape for each way to deploy, so that a field of another way, or one we do
// not know, is a 422 that names it.
import { z } from 'zod';
import { PULL_POLICIES } from '#shared/model.ts';
import type { NewService } from '../../app/api/services.ts';

/** Names become Compose projects, folders and DNS labels. */
const NAME = /^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$/;
const NAME_RULE = 'Use 1–40 of a–z, 0–9 and "-", with a letter or digit at both ends';
/** Deploys wait at most an hour for healthy: past that a person has to look anyway. */
const MAX_HEALTH_TIMEOUT_S = 3600;
const MAX_VARIABLES = 200;
const MAX_LABELS = 64;

const boundedRecord = (keyChars: number, valueChars: number, entries: number) =>
  z
    .record(z.string().min(1).max(keyChars), z.string().max(valueChars))
    .refine((record) => Object.keys(record).length <= entries, `At most ${entries} entries`);

const labels = boundedRecord(63, 255, MAX_LABELS);
const pullPolicy = z.enum(PULL_POLICIES);

const commonFields = {
  name: z
    .string({ error: ({ input }) => (input === undefined ? 'Service name is required' : 'Must be a string') })
    .regex(NAME, NAME_RULE)
    .meta({ example: 'my-app' }),
  customer_id: z.string().min(1).max(64).optional().meta({ example: 'cust_def456' }),
  display_name: z.string().min(1).max(100).optional(),
  category: z.string().min(1).max(64).optional(),
  host_id: z.string().min(1).max(64).optional(),
  placement: z.strictObject({ labels }).optional(),
  labels: labels.optional(),
  variables: boundedRecord(128, 32_768, MAX_VARIABLES).optional(),
  rollback_on_failure: z.boolean().optional(),
  health_timeout_s: z.number().int().min(1).max(MAX_HEALTH_TIMEOUT_S).optional(),
  pull: pullPolicy.optional(),
};

const composeBody = z.strictObject({
  ...commonFields,
  deploy_method: z.literal('compose'),
  // Its size has a limit of its own (yaml_resource_limit); the body's limit holds here.
  compose: z.string().min(1),
});

const templateBody = z.strictObject({
  ...commonFields,
  deploy_method: z.literal('template'),
  template_id: z.string().min(1).max(64).meta({ example: 'uptime-kuma' }),
});

const gitBody = z.strictObject({
  ...commonFields,
  deploy_method: z.literal('git'),
  git_url: z.string().min(1).max(2048).meta({ example: 'https://github.com/user/repo.git' }),
  git_branch: z.string().min(1).max(255).optional(),
});

const aiBody = z.strictObject({
  ...commonFields,
  deploy_method: z.literal('ai'),
  ai_url: z.string().min(1).max(2048).meta({ example: 'https://github.com/user/repo' }),
});

export const newServiceBody = z.discriminatedUnion('deploy_method', [composeBody, templateBody, gitBody, aiBody], {
  error: (issue) => (issue.code === 'invalid_union' ? 'Use one of compose, template, git, ai' : undefined),
});
export type NewServiceBody = z.infer<typeof newServiceBody>;
export type DeployableBody = Extract<NewServiceBody, { deploy_method: 'compose' | 'template' }>;

export const redeployBody = z.strictObject({ pull: pullPolicy.optional() }).nullish();

export const fromNewServiceBody = (body: DeployableBody): NewService => ({
  name: body.name,
  customerId: body.customer_id,
  displayName: body.display_name,
  category: body.category,
  hostId: body.host_id,
  placement: body.placement,
  labels: body.labels,
  variables: body.variables,
  rollbackOnFailure: body.rollback_on_failure,
  healthTimeoutS: body.health_timeout_s,
  pull: body.pull,
  source:
    body.deploy_method === 'compose'
      ? { method: 'compose', compose: body.compose }
      : { method: 'template', templateId: body.template_id },
});
