// Patterns of template variables: what they take is what JavaScript takes, at a cost that no pattern can drive up.
import t from 'tap';
import { Effort, isPattern, matchesWhole } from '../../control/templates/match-pattern.ts';

const takes = (pattern: string, value: string) => matchesWhole(pattern, value, new Effort());
const byJavaScript = (pattern: string, value: string) => new RegExp(`^(?:${pattern})$`, 'u').test(value);

const PATTERNS = [
  '[a-z_][a-z0-9_]{0,3}',
  '0|[1-9][0-9]{0,2}(kb|mb)',
  '(a+)+b',
  '(?:a*)*',
  '(a|b|)*c?',
  '(?<word>ab)+|^a$',
  '^(a|b$)*',
  'a{2}b{1,}c{0,1}',
  '(?:^a?|b)*c',
  '[^\\s/]+?',
  '\\d{2}-\\w\\W\\S|\\.',
  '[\\]a-c-]+|[^]',
  '\\u0061|\\u{1F600}|\\ud83d\\ude00b|\\x62',
  '\\p{L}.\\p{Lu}?',
  'a{0}b|(){3}',
  '',
];
const VALUES = ['', 'a', 'b', 'ab', 'aab', 'aaab', 'abab', 'abc', 'c', 'bbc', '_a0_', '_a0__', '12mb', '0', '0mb'];
const MORE_VALUES = [
  '10-a-b',
  '.',
  '😀',
  '😀b',
  'äÄ',
  'éé',
  'a\nb',
  '\n',
  ']',
  'c-]',
  'a b',
  'a/',
  'aabbcc',
  '9kb',
  '[',
  'ß',
];

t.test('a pattern takes the whole value or none of it, as in JavaScript', async (t) => {
  for (const pattern of PATTERNS) {
    t.ok(isPattern(pattern), pattern);
    for (const value of [...VALUES, ...MORE_VALUES])
      t.equal(takes(pattern, value), byJavaScript(pattern, value), `${pattern} with ${JSON.stringify(value)}`);
  }
});

/** Always the same sequence, so that a failure comes again. */
function numbersFrom(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}

function somePattern(below: (limit: number) => number, depth: number): string {
  const inner = () => somePattern(below, depth - 1);
  if (depth === 0) return ['a', 'b', '[ab]', '.', '\\w', '[^a]'][below(6)] ?? 'a';
  const forms = [
    () => inner() + inner(),
    () => `(?:${inner()}|${inner()})`,
    () => `(${inner()})${['*', '+', '?', '{2}', '{1,3}', '{2,}', '*?', '+?'][below(8)]}`,
    () => `(?:^${inner()}|${inner()}$)`,
  ];
  return forms[below(forms.length)]?.() ?? 'a';
}

t.test('so does any other: ten thousand comparisons', async (t) => {
  const below = numbersFrom(42);
  const different: string[] = [];
  for (let round = 0; round < 1000; round++) {
    const pattern = somePattern(below, 1 + below(3));
    for (let each = 0; each < 10; each++) {
      const value = Array.from({ length: below(7) }, () => 'abc'[below(3)]).join('');
      if (isPattern(pattern) && takes(pattern, value) !== byJavaScript(pattern, value))
        different.push(`${pattern} with "${value}"`);
    }
  }
  t.strictSame(different, []);
});

t.test('what needs more than one look at each character is no pattern', async (t) => {
  for (const pattern of ['(?=a)a', '(?!a).', '(?<=a)b', '(?<!a)b', '(a)\\1', '(?<x>a)\\k<x>', '\\ba', 'a\\B', '(?i:a)'])
    t.equal(isPattern(pattern), false, pattern);
  for (const pattern of ['(', 'a**', '[b-a]', '\\', 'a{2,1}', '\\q', '}']) t.equal(isPattern(pattern), false, pattern);
});

t.test('a pattern may be large, not endless', async (t) => {
  t.equal(isPattern('a'.repeat(500)), true);
  t.equal(isPattern('a'.repeat(501)), false);
  t.equal(isPattern('a{400}'), true);
  for (const pattern of ['a{1000}', '((a{30}){30}){30}', '(((){999}){999}){999}', 'a{9999999999}', '(?:){9999999999,}'])
    t.equal(isPattern(pattern), false, pattern);
});

t.test('what a backtracking matcher would spend years on is answered', async (t) => {
  t.equal(takes('(a+)+b', 'a'.repeat(20_000)), false);
  t.equal(takes(`${'a*'.repeat(200)}b`, 'a'.repeat(200)), false);
});

t.test('the values of one template share one effort', async (t) => {
  const effort = new Effort();
  const costly = `${'(a|b)*'.repeat(80)}c`;
  const answers = Array.from({ length: 40 }, () => matchesWhole(costly, 'a'.repeat(200), effort));
  t.equal(answers[0], false);
  t.equal(answers.at(-1), undefined);
  t.equal(matchesWhole('a', 'a', effort), undefined);
});
