// Secrets that a user wrote into the compose text itself: found by the names they stand at, masked for whoever may not
// read them, and put back when the masked text is sent back.
import {
  isAlias,
  isPair,
  isScalar,
  isSeq,
  parseDocument,
  visit,
  type Document,
  type Node,
  type Pair,
  type Scalar,
} from 'yaml';
import { LongshoreError } from '#shared/errors.ts';
import { looksSecret, MASK } from '#shared/secret-names.ts';

/** A value with a name: `NAME: value`, or `- NAME=value` in a list. */
interface Literal {
  /** `services.web.environment.PASSWORD`; the same for the same place in another version of the text. */
  path: string;
  name: string;
  value: string;
  replace: (value: string) => void;
}

/** The compose text with literal secrets masked; text without any comes back as it was, to the byte. */
export const maskCompose = (compose: string): string =>
  rewrite(compose, (literals) => {
    const secrets = literals.filter(isSecret);
    for (const secret of secrets) secret.replace(MASK);
    return secrets.length > 0;
  });

/**
 * The reverse, for a text that was shown masked, changed and sent back: each mask becomes the secret that stands at the
 * same place of `stored`. Throws validation_error where none does.
 */
export function unmaskCompose(compose: string, stored: string): string {
  if (compose === maskCompose(stored)) return stored; // not one byte is anybody's change
  return rewrite(compose, (literals) => {
    const masked = literals.filter(({ value }) => value === MASK);
    if (masked.length === 0) return false;
    const secrets = new Map(
      literalsOf(parse(stored))
        .filter(isSecret)
        .map(({ path, value }) => [path, value]),
    );
    for (const { path, replace } of masked) replace(secrets.get(path) ?? refuseMask(path));
    return true;
  });
}

/** The values themselves as Compose reads them, for the mask of the service's logs. */
export const literalSecretsOf = (compose: string): string[] =>
  literalsOf(parse(compose))
    .filter(isSecret)
    .map(({ value }) => DEFAULT.exec(value)?.[1] ?? value.replaceAll('$$', '$'));

const parse = (compose: string): Document => parseDocument(compose, { merge: true, uniqueKeys: false });

function rewrite(compose: string, change: (literals: Literal[]) => boolean): string {
  const document = parse(compose);
  return change(literalsOf(document)) ? document.toString() : compose;
}

function literalsOf(document: Document): Literal[] {
  const literals: Literal[] = [];
  visit(document, {
    Pair: (_, pair: Pair, above) => {
      add(literals, fromPair(document, pair, pathOf([...above, pair])));
    },
    Seq: (_, list, above) => {
      const path = pathOf([...above, list]);
      for (const item of list.items) add(literals, fromAssignment(item as Node, path));
    },
  });
  return literals;
}

function add(literals: Literal[], found: Literal | undefined): void {
  if (found) literals.push(found);
}

/** `NAME: value`; an alias is followed to where it points, because the value stands there under another name. */
function fromPair(document: Document, { key, value }: Pair, path: string): Literal | undefined {
  const scalar = isAlias(value) ? value.resolve(document) : value;
  if (!isScalar(key) || !isScalar(scalar)) return undefined;
  if (!['string', 'number', 'bigint'].includes(typeof scalar.value)) return undefined;
  const replace = (text: string) => setScalar(scalar, text);
  return { path, name: String(key.value), value: String(scalar.value), replace };
}

/** `- NAME=value`, the list form of an environment; `- --name=value` of a command, `- a.b=value` of labels. */
function fromAssignment(item: Node, path: string): Literal | undefined {
  if (!isScalar(item) || typeof item.value !== 'string') return undefined;
  const [, name, value] = /^([\w.-]+)=([\s\S]*)$/.exec(item.value) ?? [];
  if (name === undefined || value === undefined) return undefined;
  return { path: `${path}.${name}=`, name, value, replace: (text) => setScalar(item, `${name}=${text}`) };
}

function setScalar(scalar: Scalar, text: string): void {
  scalar.value = text;
  delete scalar.source; // what a number was written as
}

/** Keys by name, items of a list by their number. */
function pathOf(nodes: readonly unknown[]): string {
  return nodes
    .flatMap((node, i) => {
      if (isPair(node)) return [isScalar(node.key) ? String(node.key.value) : '?'];
      const next = nodes[i + 1];
      return isSeq(node) && next !== undefined ? [String(node.items.indexOf(next))] : [];
    })
    .join('.');
}

/** A reference to a variable says nothing; `${NAME:-value}` and its like do. */
const REFERENCE = /^\$(\w+|\{\w+(:?\?[^}]*|:?[-+])?\})$/;
const DEFAULT = /^\$\{\w+:?[-+]([^${}]+)\}$/;

const isSecret = ({ name, value }: Literal): boolean =>
  value !== '' && value !== MASK && !REFERENCE.test(value) && looksSecret(name, value);

function refuseMask(path: string): never {
  throw new LongshoreError('validation_error', {
    fields: { compose: `${path.replace(/=$/, '')}: "${MASK}" keeps a secret that is there, and there is none` },
  });
}
