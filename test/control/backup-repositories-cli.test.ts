// `longshore backup-repositories` against the real API: what it prints, and that no secret is an argument or an answer.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { runCli } from '../support/cli.ts';
import { makeFolder } from '../support/folder.ts';
import { startRealHttp, type RealHttp } from '../support/real-http.ts';

const SECRET = 'canary-of-the-client-5c1e';
const URL = 'rest:https://backup.example.com/shop/';

const clientOf =
  ({ http, key }: RealHttp) =>
  (args: string[], stdin = '') =>
    runCli(['backup-repositories', ...args], { url: http.url, env: { LONGSHORE_API_KEY: key }, stdin });

t.test('a repository is added with its secrets from stdin, listed, changed and forgotten', async (t) => {
  const real = await startRealHttp(t);
  const run = clientOf(real);
  const lines = `PASSWORD=${SECRET}\nRESTIC_REST_USERNAME=shop\nRESTIC_REST_PASSWORD=${SECRET}\n`;
  const added = await run(['add', URL, '--name', 'Shop', '--secrets-stdin'], lines);
  t.match(added, { exitCode: 0, stdout: /^rep_\w+: added\n$/ });
  const id = added.stdout.split(':')[0] ?? '';
  const env = { RESTIC_REST_USERNAME: 'shop', RESTIC_REST_PASSWORD: SECRET };
  t.match(real.world.stores.backupRepositories.specOf(id), { url: URL, password: SECRET, env });
  const listed = await run(['list']);
  t.match(listed.stdout, /^ID\tNAME\tURL\tFOR\tCHANGED\nrep_\w+\tShop\trest:https:/);
  t.notMatch(added.stdout + listed.stdout, SECRET);
  t.match(await run(['update', id, '--secrets-stdin'], 'RESTIC_REST_USERNAME=blog\n'), { exitCode: 0 });
  const now = real.world.stores.backupRepositories.specOf(id);
  t.strictSame([now?.password, now?.env], [SECRET, { RESTIC_REST_USERNAME: 'blog' }]);
  const other = await run(['update', id, '--secrets-stdin'], 'PASSWORD=other\n');
  t.match(other, { exitCode: 2, stderr: /The password of a repository stays/ });
  t.match(await run(['rm', id]), { exitCode: 2, stderr: /--yes/ });
  t.match(await run(['rm', id, '--yes']), { exitCode: 0, stdout: `${id}: forgotten; what lies in it stays there\n` });
});

t.test('a password that was made is shown once', async (t) => {
  const run = clientOf(await startRealHttp(t));
  const added = await run(['add', URL]);
  t.match(added.stdout, /shown this once; without it nobody can read it: \S{43}\n$/);
  t.match(JSON.parse((await run(['list', '--json'])).stdout), { data: [{ url: URL }] });
});

t.test('keys for sftp come from files; a line that is no NAME=value is not repeated', async (t) => {
  const real = await startRealHttp(t);
  const run = clientOf(real);
  const folder = makeFolder(t, 'keys');
  const [key, hosts] = [join(folder, 'key'), join(folder, 'known_hosts')];
  writeFileSync(key, `${SECRET}\n`);
  writeFileSync(hosts, 'nas.example.com ssh-ed25519 AAAA\n');
  const url = 'sftp://backup@nas.example.com/srv/backups';
  const added = await run(['add', url, '--key-file', key, '--known-hosts', hosts]);
  t.match(added, { exitCode: 0 });
  const spec = real.world.stores.backupRepositories.specOf(added.stdout.split(':')[0] ?? '');
  t.match(spec, { privateKey: `${SECRET}\n`, knownHosts: /^nas\.example\.com/ });
  const bad = await run(['add', URL, '--secrets-stdin'], `PASSWORD=x\nsecret ${SECRET}\n`);
  t.match(bad, { exitCode: 2, stderr: /Line 2 of stdin is not NAME=value/ });
  t.notMatch(bad.stderr, SECRET);
});
