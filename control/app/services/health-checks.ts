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

/** Arguments and paths that hold the value of a secret variable are shown with `***`. */
export function maskChecks({
  healthChecks = [],
  ...source
}: Pick<ServiceSource, 'healthChecks' | 'variables' | 'secretNames'>): HealthCheckSpec[] {
  const secrets = secretsOf(source);
  return healthChecks.map((check) => maskCheck(check, secrets));
}

function maskCheck(check: HealthCheckSpec, secrets: readonly string[]): HealthCheckSpec {
  if (check.type === 'exec') {
    const mask = (argument: string) => (secrets.some((secret) => argument.includes(secret)) ? MASK : argument);
    return { ...check, command: check.command.map(mask) };
  }
  if (check.type === 'tcp' || check.path === undefined) return check;
  return { ...check, path: secrets.reduce((path, secret) => path.replaceAll(secret, MASK), check.path) };
}

const secretsOf = ({ variables, secretNames }: Pick<ServiceSource, 'variables' | 'secretNames'>): string[] =>
  secretNames.map((name) => variables[name] ?? '').filter((it) => it.length >= MIN_SECRET_CHARS);

/** What was shown with `***` stays as it was: of the check that is about the same service. Throws `validation_error`. */
export function unmaskChecks(
  checks: readonly HealthCheckSpec[],
  { healthChecks: before = [], ...source }: Pick<ServiceSource, 'healthChecks' | 'variables' | 'secretNames'>,
): HealthCheckSpec[] {
  const secrets = secretsOf(source);
  return checks.map((check, index) => {
    const known = before.find((one) => one.service === check.service && one.type === check.type);
    return unmaskCheck(check, known, { secrets, field: `health_checks.${index}` });
  });
}

interface Unmasking {
  secrets: readonly string[];
  field: string;
}

function unmaskCheck(
  check: HealthCheckSpec,
  known: HealthCheckSpec | undefined,
  { secrets, field }: Unmasking,
): HealthCheckSpec {
  const shown = known && maskCheck(known, secrets);
  if (check.type === 'exec') {
    const before = known?.type === 'exec' ? known.command : [];
    const masked = shown?.type === 'exec' ? shown.command : [];
    const command = check.command.map((given, at) => (given === masked[at] ? (before[at] ?? given) : given));
    if (command.some((argument, at) => argument === MASK && before[at] !== MASK))
      throw nothingToKeep(`${field}.command`);
    return { ...check, command };
  }
  const isSame = check.type === 'http' && shown?.type === 'http' && check.path === shown.path;
  return isSame && known?.type === 'http' ? { ...check, path: known.path } : check;
}

const nothingToKeep = (field: string): LongshoreError =>
  new LongshoreError('validation_error', { fields: { [field]: `"${MASK}" keeps an argument, and there is none` } });
