// What is told of a git that failed. How ssh says it for real: test/agent/git-ssh.test.ts.
import t from 'tap';
import { gitFault } from '../../agent/deploy/git/git-faults.ts';

const SSH_END = [
  'fatal: Could not read from remote repository.',
  '',
  'Please make sure you have the correct access rights',
  'and the repository exists.',
];

t.test('the last fault counts, with the way out where there is one', async (t) => {
  const cases: [words: string[], details: string | RegExp][] = [
    [["fatal: couldn't find remote ref next"], "fatal: couldn't find remote ref next"],
    [['warning: x', 'error: one', 'fatal: two', 'remote: three'], 'fatal: two'],
    [['something else'], 'something else'],
    [[], 'git failed'],
    [["fatal: could not read Username for 'https://x': terminal prompts disabled"], /wants a git_token/],
    [['fatal: unable to access: The requested URL returned error: 301'], /give the URL that it redirects to/],
    [
      ['ssh: connect to host x port 22: Connection refused', ...SSH_END],
      'ssh: connect to host x port 22: Connection refused',
    ],
    [['git@x: Permission denied (publickey).', ...SSH_END], /^git@x: Permission denied.*deploy key/],
    [["fatal: '/x' does not appear to be a git repository", ...SSH_END], /does not appear to be a git repository$/],
    [SSH_END, 'fatal: Could not read from remote repository.'],
    [['Host key verification failed.', ...SSH_END], /git_known_hosts does not have/],
  ];
  for (const [words, details] of cases)
    t.match(gitFault(words, false), { code: 'git_failed', details }, words[0] ?? 'nothing');
});

t.test('A53: what ran out of what it may have is over the limit', async (t) => {
  t.match(gitFault(['fatal: anything'], true), { code: 'repo_limit' });
  for (const line of ['fatal: Out of memory, malloc failed', 'fatal: fetch-pack: invalid index-pack output'])
    t.match(gitFault([line], false), { code: 'repo_limit' }, line);
  const broken = ['fatal: index-pack failed on x', 'fatal: fetch-pack: invalid index-pack output'];
  t.match(gitFault(broken, false), { code: 'git_failed', details: 'fatal: index-pack failed on x' });
});
