// The body of POST /api/services: one strict shape for each way to deploy, so that a field of another way, or one we do
// not know, is a 422 that names it.
import { z } from 'zod';
import { PULL_POLICIES } from '#shared/jobs.ts';
import { SERVICE_NAME } from '#shared/service-name.ts';
import { MAX_PARALLEL } from '../../app/api/service-sets.ts';
import { MAX_LABELS, MAX_VARIABLES, type NewService, REPLICAS } from '../../app/api/services.ts';
import { aiFields, gitFields, toAiSource, toGitSource } from './git-source.ts';
import { fromHealthChecks, healthChecksField } from './health-check.ts';
import { cpuCores, memoryMb } from './limits.ts';
import { requiredText } from './required.ts';
import { autoUpdateBody, fromAutoUpdateBody } from './updates.ts';

export const NAME_RULE = 'Use 1–40 of a–z, 0–9 and "-", with a letter or digit at both ends';
/** Deploys wait at most an hour for healthy: past that a person has to look anyway. */
const MAX_HEALTH_TIMEOUT_S = 3600;

const boundedRecord = <Value extends z.ZodType>(keyChars: number, value: Value, entries: number) =>
  z
    .record(z.string().min(1).max(keyChars), value)
    .refine((record) => Object.keys(record).length <= entries, `At most ${entries} entries`);

export const labelsOf = <Value extends z.ZodType>(value: Value) => boundedRecord(63, value, MAX_LABELS);
export const variablesOf = <Value extends z.ZodType>(value: Value) => boundedRecord(128, value, MAX_VARIABLES);
export const labelValue = z.string().max(255);
export const variableValue = z.string().max(32_768);
export const displayName = z.string().min(1).max(100);
export const category = z.string().min(1).max(64);
export const healthTimeoutS = z.number().int().min(1).max(MAX_HEALTH_TIMEOUT_S);
// Its size has a limit of its own (yaml_resource_limit); the body's limit holds here.
export const composeText = z.string().min(1);

const labels = labelsOf(labelValue);
const serviceLimits = z.strictObject({ cpu: cpuCores.optional(), memory_mb: memoryMb.optional() }).meta({
  description: "What all its containers may use together; absent: the share of its customer's plan, or no limit",
});
const pullPolicy = z.enum(PULL_POLICIES);

export const maxParallel = z.number().int().min(1).max(MAX_PARALLEL);

const placement = z.strictObject({
  labels,
  replicas: z.enum(REPLICAS).optional().meta({
    description: '`per_host`: a service on each such host, now and later, all members of one set. Absent: `one`.',
    example: 'one',
  }),
  max_parallel: maxParallel.optional().describe('For `per_host`: how many members change at a time; 1'),
});

const commonFields = {
  name: requiredText('Service name').regex(SERVICE_NAME, NAME_RULE).meta({ example: 'my-app' }),
  customer_id: z.string().min(1).max(64).optional().meta({ example: 'cust_def456' }),
  display_name: displayName.optional().describe('For people; the name is for machines'),
  category: category.optional(),
  host_id: z.string().min(1).max(64).optional().describe('Where to run; else the host with most free memory'),
  placement: placement.optional().describe('Only hosts with these labels'),
  labels: labels.optional(),
  variables: variablesOf(variableValue).optional().describe('Filled into the compose file'),
  rollback_on_failure: z.boolean().optional().describe('Put back the last good revision when a deploy fails: true'),
  health_timeout_s: healthTimeoutS.optional().describe('How long a deploy waits for healthy'),
  health_checks: healthChecksField.optional(),
  pull: pullPolicy.optional().describe('When images are pulled'),
  limits: serviceLimits.optional(),
};

/** Whose they are in the documented examples. */
const forCustomer = { customer_id: 'cust_def456' };

const composeBody = z
  .strictObject({
    ...commonFields,
    auto_update: autoUpdateBody.optional(),
    deploy_method: z.literal('compose'),
    compose: composeText.describe('The compose file, at most 256 KiB'),
  })
  .meta({
    example: {
      name: 'custom-app',
      ...forCustomer,
      deploy_method: 'compose',
      compose: "version: '3.8'\nservices:\n  app:\n    image: myapp:latest",
    },
  });

