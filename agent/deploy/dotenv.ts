// Writes `.env` so that Compose reads every value back byte for byte. Always double quotes: Compose's single quotes
// cannot hold a value that ends in a backslash.
import { LongshoreError } from '#shared/errors.ts';

/** These steer Compose and Docker themselves: another project name, another file, another host. */
const STEERING = /^(COMPOSE|DOCKER|BUILDKIT|BUILDX)_/;
/** Only chooses among the services of the file, and here is where Compose's users set it. */
const PROFILES = 'COMPOSE_PROFILES';
const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** Fails with `template_variable` naming each variable that cannot be written. */
export function toDotenv(variables: Readonly<Record<string, string>>): string {
  const fields: Record<string, string> = {};
  for (const [name, value] of Object.entries(variables)) {
    const fault = faultOf(name, value);
    if (fault) fields[`variables.${name}`] = fault;
  }
  if (Object.keys(fields).length > 0) throw new LongshoreError('template_variable', { fields });
  return Object.entries(variables)
    .map(([name, value]) => `${name}="${escape(value)}"\n`)
    .join('');
}

function faultOf(name: string, value: string): string | undefined {
  if (!NAME.test(name)) return 'the name may hold letters, digits and _ only';
  if (STEERING.test(name) && name !== PROFILES) return 'names that steer Docker Compose are reserved';
  if (value.includes('\0')) return 'the value may not hold a NUL character';
  return undefined;
}

/** A carriage return is escaped because Compose reads `\r\n` as `\n`; other line ends stand as they are. */
const escape = (value: string): string => value.replace(/[\\"$]/g, '\\$&').replaceAll('\r', '\\r');
