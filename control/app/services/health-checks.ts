// The health checks of a service: checked against its compose file as far as control has it, and shown without secrets.
// Its host fills in what is left open, and has the last word.
import { parseCompose } from '#shared/compose/parse.ts';
import { LongshoreError } from '#shared/errors.ts';
import type { HealthCheckSpec } from '#shared/health-check.ts';
import { MASK } from '#shared/secret-names.ts';
import type { ServiceSource } from '../../store/records.ts';

/** Shorter ones stand in too many words that are none. */
const MIN_SECRET_CHARS = 4;

/** Throws `validation_error` by field. The file of a repository is its host's to read. */
export function requireFitting(checks: readonly HealthCheckSpec[], { compose }: Pick<ServiceSource, 'compose'>): void {
  if (checks.length === 0) return;
  const known = compose === '' ? undefined : Object.keys(parseCompose(compose).services);
  const fields = checks.flatMap(({ service }, index): [string, string][] => {
    const field = `health_checks.${index}.service`;
    const isSecond = checks.findIndex((other) => other.service === service) < index;
    if (isSecond) return [[field, `There is one for ${service === undefined ? 'no' : 'this'} service before it`]];
    if (service === undefined || known === undefined || known.includes(service)) return [];
    return [[field, `The compose file has no such service; it has ${known.join(', ')}`]];
  });
  if (fields.length > 0) throw new LongshoreError('validation_error', { fields: Object.fromEntries(fields) });
}

/** An argument that holds the value of a secret variable is shown as `***`. */
export function maskChecks({
  healthChecks = [],
  variables,
  secretNames,
}: Pick<ServiceSource, 'healthChecks' | 'variables' | 'secretNames'>): HealthCheckSpec[] {
  const secrets = secretNames.map((name) => variables[name] ?? '').filter((it) => it.length >= MIN_SECRET_CHARS);
  const mask = (argument: string) => (secrets.some((secret) => argument.includes(secret)) ? MASK : argument);
  return healthChecks.map((check) => (check.type === 'exec' ? { ...check, command: check.command.map(mask) } : check));
}

/** What was shown as `***` stays as it was. */
export function unmaskChecks(
  checks: readonly HealthCheckSpec[],
  { healthChecks: before = [] }: Pick<ServiceSource, 'healthChecks'>,
): HealthCheckSpec[] {
  return checks.map((check, index) => {
    const known = before[index];
    if (check.type !== 'exec' || known?.type !== 'exec') return check;
    return { ...check, command: check.command.map((given, at) => (given === MASK && known.command[at]) || given) };
  });
}
