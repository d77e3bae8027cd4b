// What a query finds. A line is tested as it may be shown, without secrets, or a search would tell what it must hide.
import type { SearchRequest } from '#shared/protocol/search-parts.ts';
import { escapeAsDocker } from './docker-escapes.ts';
import type { Veil } from './veil.ts';

export type Query = Pick<SearchRequest, 'query' | 'isRegex' | 'ignoresCase'>;

/** Where in a line the match begins; -1: there is none. */
export type FindMatch = (line: string) => number;

/** Throws SyntaxError for what is no regular expression. */
export function createMatcher({ query, isRegex, ignoresCase }: Query): FindMatch {
  if (!isRegex && !ignoresCase) return (line) => line.indexOf(query);
  const pattern = new RegExp(isRegex ? query : escapeRegex(query), ignoresCase ? 'i' : '');
  return (line) => line.search(pattern);
}

const escapeRegex = (text: string): string => text.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&');

/** A secret is shown as asterisks: one in a query may stand there. */
const MASK_CHAR = '*';
/** Written for bytes that are not UTF-8, and for itself. */
const REPLACEMENT = '\ufffd';

/** Where the next bytes lie, from a position on, that a line with the query has; -1: nowhere. */
export type FindBytes = (from: number) => number;

/**
 * Looks at a json-file log without reading its lines: wherever a line, as it may be shown, has the query it finds
 * something, and now and then elsewhere. Undefined where only the lines tell.
 */
export type Probe = (bytes: Buffer) => FindBytes;

export function probeOf(query: Query, veil?: Veil): Probe | undefined {
  const written = asWritten(query, veil !== undefined);
  if (written === undefined) return undefined;
  const probe = query.ignoresCase ? ignoringCase(written) : asItIs(written);
  return veil ? (bytes) => probe(veil(bytes)) : probe;
}

/** The query as it stands in the file; undefined where there is no one way. */
export function asWritten({ query, isRegex, ignoresCase }: Query, hasSecrets: boolean): string | undefined {
  if (isRegex || query.includes(REPLACEMENT)) return undefined;
  if (hasSecrets && query.includes(MASK_CHAR)) return undefined;
  // Bytes are letters in ASCII only, and none beyond it is a letter of ASCII in another case.
  return ignoresCase && /[^ -~]/.test(query) ? undefined : escapeAsDocker(query);
}

function asItIs(written: string): Probe {
  const needle = Buffer.from(written);
  return (bytes) => (from) => bytes.indexOf(needle, from);
}

function ignoringCase(written: string): Probe {
  const pattern = new RegExp(escapeRegex(written), 'gi');
  return (bytes) => {
    const text = bytes.toString('latin1');
    return (from) => {
      pattern.lastIndex = from;
      return pattern.exec(text)?.index ?? -1;
    };
  };
}

/** Of a line in an answer. */
const MAX_SHOWN_CHARS = 4096;
/** Before the match, where the line does not fit. */
const LEAD_CHARS = 512;
const CUT = '…';

/** A long line around its match, cut ends marked. */
export function excerpt(line: string, matchAt: number): string {
  if (line.length <= MAX_SHOWN_CHARS) return line;
  const from = matchAt + LEAD_CHARS < MAX_SHOWN_CHARS ? 0 : matchAt - LEAD_CHARS;
  const to = from + MAX_SHOWN_CHARS;
  return `${from > 0 ? CUT : ''}${line.slice(from, to)}${to < line.length ? CUT : ''}`.toWellFormed();
}