const templateBody = z.strictObject({
  ...commonFields,
  auto_update: autoUpdateBody.optional(),
  deploy_method: z.literal('template'),
  template_id: z.string().min(1).max(64).meta({ example: 'uptime-kuma' }),
});
const templateExample = { name: 'my-app', ...forCustomer, variables: { SERVICE_NAME: 'my-app' } };

/** Of POST /api/templates/:id/deploy: the path says the rest. */
export const deployTemplateBody = templateBody
  .omit({ deploy_method: true, template_id: true })
  .meta({ example: templateExample });

const gitBody = z
  .strictObject({
    ...commonFields,
    ...gitFields,
    deploy_method: z.literal('git'),
  })
  .meta({
    example: {
      name: 'my-project',
      ...forCustomer,
      deploy_method: 'git',
      git_url: 'https://github.com/user/repo.git',
      git_branch: 'main',
    },
  });

export const review = z.boolean();

const aiBody = z
  .strictObject({
    ...commonFields,
    ...aiFields,
    deploy_method: z.literal('ai'),
    review: review.optional().describe('Each deploy stops at its plan until somebody approves it: false'),
  })
  .meta({
    example: { name: 'auto-app', ...forCustomer, deploy_method: 'ai', ai_url: 'https://github.com/user/repo' },
  });

const wholeTemplateBody = templateBody.meta({
  example: { ...templateExample, deploy_method: 'template', template_id: 'uptime-kuma' },
});
const bodies = [wholeTemplateBody, gitBody, composeBody, aiBody] as const;

export const newServiceBody = z.discriminatedUnion('deploy_method', bodies, {
  error: (issue) => (issue.code === 'invalid_union' ? 'Use one of compose, template, git, ai' : undefined),
});
export type NewServiceBody = z.infer<typeof newServiceBody>;

/** Of a plan that was made before: whoever sends it gets that, or nothing. */
export const planId = z.string().min(1).max(64).meta({
  description: 'Of the plan this is to be: 409 state_conflict when it would be another now.',
  example: 'dp_mbbqz7k0_3f786850e387550fdab836ed7e6dc881de23001b',
});

export const redeployBody = z
  .strictObject({
    pull: pullPolicy.optional(),
    plan_id: planId.optional(),
    review: review.optional().describe('Of a service by AI, this time: whether it stops at its plan'),
  })
  .nullish();

export const fromNewServiceBody = (body: NewServiceBody): NewService => ({
  name: body.name,
  customerId: body.customer_id,
  displayName: body.display_name,
  category: body.category,
  hostId: body.host_id,
  placement: body.placement && {
    labels: body.placement.labels,
    replicas: body.placement.replicas,
    maxParallel: body.placement.max_parallel,
  },
  labels: body.labels,
  variables: body.variables,
  rollbackOnFailure: body.rollback_on_failure,
  healthTimeoutS: body.health_timeout_s,
  healthChecks: body.health_checks && fromHealthChecks(body.health_checks),
  pull: body.pull,
  review: body.deploy_method === 'ai' ? body.review : undefined,
  autoUpdate: 'auto_update' in body && body.auto_update ? fromAutoUpdateBody(body.auto_update) : undefined,
  limits: body.limits && { cpu: body.limits.cpu, memoryMb: body.limits.memory_mb },
  source: sourceOf(body),
});

// oxlint-disable-next-line typescript/consistent-return -- the switch is exhaustive, and another rule keeps it so
function sourceOf(body: NewServiceBody): NewService['source'] {
  switch (body.deploy_method) {
    case 'compose':
      return { method: 'compose', compose: body.compose };
    case 'template':
      return { method: 'template', templateId: body.template_id };
    case 'git':
      return { method: 'git', git: toGitSource(body), watchPaths: body.git_watch_paths };
    case 'ai':
      return { method: 'ai', git: toAiSource(body), watchPaths: body.git_watch_paths };
  }
}
