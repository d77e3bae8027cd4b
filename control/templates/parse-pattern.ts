// A variable's pattern as a tree. The grammar is that of JavaScript with its `u` flag, without what cannot be matched in
// one pass over the value: lookaround, references to groups, word boundaries, modifiers. Pure.

export type Pattern =
  /** One character: a class, an escape, a dot or itself, as JavaScript writes it. */
  | { kind: 'char'; source: string }
  | { kind: 'start' | 'end' }
  | { kind: 'sequence' | 'choice'; parts: Pattern[] }
  /** `max` may be Infinity. */
  | { kind: 'repeat'; part: Pattern; min: number; max: number };

const HEX = '[0-9a-fA-F]';
const TOKEN = new RegExp(
  [
    String.raw`\[(?:\\[^]|[^\]\\])*\]`,
    String.raw`\\u[dD][89abAB]${HEX}{2}\\u[dD][c-fC-F]${HEX}{2}`, // two escapes, one character
    String.raw`\\(?:u\{${HEX}+\}|u${HEX}{4}|x${HEX}{2}|c[A-Za-z]|[pP]\{[^}]*\}|[^])`,
    String.raw`\(\?:|\(\?<(?![=!])[^>]*>|\(\??`,
    String.raw`[*+?]\??|\{\d+(?:,\d*)?\}\??`,
    '[^]',
  ].join('|'),
  'gu',
);
/** Groups that look around or change the rules, references, and what depends on the character before. */
const BEYOND = /^(\(\?|\\[1-9kbB])$/;
const QUANTIFIER = /^([*+?]|\{(\d+)(,?)(\d*)\})\??$/;

/** Undefined for a text that is no pattern, or one beyond the grammar. */
export function parsePattern(text: string): Pattern | undefined {
  if (!isRegExp(text)) return undefined;
  const tokens = text.match(TOKEN) ?? [];
  return tokens.some((token) => BEYOND.test(token)) ? undefined : readChoice(new Reader(tokens));
}

/** What is one for JavaScript has its brackets closed and its quantifiers behind something. */
function isRegExp(text: string): boolean {
  try {
    return new RegExp(text, 'u') instanceof RegExp;
  } catch {
    return false;
  }
}

class Reader {
  readonly #tokens: readonly string[];
  #at = 0;

  constructor(tokens: readonly string[]) {
    this.#tokens = tokens;
  }

  get next(): string | undefined {
    return this.#tokens[this.#at];
  }

  take(): string {
    return this.#tokens[this.#at++] ?? '';
  }
}

function readChoice(reader: Reader): Pattern {
  const parts = [readSequence(reader)];
  while (reader.next === '|') {
    reader.take();
    parts.push(readSequence(reader));
  }
  return { kind: 'choice', parts };
}

function readSequence(reader: Reader): Pattern {
  const parts: Pattern[] = [];
  while (reader.next !== undefined && reader.next !== '|' && reader.next !== ')') parts.push(readRepeated(reader));
  return { kind: 'sequence', parts };
}

function readRepeated(reader: Reader): Pattern {
  const part = readAtom(reader);
  const quantifier = QUANTIFIER.exec(reader.next ?? '');
  if (!quantifier) return part;
  reader.take();
  return { kind: 'repeat', part, ...boundsOf(quantifier) };
}

function boundsOf([, sign, min = '', comma, max = '']: RegExpExecArray): { min: number; max: number } {
  if (sign === '*') return { min: 0, max: Infinity };
  if (sign === '+') return { min: 1, max: Infinity };
  if (sign === '?') return { min: 0, max: 1 };
  if (comma === '') return { min: Number(min), max: Number(min) };
  return { min: Number(min), max: max === '' ? Infinity : Number(max) };
}

function readAtom(reader: Reader): Pattern {
  const token = reader.take();
  if (token === '^') return { kind: 'start' };
  if (token === '$') return { kind: 'end' };
  if (!token.startsWith('(')) return { kind: 'char', source: token };
  const inner = readChoice(reader);
  reader.take(); // the bracket that closes it
  return inner;
}
