// What a service is made of after a change: merged, checked like a new one, nothing written. A change is a merge patch
// (RFC 7396): what is absent stays, null removes. A secret that was shown as `***` and comes back as that stays, too.
import { LongshoreError } from '#shared/errors.ts';
import { MASK } from '#shared/secret-names.ts';
import type { ServiceRecord, ServiceSource } from '../../store/records.ts';
import { MAX_LABELS, MAX_VARIABLES, type ServiceChange } from '../api/services.ts';
import { unmaskCompose } from './compose-secrets.ts';
import { requireFitting, unmaskChecks } from './health-checks.ts';
import { redraftGit, type GitChange } from '../git/git-redraft.ts';
import { secretNamesOf } from './secret-values.ts';
import { checkLabels, checkVariables, judgeSource, type DraftContext } from './service-draft.ts';
import type { RenderedTemplate } from '../templates/template-source.ts';

export interface RedraftContext extends Pick<DraftContext, 'reservedPorts' | 'refuse'> {
  /** Renders the version of the template that the service was made of. Throws `template_variable`. */
  renderTemplate: (given: Record<string, string>) => RenderedTemplate;
}

type Change = Pick<ServiceChange, 'variables' | 'compose' | 'healthChecks' | keyof GitChange>;
type Redrafted = Pick<ServiceRecord, 'name' | 'customerId' | 'method'>;

/** The same source when nothing of it changes. Throws 422 errors only. */
export function redraftSource(
  service: Redrafted,
  stored: ServiceSource,
  change: Change,
  context: RedraftContext,
): ServiceSource {
  const { healthChecks: before, ...next } = redraftFiles(service, stored, change, context);
  const checks = change.healthChecks ? unmaskChecks(change.healthChecks, stored) : (before ?? []);
  requireFitting(checks, next);
  return checks.length > 0 ? { ...next, healthChecks: checks } : next;
}

function redraftFiles(
  service: Redrafted,
  stored: ServiceSource,
  change: Change,
  context: RedraftContext,
): ServiceSource {
  const source = redraftGit(service, stored, change);
  if (change.variables === undefined && change.compose === undefined) return source;
  if (service.method !== 'compose' && change.compose !== undefined) throw noFileOfItsOwn(service);
  const variables = mergeVariables(source, change.variables ?? {});
  const next =
    service.method === 'template'
      ? fromTemplate(source, variables, context)
      : {
          ...source,
          variables,
          secretNames: secretNamesOf(variables),
          compose: change.compose === undefined ? source.compose : unmaskCompose(change.compose, source.compose),
        };
  const { reservedPorts, refuse } = context;
  if (next.compose !== '') judgeSource(next, { ...service, reservedPorts, refuse }); // a repository's is judged by the host
  return next;
}

/** Null removes a label; the service's own prefix stays reserved. */
export function mergeLabels(
  labels: Record<string, string>,
  change: ServiceChange['labels'] = {},
): Record<string, string> {
  const merged = merge(labels, change);
  requireValid({ ...checkLabels(merged), ...checkCount('labels', merged, MAX_LABELS) });
  return merged;
}

function mergeVariables(
  { variables, secretNames }: ServiceSource,
  change: Record<string, string | null>,
): Record<string, string> {
  const isKept = ([name, value]: [string, unknown]) => value === MASK && secretNames.includes(name);
  const isLost = ([name, value]: [string, unknown]) => value === MASK && !Object.hasOwn(variables, name);
  const lost = Object.entries(change).filter(isLost);
  const merged = merge(variables, Object.fromEntries(Object.entries(change).filter((entry) => !isKept(entry))));
  requireValid({
    ...checkVariables(merged),
    ...checkCount('variables', merged, MAX_VARIABLES),
    ...Object.fromEntries(lost.map(([name]) => [`variables.${name}`, `"${MASK}" keeps a value, and there is none`])),
  });
  return merged;
}

function fromTemplate(
  source: ServiceSource,
  variables: Record<string, string>,
  { renderTemplate }: RedraftContext,
): ServiceSource {
  const rendered = renderTemplate(variables);
  const frozen = rendered.onceNames.filter((name) => rendered.variables[name] !== source.variables[name]);
  requireValid(Object.fromEntries(frozen.map((name) => [`variables.${name}`, FROZEN])), 'template_variable');
  const { compose, secretNames, files, version, document } = rendered;
  const { variables: settled } = rendered;
  return {
    ...source,
    compose,
    variables: settled,
    secretNames,
    files,
    templateVersion: version,
    templateDocument: document,
  };
}

const FROZEN = 'cannot be changed: the app read it when it first started; make a new service';

function merge(before: Record<string, string>, change: Record<string, string | null>): Record<string, string> {
  const merged = Object.entries({ ...before, ...change });
  return Object.fromEntries(merged.filter((entry): entry is [string, string] => entry[1] !== null));
}

const checkCount = (field: string, record: Record<string, string>, most: number): Record<string, string> =>
  Object.keys(record).length > most ? { [field]: `At most ${most} entries` } : {};

function requireValid(
  fields: Record<string, string>,
  code: 'validation_error' | 'template_variable' = 'validation_error',
): void {
  if (Object.keys(fields).length > 0) throw new LongshoreError(code, { fields });
}

function noFileOfItsOwn({ method }: Redrafted): LongshoreError {
  const from = method === 'template' ? 'the template' : 'the repository';
  const problem = `belongs to ${from}: change the variables, or deploy a file of your own as a new service`;
  return new LongshoreError('validation_error', { fields: { compose: problem } });
}
