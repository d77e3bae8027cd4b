// What changes in a text, as people read it: a unified diff. The one file that knows the library. Pure.
import { createTwoFilesPatch } from 'diff';

/** Beyond these many changed lines the comparison takes longer than reading both; all of it counts as changed then. */
const MAX_EDITS = 1_000;

/** Null `before`: there was nothing. Empty when they are the same. */
export function unifiedDiff(name: string, before: string | null, after: string): string {
  if (before === after) return '';
  const from = before === null ? '/dev/null' : `a/${name}`;
  const options = { context: 3, maxEditLength: MAX_EDITS };
  const patch = createTwoFilesPatch(from, `b/${name}`, before ?? '', after, undefined, undefined, options);
  return withoutRule(patch ?? replaced(from, `b/${name}`, before ?? '', after));
}

/** The library begins with a line of `=`, which is no part of the format. */
const withoutRule = (patch: string): string => patch.replace(/^=+\n/, '');

function replaced(from: string, to: string, before: string, after: string): string {
  const head = `--- ${from}\n+++ ${to}\n@@ -${rangeOf(before)} +${rangeOf(after)} @@\n`;
  return head + signed('-', before) + signed('+', after);
}

/** Each line with its sign; the format says where the last one has no end. */
function signed(sign: '-' | '+', text: string): string {
  if (text === '') return '';
  const lines = linesOf(text).map((line) => `${sign}${line}\n`);
  return lines.join('') + (text.endsWith('\n') ? '' : '\\ No newline at end of file\n');
}

const linesOf = (text: string): string[] => (text === '' ? [] : text.replace(/\n$/, '').split('\n'));
const rangeOf = (text: string): string => (text === '' ? '0,0' : `1,${linesOf(text).length}`);
