// Writes YAML again in so few of its forms that no two parsers read it differently: block maps and lists, text in double
// quotes on one line, words and numbers as they stood. Compose's parser takes for line ends, tags and merges what the
// library does not; where its reading must not go beyond what was judged, this is what both of them get. Pure.
import { type Alias, type Document, isAlias, isMap, isScalar, isSeq, type Node, Scalar, visit } from 'yaml';
import { COMPOSE_LIMITS } from './parse.ts';
import { invalid, readYaml } from './read-yaml.ts';

/** Comments and layout go. Fails as readYaml does, and with `compose_invalid` for a key that is no plain value. */
export function toPlainYaml(text: string): string {
  return readYaml(text, COMPOSE_LIMITS)
    .map((document) => new PlainWriter(document).write())
    .join('---\n');
}

/** Tags that mean something to Compose; all others are of no account, or said by how a value is written. */
const TAGS = ['!reset', '!override'];
const INDENT = '  ';

class PlainWriter {
  readonly #document: Document.Parsed;
  /** Of what aliases stand for. */
  readonly #names = new Map<Node, string>();

  constructor(document: Document.Parsed) {
    this.#document = document;
    visit(document, { Alias: (_, alias) => void this.#name(this.#targetOf(alias)) });
  }

  write(): string {
    return this.#after(this.#document.contents, '');
  }

  /** What follows the colon of a key or the dash of an item. */
  #after(node: unknown, indent: string): string {
    if (isAlias(node)) return ` *${this.#name(this.#targetOf(node))}\n`;
    const head = this.#headOf(node);
    const deeper = indent + INDENT;
    if (isMap(node) && node.items.length > 0) {
      const lines = node.items.map(({ key, value }) => `${indent}${this.#key(key)}:${this.#after(value, deeper)}`);
      return `${head}\n${lines.join('')}`;
    }
    if (isSeq(node) && node.items.length > 0)
      return `${head}\n${node.items.map((item) => `${indent}-${this.#after(item, deeper)}`).join('')}`;
    return `${head} ${isMap(node) ? '{}' : isSeq(node) ? '[]' : scalarText(node)}\n`;
  }

  #headOf(node: unknown): string {
    const { tag } = (node ?? {}) as { tag?: string };
    const name = this.#names.get(node as Node);
    return `${name === undefined ? '' : ` &${name}`}${tag !== undefined && TAGS.includes(tag) ? ` ${tag}` : ''}`;
  }

  #key(key: unknown): string {
    const own = isAlias(key) ? this.#targetOf(key) : key;
    if (own !== null && !isScalar(own)) throw invalid('a key is a list or a mapping');
    if (isScalar(own) && isMerge(own)) return '<<';
    const name = isAlias(key) || own === null ? undefined : this.#names.get(own);
    return `${name === undefined ? '' : `&${name} `}${scalarText(own)}`;
  }

  #targetOf(alias: Alias): Node {
    const target = alias.resolve(this.#document);
    if (target) return target;
    throw invalid(`nothing is called "${alias.source}"`);
  }

  #name(node: Node): string {
    const name = this.#names.get(node) ?? `a${this.#names.size + 1}`;
    this.#names.set(node, name);
    return name;
  }
}

/** As the library sees it: `!!merge` makes it a symbol. */
const isMerge = ({ value, type }: Scalar): boolean =>
  typeof value === 'symbol' || (value === '<<' && type === Scalar.PLAIN);

/** Also what one parser takes for text and another for a date or a number: both get what was written. */
const WORD = /^[-+]?\.?\w[\w.+:-]*(?<!:)$/;

function scalarText(node: unknown): string {
  if (!isScalar(node)) return 'null';
  const { value, source = '', type, tag } = node;
  if (type === Scalar.PLAIN && tag === undefined && WORD.test(source)) return source;
  if (typeof value === 'string') return quoted(value);
  return typeof value === 'number' || typeof value === 'boolean'
    ? String(value)
    : value === null
      ? 'null'
      : quoted(source);
}

/** What is neither letter, mark, digit, sign nor space, line ends of all kinds among it, is written as its number. */
const quoted = (text: string): string =>
  `"${text.replaceAll(/["\\]|[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/gu, (char) => {
    const code = char.codePointAt(0) ?? 0;
    return char === '"' || char === '\\' ? `\\${char}` : `\\U${code.toString(16).padStart(8, '0')}`;
  })}"`;
