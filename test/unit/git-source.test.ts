// What a Git source may say besides its URL (that: test/control/git-sources.test.ts).
import t from 'tap';
import { checkGitSource } from '#shared/git-source.ts';
import type { GitSource } from '#shared/model.ts';

const check = (source: Partial<GitSource>) => () =>
  checkGitSource({ url: 'https://example.com/x.git', branch: null, ...source }, { allowsFiles: false });

t.test('A50: a folder of the repository is one inside it, and reads like nothing else', async (t) => {
  const bad = [
    '/etc',
    '../x',
    'a/../b',
    'a/..',
    '..',
    '.',
    './a',
    'a//b',
    'a/',
    '',
    '-C',
    '--help',
    'a\\b',
    'a\nb',
    'a\0',
  ];
  for (const path of [...bad, '.git', 'a/.GIT/b', '${HOME}', 'a/$x', 'a'.repeat(256)])
    t.throws(check({ path }), { code: 'validation_error', fields: { git_path: /Not a folder/ } }, path);
  for (const path of ['a', 'a b/c', '...', '.github/x', 'größe', 'a/-/b', 'x.git/y', 'a'.repeat(255)])
    t.doesNotThrow(check({ path }), path);
});

t.test('a commit is named in full', async (t) => {
  for (const commit of ['a'.repeat(40), 'f'.repeat(64)]) t.doesNotThrow(check({ commit }), commit);
  for (const commit of ['', 'a'.repeat(39), 'g'.repeat(40), 'A'.repeat(40), '--upload-pack=x', 'HEAD'])
    t.throws(check({ commit }), { code: 'validation_error', fields: { git_commit: /full name/ } }, commit);
});
