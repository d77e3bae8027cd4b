// What of a service is shown only to holders of secrets.read. A template says which variables are secret; for a user's
// own compose file the names have to tell.
import { isAlias, isScalar, parseDocument, visit, type Document, type Node, type Pair } from 'yaml';

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
  visit(document, {
    Pair: (_, pair: Pair) => void (isChanged = maskPair(document, pair) || isChanged),
    Seq: (_, list) => list.items.forEach((item) => (isChanged = maskAssignment(item as Node) || isChanged)),
  });
  return isChanged ? document.toString() : compose;
}

/** `NAME: value`; an alias is masked where it points, because the value stands there under another name. */
function maskPair(document: Document, { key, value }: Pair): boolean {
  const name = isScalar(key) ? String(key.value) : '';
  const scalar = isAlias(value) ? value.resolve(document) : value;
  if (!isScalar(scalar) || !['string', 'number', 'bigint'].includes(typeof scalar.value)) return false;
  if (!isLiteralSecret(name, String(scalar.value))) return false;
  scalar.value = MASK;
  delete scalar.source; // what a number was written as
  return true;
}

/** `- NAME=value`, the list form of an environment; `- --name=value` of a command, `- a.b=value` of labels. */
function maskAssignment(item: Node): boolean {
  if (!isScalar(item) || typeof item.value !== 'string') return false;
  const [, name = '', value = ''] = /^([\w.-]+)=([\s\S]*)$/.exec(item.value) ?? [];
  if (!isLiteralSecret(name, value)) return false;
  item.value = `${name}=${MASK}`;
  return true;
}

/** A reference to a variable says nothing; `${NAME:-value}` and its like do. */
const REFERENCE = /^\$(\w+|\{\w+(:?\?[^}]*|:?[-+])?\})$/;

const isLiteralSecret = (name: string, value: string): boolean =>
  value !== '' && value !== MASK && !REFERENCE.test(value) && looksSecret(name, value);
