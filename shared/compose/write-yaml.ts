// Plain data as YAML for Compose, whose reader takes more for numbers and dates than YAML 1.2 does: `1_000` is 1000 to it,
// `0B11` is 3, and an environment with `2020-01-01` is refused. A text that begins like a number is quoted, therefore.
import { Document, visit, type Node } from 'yaml';

const NUMBER_LIKE = /^[-+.\d]/;

/** A whole file. */
export function writeYaml(root: object): string {
  const document = new Document(root, { aliasDuplicateObjects: false });
  quoteNumberLike(document);
  return document.toString();
}

/** A part of a file that stands already. */
export function toYamlNode(document: Document, value: unknown): Node {
  const node = document.createNode(value, { aliasDuplicateObjects: false });
  quoteNumberLike(node);
  return node;
}

const quoteNumberLike = (root: Document | Node): void =>
  visit(root, {
    Scalar: (_, scalar) => {
      if (typeof scalar.value === 'string' && NUMBER_LIKE.test(scalar.value)) scalar.type = 'QUOTE_DOUBLE';
    },
  });
