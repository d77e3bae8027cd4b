// Which files a push touched, and when nobody can say.
import t from 'tap';
import { pushedFiles, type PushedFields } from '../../control/app/git/pushed-files.ts';

const commit = (...modified: string[]) => ({ added: ['a.ts'], modified, removed: [] });
const push = (change: Partial<PushedFields> = {}): PushedFields => ({
  before: 'b'.repeat(40),
  forced: false,
  created: false,
  commits: [commit('b.ts'), commit('c.ts')],
  total_commits: null,
  total_commits_count: null,
  ...change,
});
const many = (count: number) => Array.from({ length: count }, () => commit('x'));

t.test('the files of all commits, each once', async (t) => {
  t.strictSame(pushedFiles(push()), ['a.ts', 'b.ts', 'c.ts']);
  t.strictSame(pushedFiles(push({ total_commits_count: 2 })), ['a.ts', 'b.ts', 'c.ts'], 'GitLab');
  t.strictSame(pushedFiles(push({ total_commits: 2 })), ['a.ts', 'b.ts', 'c.ts'], 'Gitea');
  t.strictSame(pushedFiles(push({ commits: many(20), total_commits_count: 20 })), ['a.ts', 'x']);
});

t.test('nobody can say where commits are left out, or left behind', async (t) => {
  const cases: Record<string, Partial<PushedFields>> = {
    'no commits told': { commits: null },
    'a branch that moved to commits known already': { commits: [] },
    'more commits than GitLab tells': { total_commits_count: 21, commits: many(20) },
    'more commits than Gitea tells': { total_commits: 6, commits: many(5) },
    'as many as GitHub tells at most': { commits: many(2048) },
    'as many as an old GitHub tells at most': { commits: many(20) },
    'a branch rewritten': { forced: true },
    'a new branch': { created: true },
    'a new branch of GitLab': { before: '0'.repeat(40) },
    'a script': { before: null },
  };
  for (const [name, change] of Object.entries(cases)) t.equal(pushedFiles(push(change)), null, name);
});
