// Which variables of a service are shown only to holders of secrets.read.
import { looksSecret, MASK } from '#shared/secret-names.ts';

export const secretNamesOf = (variables: Record<string, string>): string[] =>
  Object.entries(variables).flatMap(([name, value]) => (looksSecret(name, value) ? [name] : []));

export function maskVariables(
  variables: Record<string, string>,
  secretNames: readonly string[],
): Record<string, string> {
  const secret = new Set(secretNames);
  return Object.fromEntries(
    Object.entries(variables).map(([name, value]) => [name, secret.has(name) && value !== '' ? MASK : value]),
  );
}
