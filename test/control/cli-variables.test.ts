// `longshore variables` and `longshore services update` against the real app.
import t from 'tap';
import { ADMIN } from '../support/control-world.ts';
import { runCli } from '../support/cli.ts';
import { startRealHttp } from '../support/real-http.ts';

t.test('a shared variable is set, shown, set again and removed', async (t) => {
  const { world, http, key } = await startRealHttp(t);
  const run = (args: string[], stdin?: string) =>
    runCli(['variables', ...args], {
      url: http.url,
      env: { LONGSHORE_API_KEY: key },
      ...(stdin !== undefined && { stdin }),
    });
  t.match(await run(['set', 'TOKEN', '--value-stdin', '--description', 'for mail'], 'first\n'), {
    exitCode: 0,
    stdout: 'TOKEN: added, for deploys from now on\n',
  });
  t.match((await run(['set', 'TOKEN', '--value-stdin'], 'second')).stdout, 'TOKEN: changed');
  t.match((await run(['get', 'TOKEN'])).stdout, /second[^]*for mail/);
  t.match((await run(['set', 'HOST', '--plain', '--value', 'mail'])).stdout, 'HOST: added');
  t.match((await run(['list'])).stdout, /HOST\tmail\tno\t[^]*TOKEN\tsecond\tyes/);
  const refused = await run(['set', 'TOKEN', '--value', 'on-the-command-line']);
  t.match(refused, { exitCode: 2, stderr: /read from stdin/ });
  t.notMatch(refused.stderr, 'on-the-command-line');
  t.equal((await run(['rm', 'TOKEN'])).exitCode, 0);
  t.equal((await run(['rm', 'TOKEN'])).exitCode, 3);
  t.same(
    world.app.variables.list(ADMIN, { page: 1, perPage: 9, sort: 'name', order: 'asc' }).items.map(({ name }) => name),
    ['HOST'],
  );
});

t.test('a service is changed with flags, and only what is asked for is sent', async (t) => {
  const { world, http, key } = await startRealHttp(t);
  const host = await world.joinAndConnect();
  const id = await world.deployed(host, 'web', { variables: { OLD: '1', KEPT: '2' }, labels: { a: '1' } });
  const run = (...args: string[]) =>
    runCli(['services', 'update', 'web', ...args], { url: http.url, env: { LONGSHORE_API_KEY: key } });
  t.match(await run('--display-name', 'Web', '--unlabel', 'a', '--label', 'b=2', '--no-rollback', '--timeout', '2m'), {
    exitCode: 0,
    stdout: 'web: changed, nothing to deploy\n',
  });
  t.match(world.app.services.detail(ADMIN, id), {
    displayName: 'Web',
    labels: { b: '2' },
    rollbackOnFailure: false,
    healthTimeoutS: 120,
  });
  const changed = await run('--env', 'NEW=3', '--unset', 'OLD', '--memory', '64', '--cpu', 'none', '--revision', '1');
  t.match(changed, { exitCode: 0, stdout: /^web: job job_/ });
  const jobId = changed.stdout.trim().split(' ').at(-1) ?? '';
  t.strictSame((await host.offered(jobId)).spec?.variables, { KEPT: '2', NEW: '3' });
  await host.finish(jobId);
  t.match(await run('--env', 'X=1', '--revision', '1'), { exitCode: 5, stderr: /moved on/ });
  t.match(await run(), { exitCode: 2, stderr: /Say what to change/ });
  t.match(await run('--cpu', 'much'), { exitCode: 2, stderr: /--cpu takes a number/ });
});
