// `longshore deploy`: a new service from a compose file, a template, a Git repository, or by AI.
import { randomUUID } from 'node:crypto';
import type { Argv } from 'yargs';
import { LongshoreError } from '#shared/errors.ts';
import type { DeployAnswer, Service } from '../api-types.ts';
import { AUTO_UPDATE_HELP, ownTimeZone, parseAutoUpdate } from '../auto-update.ts';
import type { Client } from '../client.ts';
import { apiCommand, withSession, type Command, type Session } from '../command.ts';
import { inWords, watchJob } from '../deploy-outcome.ts';
import type { DeployPlan } from '../deploy-types.ts';
import { parseSeconds } from '../duration.ts';
import { gitSourceOf, gitSourceOptions, type GitSourceArgs } from '../git-source.ts';
import { HEALTH_CHECK_HELP, parseHealthChecks } from '../health-check.ts';
import { limitField } from '../limits.ts';
import { requireIdByName } from '../names.ts';
import { showPlan } from '../service-plan.ts';
import { followSet } from '../follow-rollout.ts';
import { parsePairs, readEnvFile, readInput } from '../pairs.ts';

interface DeployArgs extends GitSourceArgs {
  name: string;
  file?: string | undefined;
  template?: string | undefined;
  git?: string | undefined;
  ai?: string | undefined;
  review: boolean;
  branch?: string | undefined;
  env: string[];
  set: string[];
  envFile?: string | undefined;
  customer?: string | undefined;
  cpu?: string | undefined;
  memory?: string | undefined;
  host?: string | undefined;
  place: string[];
  perHost?: boolean | undefined;
  maxParallel?: number | undefined;
  label: string[];
  pull?: string | undefined;
  timeout?: string | undefined;
  healthCheck: string[];
  rollback: boolean;
  autoUpdate?: string | undefined;
  plan: boolean;
  follow: boolean;
}

const options = (yargs: Argv) =>
  apiCommand(yargs)
    .option('name', {
      type: 'string',
      demandOption: true,
      requiresArg: true,
      describe: 'Name of the service; also the Compose project',
    })
    .option('file', { type: 'string', alias: 'f', requiresArg: true, describe: 'Compose file, - for stdin' })
    .option('template', {
      type: 'string',
      requiresArg: true,
      describe: 'A template instead (`longshore templates list`)',
    })
    .option('git', { type: 'string', requiresArg: true, describe: 'A Git repository instead, https:// or ssh' })
    .option('ai', { type: 'string', requiresArg: true, describe: 'A repository that an AI finds out about, https://' })
    .option('review', { type: 'boolean', default: false, describe: 'Stop each AI deploy at its plan' })
    .option('branch', { type: 'string', requiresArg: true, describe: "Its branch; else the repository's own choice" })
    .options(gitSourceOptions)
    .option('env', { type: 'string', array: true, nargs: 1, alias: 'e', default: [], describe: 'Variable, NAME=VALUE' })
    .option('set', { type: 'string', array: true, nargs: 1, default: [], describe: 'The same, for a template' })
    .option('env-file', { type: 'string', requiresArg: true, describe: 'File of variables; --env and --set win' })
    .option('customer', { type: 'string', requiresArg: true, describe: 'Whose service it is, by name or id' })
    .option('cpu', {
      type: 'string',
      requiresArg: true,
      describe: "Cores for all its containers; else the plan's share",
    })
    .option('memory', {
      type: 'string',
      requiresArg: true,
      describe: "Memory for all of them in MB; else the plan's share",
    })
    .option('host', {
      type: 'string',
      requiresArg: true,
      describe: 'Host, by name or id; else the one with most free memory',
    })
    .option('place', { type: 'string', array: true, nargs: 1, default: [], describe: 'Label the host must have, K=V' })
    .option('per-host', { type: 'boolean', describe: 'One on every host with the labels, as a set' })
    .option('max-parallel', { type: 'number', requiresArg: true, describe: 'How many of them change at a time: 1' })
    .option('label', { type: 'string', array: true, nargs: 1, default: [], describe: 'Label of the service, K=V' })
    .option('pull', { choices: ['missing', 'always', 'never'] as const, describe: 'When to pull images' })
    .option('health-check', { type: 'string', array: true, nargs: 1, default: [], describe: HEALTH_CHECK_HELP })
    .option('timeout', { type: 'string', requiresArg: true, describe: 'How long it may take to be healthy, e.g. 5m' })
    .option('rollback', { type: 'boolean', default: true, describe: 'Put the last good revision back on failure' })
    .option('auto-update', { type: 'string', requiresArg: true, describe: AUTO_UPDATE_HELP })
    .option('plan', { type: 'boolean', default: false, describe: 'Only show what it would do' })
    .option('follow', { type: 'boolean', default: false, alias: 'F', describe: 'Show the progress until it ends' })
    .conflicts('file', ['template', 'git', 'ai', 'git-token-file', 'deploy-key', 'known-hosts'])
    .conflicts('template', ['git', 'ai', 'git-token-file', 'deploy-key', 'known-hosts'])
    .conflicts('ai', ['git', 'branch', 'commit', 'path', 'submodules', 'lfs'])
    .implies('branch', 'git')
    .implies({ commit: 'git', path: 'git', submodules: 'git', lfs: 'git' })
    .implies('git-username', 'git-token-file')
    .implies('max-parallel', 'per-host')
    .conflicts('host', 'per-host')
    .example('$0 deploy -f compose.yaml --name shop --follow', '')
    .example('$0 deploy --template uptime-kuma --name status --set HTTP_PORT=3002', '')
    .example('$0 deploy -f compose.yaml --name edge --place zone=eu --per-host --max-parallel 2 --follow', '')
    .example('$0 deploy --git https://github.com/user/repo.git --branch main --name app', '')
    .example('$0 deploy --ai https://github.com/user/repo --review --name app --follow', '');

