// What a commit says of its submodules.
import t from 'tap';
import { declaredIn, linkIn, resolveUrl, submoduleOf } from '../../agent/deploy/git/submodules.ts';

const COMMIT = 'a'.repeat(40);

t.test('a relative URL starts from that of the repository', async (t) => {
  const cases: [parent: string, url: string, resolved: string][] = [
    ['https://example.com/team/app.git', '../lib.git', 'https://example.com/team/lib.git'],
    ['https://example.com/team/app/', '../../other/lib', 'https://example.com/other/lib'],
    ['https://example.com/team/app', './lib', 'https://example.com/team/app/lib'],
    ['https://example.com/team/app', './/../lib', 'https://example.com/team/lib'],
    ['git@example.com:team/app.git', '../lib.git', 'git@example.com:team/lib.git'],
    ['git@example.com:team/app.git', '../../lib.git', 'git@example.com:lib.git'],
    ['ssh://git@example.com:22/a/b', '../c', 'ssh://git@example.com:22/a/c'],
    ['https://example.com/a', 'https://example.org/b', 'https://example.org/b'],
    ['https://example.com/a', '/etc', '/etc'],
    ['https://example.com/a', 'ext::sh -c id', 'ext::sh -c id'],
    ['https://example.com/a', '..', '..'],
  ];
  for (const [parent, url, resolved] of cases) t.equal(resolveUrl(parent, url), resolved, `${parent} ${url}`);
  t.type(resolveUrl('a', '../'.repeat(9)), 'string');
});

t.test('credentials go along to the same host alone', async (t) => {
  const login = { username: 'x', password: 'tok_1' };
  const https = { url: 'https://example.com/a.git', branch: 'main', path: 'apps', login, submodules: true };
  t.strictSame(submoduleOf(https, '../b.git', COMMIT).login, login);
  t.match(submoduleOf(https, '../b.git', COMMIT), { branch: null, commit: COMMIT, submodules: true });
  t.notOk('path' in submoduleOf(https, '../b.git', COMMIT));
  for (const url of ['https://example.org/b', 'https://example.com:444/b', 'http://example.com/b', 'git@example.com:b'])
    t.equal(submoduleOf(https, url, COMMIT).login, undefined, url);
  const ssh = { url: 'git@example.com:a.git', branch: null, deployKey: 'key', knownHosts: 'hosts' };
  t.match(submoduleOf(ssh, 'ssh://git@example.com/b', COMMIT), { deployKey: 'key', knownHosts: 'hosts' });
  for (const url of ['git@example.org:b', 'ssh://git@example.com:2222/b', 'https://example.com/b'])
    t.equal(submoduleOf(ssh, url, COMMIT).deployKey, undefined, url);
  for (const url of ['ssh://[x', 'ssh://example.com:x/b', 'ssh://'])
    t.equal(submoduleOf(ssh, url, COMMIT).deployKey, undefined, `${url}, which is judged later`);
});

t.test('A53: a submodule is what stands in the tree under the very name that .gitmodules has', async (t) => {
  t.strictSame(linkIn(`160000 commit ${COMMIT}       -\tlib/größe`), { path: 'lib/größe', commit: COMMIT });
  t.equal(linkIn(`160000 commit ${COMMIT}       -\t"sub\\r"`), undefined, 'a carriage return at its end is quoted');
  t.equal(linkIn(`100644 blob ${COMMIT}      12\tlib`), undefined);
  t.equal(linkIn(`040000 tree ${COMMIT}       -\tlib`), undefined);
  const lines = ['core.bare=false', 'submodule.a.path=lib', 'submodule.a.url=../one', 'submodule.a.url=../two'];
  t.strictSame([...declaredIn([...lines, 'submodule.b.path=x', 'submodule.c.update=!sh'])], [['lib', '../two']]);
  t.strictSame([...declaredIn(['submodule.a.b.url=u=1', 'submodule.a.b.path=p'])], [['p', 'u=1']]);
});
