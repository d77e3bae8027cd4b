// Pure: a command line as words and back, with the quotes of a shell and nothing else of it: no variable, no pattern and
// no operator means anything.
import { LongshoreError } from '#shared/errors.ts';

const PART = /\s+|'([^']*)'|"((?:[^"\\]|\\.)*)"|\\(.)|([^\s'"\\]+)/gsy;

/** Throws `validation_error` for a quote that is not closed. */
export function splitWords(line: string): string[] {
  const words: string[] = [];
  let open: string | undefined;
  let end = 0;
  for (const [all, single, double, escaped, plain] of line.matchAll(PART)) {
    end += all.length;
    const text = single ?? double?.replaceAll(/\\(["\\$`])/g, '$1') ?? escaped ?? plain;
    if (text !== undefined) open = (open ?? '') + text;
    else if (open !== undefined) open = void words.push(open);
  }
  if (end < line.length)
    throw new LongshoreError('validation_error', { fields: { 'task.data.command': 'has an open quote' } });
  return open === undefined ? words : [...words, open];
}

/** What `splitWords` reads as these words. */
export const joinWords = (words: readonly string[]): string => words.map(quote).join(' ');

const quote = (word: string): string => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`);
