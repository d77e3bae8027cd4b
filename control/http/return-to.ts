// Where a browser goes after its login: a path of ours and nothing else. Pure.

/** Without a page of our own: who one is now. */
export const DEFAULT_RETURN_TO = '/api/auth/session';
const MAX_CHARS = 2000;
/** Not a real place: what is relative stays here, anything else does not. */
const BASE = 'https://longshore.invalid';

/** The path as a browser would read it; undefined for another place. */
export function readReturnTo(text: string): string | undefined {
  const url = text.startsWith('/') && text.length <= MAX_CHARS ? URL.parse(text, BASE) : null;
  if (url?.origin !== BASE) return undefined;
  const path = url.pathname + url.search + url.hash;
  return path.startsWith('//') ? undefined : path; // what `/.//evil.example` becomes is a host again
}
