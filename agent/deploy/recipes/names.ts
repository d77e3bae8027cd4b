// Grammars for what a repository may say: whatever does not fit is as good as not said.

/** Below the top, without `.` or `..` on the way, and without a character that Docker or a shell reads. */
const PATH = /^(?!\.{1,2}(\/|$))[\w@.+-]+(\/(?!\.{1,2}(\/|$))[\w@.+-]+)*$/;
const PATH_CHARS = 200;
const MODULE = /^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*$/;
const BINARY = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$/;

/** `./dist/main.js` → `dist/main.js`; undefined for what is no path inside of the repository. */
export function pathOf(value: unknown): string | undefined {
  if (typeof value !== 'string' || value.length > PATH_CHARS) return undefined;
  const path = value.replace(/^\.\//, '').replace(/\/$/, '');
  return PATH.test(path) && !path.startsWith('-') ? path : undefined;
}

/** A Python module, `shop.wsgi`. */
export const moduleOf = (value: unknown): string | undefined =>
  typeof value === 'string' && value.length <= PATH_CHARS && MODULE.test(value) ? value : undefined;

/** The name of a program that is built. */
export const binaryOf = (value: unknown): string | undefined =>
  typeof value === 'string' && BINARY.test(value) ? value : undefined;
