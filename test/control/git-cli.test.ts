// Tokens and push hooks through the command, against the real API.
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { ADMIN } from '../support/control-world.ts';
import { makeKey } from '../support/git-ssh-server.ts';
import { runCli } from '../support/cli.ts';
import { startRealHttp } from '../support/real-http.ts';

const TOKEN = 'tok_canary-of-the-client';

async function start(t: Test) {
  const { world, http, key } = await startRealHttp(t);
  const host = await world.joinAndConnect();
  const file = join(t.testdir({ token: `${TOKEN}\n` }), 'token');
  const run = (...args: string[]) => runCli(args, { url: http.url, env: { LONGSHORE_API_KEY: key } });
  return { world, host, file, run };
}

t.test('a token comes from a file, and no output holds it', async (t) => {
  const { world, host, file, run } = await start(t);
  const git = ['--git', 'https://example.com/x.git', '--name', 'app'];
  const made = await run('deploy', ...git, '--git-token-file', file, '--git-username', 'bot', '--json');
  const { id, deploy_job_id: jobId } = JSON.parse(made.stdout) as { id: string; deploy_job_id: string };
  t.match((await host.offered(jobId)).spec?.git?.login, { username: 'bot', password: TOKEN });
  await host.finish(jobId);
  const changed = await run('services', 'update', 'app', '--git-username', 'ada');
  t.match(changed, { exitCode: 0, stdout: /job job_/ });
  t.match(world.stores.services.requireSource(id).git?.login, { username: 'ada', password: TOKEN });
  t.notMatch(JSON.stringify([made, changed]), TOKEN);
  t.match(await run('deploy', '-f', file, '--name', 'b', '--git-token-file', file), { exitCode: 2 });
});

t.test('a key comes from a file or is made, and what is watched and fetched is said', async (t) => {
  const { world, host, run } = await start(t);
  const key = makeKey(t);
  const file = join(t.testdir({ key: key.privateKey }), 'key');
  const git = ['--git', 'git@example.com:a/b.git', '--name', 'app', '--path', 'apps/web', '--submodules'];
  const made = await run(
    'deploy',
    ...git,
    '--deploy-key',
    file,
    '--watch',
    'apps/web/**',
    '--watch',
    '!**/*.md',
    '--json',
  );
  const { id, deploy_job_id: jobId } = JSON.parse(made.stdout) as { id: string; deploy_job_id: string };
  const { spec } = await host.offered(jobId);
  t.match(spec?.git, { deployKey: key.privateKey, path: 'apps/web', submodules: true });
  await host.finish(jobId);
  t.strictSame(world.stores.gitHooks.watchPathsOf(id), ['apps/web/**', '!**/*.md']);
  t.match(await run('services', 'update', 'app', '--watch', ''), { exitCode: 0, stdout: /nothing to deploy/ });
  t.strictSame(world.stores.gitHooks.watchPathsOf(id), []);
  t.match(await run('services', 'update', 'app', '--path', '', '--no-submodules'), { exitCode: 0, stdout: /job job_/ });
  t.strictSame(Object.keys(world.stores.services.requireSource(id).git ?? {}).toSorted(), [
    'branch',
    'deployKey',
    'url',
  ]);
  t.match(await run('services', 'deploy-key', 'app'), { exitCode: 0, stdout: /^ssh-ed25519 \S+ longshore-app\n$/ });
  t.not(world.stores.services.requireSource(id).git?.deployKey, key.privateKey);
});

t.test('a push hook is made, shown once, and taken away', async (t) => {
  const { world, host, run } = await start(t);
  const git = { url: 'https://example.com/x.git', branch: null };
  const id = await world.deployed(host, 'app', { source: { method: 'git', git } });
  const made = await run('services', 'hook', 'app');
  t.match(made, { exitCode: 0, stdout: new RegExp(`https://panel.example.com/api/services/${id}/hooks/git`) });
  t.match(made.stdout, world.stores.gitHooks.findSecret(id) ?? 'a secret');
  t.match(await run('services', 'hook', 'app', '--remove'), { exitCode: 0, stdout: /no push hook/ });
  t.match(await run('services', 'hook', 'app', '--remove'), { exitCode: 3 });
  await world.deployed(host, 'plain');
  t.match(await run('services', 'hook', 'plain'), { stderr: /not from Git/ });
  t.equal(world.app.services.detail(ADMIN, id).git?.hasToken, false);
});
