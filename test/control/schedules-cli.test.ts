// `longshore schedules` against the real API.
import t from 'tap';
import { runCli } from '../support/cli.ts';
import { startRealHttp } from '../support/real-http.ts';

t.test('a schedule is made, listed, paused, resumed, run and deleted', async (t) => {
  const { http, key, world } = await startRealHttp(t);
  const run = (...args: string[]) => runCli(['schedules', ...args], { url: http.url, env: { LONGSHORE_API_KEY: key } });
  const host = await world.joinAndConnect();
  await world.deployed(host, 'shop');
  const common = ['--kind', 'exec', '--cron', '30 3 * * *', '--timezone', 'Europe/Berlin'];
  const made = await run('create', 'nightly', ...common, '--service', 'shop', '--jitter', '10m', '--', 'rake', 'clean');
  t.match(made, { exitCode: 0, stdout: /^sch_\w+: nightly, next at 2/ });
  const id = made.stdout.split(':')[0] ?? '';
  t.match(world.stores.schedules.find(id), { jitterS: 600, exec: { command: ['rake', 'clean'], timeoutS: 300 } });
  t.match((await run('list')).stdout, /\tnightly\texec\t30 3 \* \* \*\tEurope\/Berlin\t2/);
  t.match(await run('disable', id), { stdout: `${id}: disabled\n` });
  t.match(await run('enable', id), { stdout: new RegExp(`^${id}: next at 2`) });
  t.match(await run('run', id), { exitCode: 0, stdout: /^run_\w+: asked for on host_/ });
  t.match((await run('runs', id)).stdout, /\tmanual\tpending\t-/);
  t.match(await run('delete', id), { stdout: `${id}: deleted\n` });
  t.match(await run('delete', id), { exitCode: 3 });
});

t.test('one schedule for several services, and what it is for', async (t) => {
  const { http, key, world } = await startRealHttp(t);
  const host = await world.joinAndConnect();
  const serviceIds = [await world.deployed(host, 'shop'), await world.deployed(host, 'blog')];
  const args = [
    'create',
    'x',
    '--kind',
    'stop',
    '--cron',
    '@daily',
    '-s',
    'shop',
    '-s',
    'blog',
    '--description',
    'Nights off',
  ];
  const made = await runCli(['schedules', ...args], { url: http.url, env: { LONGSHORE_API_KEY: key } });
  const id = made.stdout.split(':')[0] ?? '';
  t.match(world.stores.schedules.find(id), { targets: { serviceIds }, description: 'Nights off' });
});

t.test('for what it is has to be said, once', async (t) => {
  const { http, key } = await startRealHttp(t);
  const args = ['schedules', 'create', 'x', '--kind', 'stop', '--cron', '@daily'];
  const run = (...more: string[]) => runCli([...args, ...more], { url: http.url, env: { LONGSHORE_API_KEY: key } });
  t.match(await run(), { exitCode: 2, stderr: /one of --service, --label, --all/ });
  t.match(await run('--all', '--label', 'tier=web'), { exitCode: 2 });
  t.match(await run('--label', 'tier=web'), { exitCode: 0 });
});
