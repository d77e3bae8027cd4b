// YAML that is written again so that all parsers agree on it.
import t from 'tap';
import { parseCompose } from '#shared/compose/parse.ts';
import { toPlainYaml } from '#shared/compose/plain-yaml.ts';

const BASE = 'services:\n  web:\n    image: nginx\n';
const PLAIN_BASE = '\nservices:\n  web:\n    image: nginx\n';

t.test('every form of YAML becomes the same few', async (t) => {
  const cases: [written: string, plain: string][] = [
    ["{a: [1, 'b', {}], c: []}", '\na:\n  - 1\n  - "b"\n  - {}\nc: []\n'],
    ['a: |\n  one\n  two\n', '\na: "one\\U0000000atwo\\U0000000a"\n'],
    ['a: one\n  two # three\n', '\na: "one two"\n'],
    ['? a\n: b: c\n', '\na:\n  b: c\n'],
    ['a:\nb: ~\n', '\na: null\nb: null\n'],
    ['a: !!str 1\nb: !kept x\nc: !reset null\n', '\na: "1"\nb: "x"\nc: !reset "null"\n'],
    ['a: 1\n---\nb: 2\n', '\na: 1\n---\n\nb: 2\n'],
    ['"a\\"b\\\\": "größe 😀"', '\n"a\\"b\\\\": "größe 😀"\n'],
  ];
  for (const [written, plain] of cases) t.equal(toPlainYaml(written), plain, written);
});

t.test('numbers and words stay as they stood: parsers differ in what they take for a number or a date', async (t) => {
  const words = ['0644', '1.10', '0x1F', '1e3', '-.inf', '1_000', '2001-12-14', '12:30:45', 'yes', '-1', '.env'];
  for (const word of words) t.equal(toPlainYaml(`a: ${word}`), `\na: ${word}\n`);
  for (const word of ['a/b', '@', '2001-12-14 21:59', 'x:']) t.equal(toPlainYaml(`a: "${word}"`), `\na: "${word}"\n`);
});

t.test('what an alias stands for is written once', async (t) => {
  const written = 'a: &x {b: 1}\nc: *x\nd: {<<: *x, "<<": 2}\ne: &unused 3\n';
  t.equal(toPlainYaml(written), '\na: &a1\n  b: 1\nc: *a1\nd:\n  <<: *a1\n  "<<": 2\ne: 3\n');
  t.equal(toPlainYaml('a: &x k\n*x : &x v\nb: *x\n'), '\na: &a1 k\nk: &a2 v\nb: *a2\n');
  t.throws(() => toPlainYaml('[a, b]: c\n'), { code: 'compose_invalid', details: 'a key is a list or a mapping' });
});

t.test('A41: nothing that only Compose would read is left', async (t) => {
  for (const lineEnd of ['\u0085', '\u2028', '\u2029'])
    t.equal(toPlainYaml(`${BASE}# note${lineEnd}include: [/etc/passwd]\n`), PLAIN_BASE);
  t.equal(toPlainYaml('a: "\u2028include: x"'), '\na: "\\U00002028include: x"\n');
  for (const key of ['!<!!binary> aW5jbHVkZQ==', '!<!!merge> "<<"'])
    t.throws(() => toPlainYaml(`${BASE}? ${key}\n: {include: [/etc/passwd]}\n`), { code: 'compose_invalid' }, key);
  const merged = toPlainYaml(`${BASE}!!merge "<<": {include: [/etc/passwd]}\n`);
  t.same(parseCompose(merged).root['include'], ['/etc/passwd'], 'what both would read is judged');
});
