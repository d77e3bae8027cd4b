// Hides secrets where bytes are searched without being read as lines. They may not be found even there: reading the lines
// that seem to match takes time, and from that one could tell whether a guess at a secret is right.
import { formsOf } from '../secrets/forms.ts';
import { Matcher } from '../secrets/matcher.ts';
import { escapeAsDocker } from './docker-escapes.ts';

/** The same bytes, and blank where a secret stands. */
export type Veil = (bytes: Buffer) => Buffer;

/** No log file has it: it is always escaped. */
const BLANK = 0;

/** Undefined where there is nothing to hide. */
export function createVeil(secrets: readonly string[]): Veil | undefined {
  const matcher = new Matcher(formsOf(secrets).map((form) => Buffer.from(escapeAsDocker(form.toString()))));
  if (matcher.patterns.length === 0) return undefined;
  return (bytes) => {
    const veiled = Buffer.from(bytes);
    for (let match = matcher.find(bytes, 0, bytes.length); match; ) {
      veiled.fill(BLANK, match.start, match.end);
      match = matcher.find(bytes, match.start + 1, bytes.length);
    }
    return veiled;
  };
}