export const command: Command = {
  add: (program, describe, world) => program.command('deploy', describe, options, withSession(world, deploy)),
};

async function deploy(session: Session, args: DeployArgs): Promise<void> {
  const { client, output } = session;
  if (args.plan) return plan(session, args);
  const created = await create(session, args);
  if (!args.follow) {
    if (output.isJson) return output.json(created);
    const set = created.set_id ? `, first of ${created.set_id}` : '';
    return output.line(`${args.name}: ${created.id}${set}, job ${created.deploy_job_id}`);
  }
  if (created.set_id) return followSet(session, { id: created.set_id, name: args.name });
  const job = await watchJob(session, { id: created.deploy_job_id, serviceId: created.id });
  if (output.isJson) return output.json(job);
  const { url } = await client.get<Service>(`/api/services/${created.id}`);
  output.line(inWords(job, `running${url === null ? '' : ` at ${url}`}`));
}

async function plan({ client, output }: Session, args: DeployArgs): Promise<void> {
  const { body } = await client.send<DeployPlan>('POST', '/api/services/plan', {
    body: { ...toBody(args), ...(await namedIn(client, args)) },
  });
  showPlan(output, body);
}

async function create({ client }: Session, args: DeployArgs): Promise<DeployAnswer> {
  try {
    // One key for all tries: a create whose answer got lost is not made twice.
    const request = { body: { ...toBody(args), ...(await namedIn(client, args)) }, idempotencyKey: randomUUID() };
    return (await client.send<DeployAnswer>('POST', '/api/services', request)).body;
  } catch (error) {
    if (!(error instanceof LongshoreError) || error.code !== 'name_taken') throw error;
    const details = `Choose another --name, \`longshore services redeploy ${args.name}\` to run it anew, or remove it first`;
    throw new LongshoreError('name_taken', { message: `There is a service "${args.name}" already`, details });
  }
}

/** The body of POST /api/services; fields that were not asked for are left to the API's defaults. */
function toBody(args: DeployArgs): object {
  const { pull, autoUpdate } = args;
  const variables = {
    ...(args.envFile !== undefined && readEnvFile(args.envFile)),
    ...parsePairs(args.env, '--env'),
    ...parsePairs(args.set, '--set'),
  };
  return {
    name: args.name,
    ...sourceOf(args),
    variables,
    ...limitsOf(args),
    ...placementOf(args),
    ...(args.label.length > 0 && { labels: parsePairs(args.label, '--label') }),
    ...(pull !== undefined && { pull }),
    ...(args.timeout !== undefined && { health_timeout_s: parseSeconds(args.timeout, '--timeout') }),
    ...(args.healthCheck.length > 0 && { health_checks: parseHealthChecks(args.healthCheck) }),
    ...(!args.rollback && { rollback_on_failure: false }),
    ...(autoUpdate !== undefined && { auto_update: parseAutoUpdate(autoUpdate, ownTimeZone()) ?? undefined }),
  };
}

function placementOf({ place, perHost = false, maxParallel }: DeployArgs): object {
  if (place.length === 0 && !perHost) return {};
  const many = { replicas: 'per_host', ...(maxParallel !== undefined && { max_parallel: maxParallel }) };
  return { placement: { labels: parsePairs(place, '--place'), ...(perHost && many) } };
}

/** What people call by name and the API by id. */
async function namedIn(client: Client, { customer, host }: DeployArgs): Promise<object> {
  return {
    ...(customer !== undefined && { customer_id: await requireIdByName(client, 'customer', customer) }),
    ...(host !== undefined && { host_id: await requireIdByName(client, 'host', host) }),
  };
}

function limitsOf({ cpu, memory }: DeployArgs): object {
  if (cpu === undefined && memory === undefined) return {};
  return { limits: { ...limitField('cpu', cpu, '--cpu'), ...limitField('memory_mb', memory, '--memory') } };
}

function sourceOf({ file, template, git, branch, ai, review, ...source }: DeployArgs): object {
  if (review && ai === undefined)
    throw new LongshoreError('bad_request', { message: '--review is for a service by AI: --ai URL' });
  if (file !== undefined) return { deploy_method: 'compose', compose: readInput(file, '--file') };
  if (template !== undefined) return { deploy_method: 'template', template_id: template };
  if (git !== undefined)
    return {
      deploy_method: 'git',
      git_url: git,
      ...(branch !== undefined && { git_branch: branch }),
      ...gitSourceOf(source),
    };
  if (ai !== undefined) return { deploy_method: 'ai', ai_url: ai, ...gitSourceOf(source), ...(review && { review }) };
  throw new LongshoreError('bad_request', {
    message: 'Say what to deploy: -f FILE, --template ID, --git URL or --ai URL',
  });
}
