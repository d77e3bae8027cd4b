// The body of POST /api/services: one strict shape for each way to deploy, so that a field of another way, or one we do
// not know, is a 422 that names it.
import { z } from 'zod';
import { LongshoreError } from '#shared/errors.ts';
import { PULL_POLICIES, type GitSource } from '#shared/model.ts';
import { DEFAULT_GIT_USERNAME, MAX_LABELS, MAX_VARIABLES, type NewService } from '../../app/api/services.ts';
import { cpuCores, memoryMb } from './limits.ts';
import { requiredText } from './required.ts';
import { autoUpdateBody, fromAutoUpdateBody } from './updates.ts';

/** Names become Compose projects, folders and DNS labels. */
const NAME = /^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$/;
const NAME_RULE = 'Use 1–40 of a–z, 0–9 and "-", with a letter or digit at both ends';
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

const commonFields = {
  name: requiredText('Service name').regex(NAME, NAME_RULE).meta({ example: 'my-app' }),
  customer_id: z.string().min(1).max(64).optional().meta({ example: 'cust_def456' }),
  display_name: displayName.optional().describe('For people; the name is for machines'),
  category: category.optional(),
  host_id: z.string().min(1).max(64).optional().describe('Where to run; else the host with most free memory'),
  placement: z.strictObject({ labels }).optional().describe('Only hosts with these labels'),
  labels: labels.optional(),
  variables: variablesOf(variableValue).optional().describe('Filled into the compose file'),
  rollback_on_failure: z.boolean().optional().describe('Put back the last good revision when a deploy fails: true'),
  health_timeout_s: healthTimeoutS.optional().describe('How long a deploy waits for healthy'),
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

export const gitToken = z.string().min(1).max(2048);
export const gitUsername = z.string().min(1).max(255);
export const gitCommit = z.string().min(1).max(64);
export const gitPath = z.string().min(1).max(255);
/** For repositories that not everybody may read. */
const gitLogin = {
  git_token: gitToken.optional().describe('For a private repository on https; never shown again'),
  git_username: gitUsername.optional().describe(`Beside the token: ${DEFAULT_GIT_USERNAME}`),
};

type GitLoginBody = z.infer<z.ZodObject<typeof gitLogin>>;

const gitBody = z
  .strictObject({
    ...commonFields,
    ...gitLogin,
    deploy_method: z.literal('git'),
    git_url: z.string().min(1).max(2048).describe('https or ssh address of the repository'),
    git_branch: z.string().min(1).max(255).optional().describe("A branch or tag; else the repository's own"),
    git_commit: gitCommit.optional().describe('Full name of the commit to deploy; else the newest'),
    git_path: gitPath.optional().describe('Folder of the repository where what is deployed lies; else its top'),
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
    ...gitLogin,
    deploy_method: z.literal('ai'),
    ai_url: z.string().min(1).max(2048).describe('The repository to find out about'),
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
  placement: body.placement,
  labels: body.labels,
  variables: body.variables,
  rollbackOnFailure: body.rollback_on_failure,
  healthTimeoutS: body.health_timeout_s,
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
      return { method: 'git', git: gitSourceOf(body) };
    case 'ai':
      return { method: 'ai', git: { url: body.ai_url, branch: null, ...loginOf(body) } };
  }
}

const gitSourceOf = (body: Extract<NewServiceBody, { deploy_method: 'git' }>): GitSource => ({
  url: body.git_url,
  branch: body.git_branch ?? null,
  ...(body.git_commit !== undefined && { commit: body.git_commit }),
  ...(body.git_path !== undefined && { path: body.git_path }),
  ...loginOf(body),
});

function loginOf({ git_token: password, git_username: username }: GitLoginBody): Pick<GitSource, 'login'> {
  if (password !== undefined) return { login: { username: username ?? DEFAULT_GIT_USERNAME, password } };
  if (username === undefined) return {};
  throw new LongshoreError('validation_error', { fields: { git_username: 'goes with a git_token' } });
}
