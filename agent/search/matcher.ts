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

/**
 * The bytes that lie in a json-file log wherever a line has the query, so that the file can be searched without reading
 * its lines; undefined where only the lines tell.
 */
export function needleOf({ query, isRegex, ignoresCase }: Query, hasSecrets: boolean): Buffer | undefined {
  if (isRegex || ignoresCase || query.includes(REPLACEMENT)) return undefined;
  if (hasSecrets && query.includes(MASK_CHAR)) return undefined;
  return Buffer.from(escapeAsDocker(query));
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
