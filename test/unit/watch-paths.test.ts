// Which files concern a service that watches some of its repository.
import t from 'tap';
import { isAnyWatched, isWatchPath } from '../../control/app/git/watch-paths.ts';

t.test('a pattern fits names, folders and what is in them', async (t) => {
  const cases: [pattern: string, fitting: string[], other: string[]][] = [
    ['apps/web', ['apps/web', 'apps/web/a.ts', 'apps/web/x/y/z'], ['apps/webx', 'apps', 'apps/api/a', 'x/apps/web/a']],
    ['apps/web/**', ['apps/web/a.ts', 'apps/web/x/y'], ['apps/web2/a', 'web/a']],
    ['*.ts', ['a.ts', '.ts', 'a.ts/x'], ['x/a.ts', 'a.tsx', 'a.js']],
    ['**/*.ts', ['a.ts', 'x/a.ts', 'x/y/z.ts'], ['a.js', 'x/a.tsx']],
    [
      '**/test/**/*.ts',
      ['test/a.ts', 'x/test/a.ts', 'x/test/y/z/a.ts', 'test/test/a.ts'],
      ['x/tests/a.ts', 'test/a.js'],
    ],
    ['a?c', ['abc', 'a😀c'], ['ac', 'abbc', 'a/c']],
    ['a*b*c', ['abc', 'a1b2c', 'abcbc', 'aXbYbZc'], ['abcd', 'acb', 'ab/c']],
    ['**', ['a', 'a/b/c'], []],
    ['*', ['a', 'a/b'], []],
    ['*/a', ['x/a', 'x/a/b'], ['a', 'x/y/a']],
    ['a/**/b', ['a/b', 'a/x/b', 'a/x/y/b/c'], ['a', 'a/x', 'b']],
    ['größe/[a].txt', ['größe/[a].txt'], ['größe/a.txt']],
  ];
  for (const [pattern, fitting, other] of cases) {
    for (const file of fitting) t.equal(isAnyWatched([pattern], [file]), true, `${pattern} fits ${file}`);
    for (const file of other) t.equal(isAnyWatched([pattern], [file]), false, `${pattern} does not fit ${file}`);
  }
});

t.test('the last pattern that fits a file counts; one file is enough', async (t) => {
  const docs = ['apps/web/**', '!**/*.md'];
  t.equal(isAnyWatched(docs, ['apps/web/README.md', 'docs/a.md', 'apps/api/a.ts']), false);
  t.equal(isAnyWatched(docs, ['apps/web/README.md', 'apps/web/a.ts']), true);
  t.equal(isAnyWatched([...docs, 'apps/web/help.md'], ['apps/web/help.md']), true);
  t.equal(isAnyWatched(['!docs'], ['docs/a']), false);
  t.equal(isAnyWatched(['!docs'], ['a']), true, 'only exceptions: everything else counts');
  t.equal(isAnyWatched(docs, []), false);
});

t.test('patterns made to take long end in undefined', async (t) => {
  const slow = `${'*a'.repeat(60)}b`;
  t.equal(isAnyWatched([slow], ['a'.repeat(4000)]), false);
  const many = Array.from({ length: 50 }, () => slow);
  t.equal(
    isAnyWatched(
      many,
      Array.from({ length: 200 }, () => 'a'.repeat(4000)),
    ),
    undefined,
  );
  t.equal(isAnyWatched(['**/a/**/a/**/a/b'], [Array.from({ length: 2000 }, () => 'a').join('/')]), false);
});

t.test('a pattern is a relative path of plain names', async (t) => {
  for (const text of ['a', '!a', '*', '**', '.github/**', 'a b/c', '!**/*.md', '...', '-x', 'a/!b'])
    t.ok(isWatchPath(text), text);
  for (const text of [
    '',
    '!',
    '!!a',
    '/a',
    '!/a',
    '../a',
    'a/../b',
    'a/..',
    '.',
    './a',
    'a//b',
    'a/',
    'a\\b',
    'a\nb',
    'a\0',
  ])
    t.notOk(isWatchPath(text), JSON.stringify(text));
});
