// Which variables of a service are shown only to holders of secrets.read. A template says which are secret; for a user's
// own compose file the names have to tell.

const SECRET_NAME = /pass(word|wd|phrase)?|secret|token|api_?key|private|credential|_key$|^key$|salt|dsn|auth/i;
/** `scheme://user:password@…` */
const URL_WITH_PASSWORD = /:\/\/[^/\s:@]*:[^/\s@]+@/;
/** What stands in the place of a secret. Sent back it means: as it was. */
export const MASK = '***';

export const looksSecret = (name: string, value: string): boolean =>
  SECRET_NAME.test(name) || URL_WITH_PASSWORD.test(value);

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
