// `longshore services update`: changes a service; what the change concerns is deployed.
import { randomUUID } from 'node:crypto';
import type { Argv } from 'yargs';
import { LongshoreError } from '#shared/errors.ts';
import type { ChangeAnswer } from './api-types.ts';
import { AUTO_UPDATE_HELP, ownTimeZone, parseAutoUpdate } from './auto-update.ts';
import { argument, type Session } from './command.ts';
import { inWords, watchJob } from './deploy-outcome.ts';
import { parseSeconds } from './duration.ts';
import { gitSourceOf, gitSourceOptions, type GitSourceArgs } from './git-source.ts';
import { HEALTH_CHECK_HELP, parseHealthChecks } from './health-check.ts';
import { limitField } from './limits.ts';
import { parsePairs, readEnvFile, readInput } from './pairs.ts';
import { requireServiceId } from './services.ts';

/** What a change of a service or of a set may be about. */
export interface ChangeFields extends GitSourceArgs {
  env: string[];
  envFile?: string | undefined;
  unset: string[];
  file?: string | undefined;
  cpu?: string | undefined;
  memory?: string | undefined;
  label: string[];
  unlabel: string[];
  displayName?: string | undefined;
  category?: string | undefined;
  timeout?: string | undefined;
  healthCheck: string[];
  rollback?: boolean | undefined;
  revision?: number | undefined;
}

export interface ChangeArgs extends ChangeFields {
  service: string;
  review?: boolean | undefined;
  autoUpdate?: string | undefined;
}

export interface UpdateArgs extends ChangeArgs {
  planId?: string | undefined;
  follow: boolean;
}

const manyOf = (describe: string) =>
  ({ type: 'string', array: true, nargs: 1, default: [] as string[], describe }) as const;
const oneOf = (describe: string) => ({ type: 'string', requiresArg: true, describe }) as const;

export const changeFields = <T>(yargs: Argv<T>) =>
  yargs
    .option('env', { ...manyOf('Variable, NAME=VALUE'), alias: 'e' })
    .option('env-file', oneOf('File of variables; --env wins'))
    .option('unset', manyOf('Variable to remove'))
    .option('file', { ...oneOf('New compose file, - for stdin'), alias: 'f' })
    .options(gitSourceOptions)
    .option('cpu', oneOf('Cores for all its containers together, or none'))
    .option('memory', oneOf('Memory for all its containers together in MB, or none'))
    .option('label', manyOf('Label, K=V'))
    .option('unlabel', manyOf('Label to remove'))
    .option('display-name', oneOf('Name for people; empty removes it'))
    .option('category', oneOf('Category; empty removes it'))
    .option('health-check', manyOf(`${HEALTH_CHECK_HELP}; none removes them`))
    .option('timeout', oneOf('How long a deploy may take to be healthy, e.g. 5m'))
    .option('rollback', { type: 'boolean', describe: 'Put the last good revision back on failure' })
    .option('revision', { type: 'number', requiresArg: true, describe: 'Only if this is still its revision' });

/** Of an update and of its plan. */
export const changeOptions = <T>(yargs: Argv<T>) =>
  changeFields(argument(yargs, 'service', 'Its name or id'))
    .option('review', { type: 'boolean', describe: 'Stop each deploy at its plan, for a service by AI' })
    .option('auto-update', oneOf(AUTO_UPDATE_HELP));

export const updateOptions = <T>(yargs: Argv<T>) =>
  changeOptions(yargs)
    .option('plan-id', { type: 'string', requiresArg: true, describe: 'Only if it would do what was planned' })
    .option('follow', { type: 'boolean', default: false, alias: 'F', describe: 'Show the progress until it ends' })
    .example('$0 services update shop --env TAG=1.4.3 --memory 512 --follow', '');

export async function update(session: Session, args: UpdateArgs): Promise<void> {
  const { client, output } = session;
  const body = toBody(args);
  const id = await requireServiceId(client, args.service);
  // One key for all tries: a change whose answer got lost is not made twice.
  const request = { body, idempotencyKey: randomUUID() };
  const changed = (await client.send<ChangeAnswer>('PATCH', `/api/services/${id}`, request)).body;
  const { deploy_job_id: jobId } = changed;
  if (jobId === null || !args.follow) {
    if (output.isJson) return output.json(changed);
    return output.line(`${args.service}: ${jobId === null ? 'changed, nothing to deploy' : `job ${jobId}`}`);
  }
  const job = await watchJob(session, { id: jobId, serviceId: id });
  if (output.isJson) return output.json(job);
  output.line(inWords(job, 'changed'));
}

/** The body of the PATCH. Throws `bad_request` when there is nothing to change. */
function toBody({ revision, planId, ...args }: UpdateArgs): object {
  const change = changeOf(args);
  const held = { ...(revision !== undefined && { revision }), ...(planId !== undefined && { plan_id: planId }) };
  requireChange(change);
  return { ...change, ...held };
}

export function requireChange(change: object): void {
  if (Object.keys(change).length > 0) return;
  const details = 'For example --env NAME=VALUE, -f FILE, --memory 512; --help shows them all';
  throw new LongshoreError('bad_request', { message: 'Say what to change', details });
}

/** What was asked for; everything else is left out. */
export function changeOf(args: ChangeFields & Pick<ChangeArgs, 'review' | 'autoUpdate'>): object {
  const { file, displayName, category, timeout, rollback, review, autoUpdate, revision } = args;
  const variables = {
    ...(args.envFile !== undefined && readEnvFile(args.envFile)),
    ...parsePairs(args.env, '--env'),
    ...removals(args.unset),
  };
  const labels = { ...parsePairs(args.label, '--label'), ...removals(args.unlabel) };
  const limits = { ...limitField('cpu', args.cpu, '--cpu'), ...limitField('memory_mb', args.memory, '--memory') };
  return {
    ...ifAny({ variables, labels, limits }),
    ...(file !== undefined && { compose: readInput(file, '--file') }),
    ...gitSourceOf(args, null),
    ...(displayName !== undefined && { display_name: displayName || null }),
    ...(category !== undefined && { category: category || null }),
    ...(timeout !== undefined && { health_timeout_s: parseSeconds(timeout, '--timeout') }),
    ...(args.healthCheck.length > 0 && { health_checks: parseHealthChecks(args.healthCheck) }),
    ...(rollback !== undefined && { rollback_on_failure: rollback }),
    ...(review !== undefined && { review }),
    ...(autoUpdate !== undefined && { auto_update: parseAutoUpdate(autoUpdate, ownTimeZone()) }),
    ...(revision !== undefined && { revision }),
  };
}

const removals = (names: readonly string[]): Record<string, null> =>
  Object.fromEntries(names.map((name) => [name, null]));

const ifAny = (fields: Record<string, object>): object =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => Object.keys(value).length > 0));
