// Sets through the command, against the real API and hosts that are joined in memory.
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { systemClock, type Clock } from '#shared/time.ts';
import { COMPOSE } from '../support/control-world.ts';
import { runCli } from '../support/cli.ts';
import { startRealHttp } from '../support/real-http.ts';
import { SetWorld } from '../support/set-world.ts';

/** Waits of a second are over at once. */
const HASTY: Clock = { ...systemClock, now: () => systemClock.now(), after: (_ms, run) => systemClock.after(5, run) };

async function start(t: Test, ...names: string[]) {
  const { world, http, key } = await startRealHttp(t);
  const it = new SetWorld(world);
  for (const name of names) await it.join(name);
  const file = join(t.testdir({ 'compose.yaml': COMPOSE }), 'compose.yaml');
  const run = (...args: string[]) => runCli(args, { url: http.url, env: { LONGSHORE_API_KEY: key }, clock: HASTY });
  const deploy = async (...more: string[]) => {
    const made = await run(
      'deploy',
      '-f',
      file,
      '--name',
      'web',
      '--place',
      'zone=eu',
      '--per-host',
      ...more,
      '--json',
    );
    it.id = world.stores.sets.all()[0]?.id ?? '';
    return made;
  };
  return { it, world, file, run, deploy };
}

t.test('a service per host is deployed, shown and changed by name', async (t) => {
  const { it, deploy, run, file } = await start(t, 'eu-1', 'eu-2');
  t.match(JSON.parse((await deploy('--max-parallel', '2')).stdout), { set_id: it.id, deploy_job_id: /^job_/ });
  await it.finishAll();
  t.match(await run('sets', 'list'), { exitCode: 0, stdout: /web\tsteady\t2\t2\t2\t1\t/ });
  t.match(await run('sets', 'get', 'web'), {
    stdout: /members\t2, 2 running, 2 up to date\n(.|\n)*eu-1\trunning\thealthy/,
  });
  t.match(await run('sets', 'update', 'web', '--max-parallel', '5'), { stdout: 'web: changed, nothing to deploy\n' });
  t.match(await run('sets', 'update', 'web', '--env', 'A=1'), { stdout: /^web: rollout rol_/ });
  await it.finishAll();
  t.match(await run('sets', 'redeploy', 'web', '--pull', 'never'), { stdout: /^web: rollout rol_/ });
  t.match(await run('sets', 'rollouts', 'web'), { stdout: /rol_\w+\tredeploy\trunning\t2\t0 of 2\tadmin/ });
  t.match(await run('sets', 'rollouts', 'web', it.rolloutId), {
    stdout: /1\teu-1\trunning\tjob_\w+\t-\n-\teu-2\tpending/,
  });
  t.match(await run('sets', 'cancel', 'web'), { stdout: /is cancelled/ });
  t.match(await run('sets', 'update', 'web'), { exitCode: 2, stderr: /Say what to change/ });
  t.match(await run('sets', 'get', 'other'), { exitCode: 3, stderr: /There is no set "other"/ });
  t.match(await run('deploy', '-f', file, '--name', 'b', '--max-parallel', '2'), { exitCode: 2 });
});

t.test('following one shows each host, and a halt is a failure that says how to go on', async (t) => {
  const { it, deploy, run } = await start(t, 'eu-1', 'eu-2');
  await deploy();
  await it.finish('eu-1');
  await it.fail('eu-2', 'web exited (1)');
  const resumed = run('sets', 'resume', 'web', '--follow');
  await it.running('eu-2');
  await it.fail('eu-2', 'web exited (1)');
  const halted = await resumed;
  t.match(halted, { exitCode: 1, stderr: /eu-1: succeeded\n(.|\n)*eu-2: failed \(web exited \(1\)\)/ });
  t.match(halted.stderr, new RegExp(`The rollout of "web" is halted(.|\\n)*sets resume ${it.id}`));
  const again = run('sets', 'resume', 'web', '--follow');
  await it.running('eu-2');
  await it.finish('eu-2');
  t.match(await again, { exitCode: 0, stdout: 'web: rolled out to 2\n' });
});

t.test('the name of a set is no name of one service', async (t) => {
  const { it, deploy, run } = await start(t, 'eu-1', 'eu-2');
  await deploy();
  await it.finishAll();
  t.match(await run('services', 'stop', 'web'), {
    exitCode: 2,
    stderr: new RegExp(`use the id(.|\n)*sets get ${it.id}`),
  });
});

t.test('a set is removed when that was meant', async (t) => {
  const { it, deploy, run } = await start(t, 'eu-1');
  await deploy();
  await it.finishAll();
  t.match(await run('sets', 'rm', 'web'), { exitCode: 2, stderr: /needs --yes/ });
  const removing = run('sets', 'rm', 'web', '--yes');
  await it.running('eu-1');
  await it.hosts['eu-1']?.finish(it.target('eu-1')?.jobId ?? '', {}, null);
  t.match(await removing, { exitCode: 0, stdout: 'web: removed\n' });
});
