// What a query finds. A line is tested as it may be shown, without secrets, or a search would tell what it must hide.
import type { SearchRequest } from '#shared/protocol/search-parts.ts';

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
 * Looks at a json-file log without reading its lines: wherever a line has the query it finds something, and now and then
 * elsewhere. Undefined where only the lines tell.
 */
export type Probe = (bytes: Buffer) => FindBytes;

export function probeOf(query: Query, hasSecrets: boolean): Probe | undefined {
  const written = asWritten(query, hasSecrets);
  if (written === undefined) return undefined;
  if (query.ignoresCase) return (bytes) => ignoringCase(bytes.toString('latin1'), written);
  const needle = Buffer.from(written);
  return (bytes) => (from) => bytes.indexOf(needle, from);
}

/** The query as it stands in the file; undefined where there is no one way. */
export function asWritten({ query, isRegex, ignoresCase }: Query, hasSecrets: boolean): string | undefined {
  if (isRegex || query.includes(REPLACEMENT)) return undefined;
  if (hasSecrets && query.includes(MASK_CHAR)) return undefined;
  // Bytes are letters in ASCII only, and none beyond it is a letter of ASCII in another case.
  return ignoresCase && /[^ -~]/.test(query) ? undefined : escapeAsDocker(query);
}

function ignoringCase(text: string, written: string): FindBytes {
  const pattern = new RegExp(escapeRegex(written), 'gi');
  return (from) => {
    pattern.lastIndex = from;
    return pattern.exec(text)?.index ?? -1;
  };
}

// oxlint-disable-next-line no-control-regex -- these are what is escaped
const ESCAPED = /[\u0000-\u001f"\\<>&\u2028\u2029]/g;
const SHORT: Record<string, string> = { '"': '\\"', '\\': '\\\\', '\n': '\\n', '\r': '\\r' };

/** As dockerd's json-file driver writes text (moby, daemon/logger/jsonfilelog/jsonlog). */
const escapeAsDocker = (text: string): string =>
  text.replaceAll(ESCAPED, (char) => SHORT[char] ?? `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);

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
