// What of a service is shown only to holders of secrets.read. A template says which variables are secret; for a user's
// own compose file the names have to tell.
import { isScalar, parseDocument, visit, type Node, type Pair } from 'yaml';

const SECRET_NAME = /pass(word|wd|phrase)?|secret|token|api_?key|private|credential|_key$|^key$|salt|dsn|auth/i;
/** `scheme://user:password@…` */
const URL_WITH_PASSWORD = /:\/\/[^/\s:@]*:[^/\s@]+@/;
export const MASK = '***';

export const looksSecret = (name: string, value: string): boolean =>
  SECRET_NAME.test(name) || URL_WITH_PASSWORD.test(value);

export function maskVariables(
  variables: Record<string, string>,
  secretNames: readonly string[],
): Record<string, string> {
  const secret = new Set(secretNames);
  return Object.fromEntries(
    Object.entries(variables).map(([name, value]) => [name, secret.has(name) && value !== '' ? MASK : value]),
  );
}

/** The compose text with literal secrets masked; text without any comes back as it was, to the byte. */
export function maskCompose(compose: string): string {
  const document = parseDocument(compose, { merge: true });
  let isChanged = false;
  const mask = (value: unknown, name: string) => {
    if (!isScalar(value) || typeof value.value !== 'string' || !isLiteralSecret(name, value.value)) return;
    value.value = MASK;
    isChanged = true;
  };
  visit(document, {
    Pair: (_, pair: Pair) => mask(pair.value, isScalar(pair.key) ? String(pair.key.value) : ''),
    Seq: (_, list) => list.items.forEach((item) => (isChanged = maskAssignment(item as Node) || isChanged)),
  });
  return isChanged ? document.toString() : compose;
}

/** `- NAME=value`, the list form of an environment. */
function maskAssignment(item: Node): boolean {
  if (!isScalar(item) || typeof item.value !== 'string') return false;
  const [, name = '', value = ''] = /^([A-Za-z_]\w*)=([\s\S]*)$/.exec(item.value) ?? [];
  if (!isLiteralSecret(name, value)) return false;
  item.value = `${name}=${MASK}`;
  return true;
}

/** A reference to a variable is no secret; neither is Compose's own word for one. */
const isLiteralSecret = (name: string, value: string): boolean =>
  value !== '' && !/^\$(\{[^}]*\}|\w+)$/.test(value) && looksSecret(name, value);
