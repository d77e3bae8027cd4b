// `longshore exec` against the real app and the real part of the agent: what it passes on, and what it makes of the terminal.
import { PassThrough } from 'node:stream';
import t, { type Test } from 'tap';
import { runCommandLine } from '../../cli/run.ts';
import type { World } from '../../cli/world.ts';
import { systemClock } from '#shared/time.ts';
import { ADMIN } from '../support/control-world.ts';
import { runCli } from '../support/cli.ts';
import { eventually } from '../support/eventually.ts';
import { startExecWorld, type ExecWorld } from '../support/exec-world.ts';

const clientOf = (exec: ExecWorld, key = exec.real.key) => ({
  url: exec.real.http.url,
  env: { LONGSHORE_API_KEY: key },
});

/** A client on a terminal of its own. */
function onTerminal(t: Test, exec: ExecWorld, args: string[]) {
  const interrupt = new AbortController();
  const modes: boolean[] = [];
  const stdin = Object.assign(new PassThrough(), { isTTY: true, setRawMode: (isRaw: boolean) => modes.push(isRaw) });
  const stdout = Object.assign(new PassThrough(), { isTTY: true, columns: 99, rows: 33 });
  const stderr = new PassThrough();
  const { url, env } = clientOf(exec);
  const world: World = {
    env: { LONGSHORE_URL: url, ...env },
    stdin,
    stdout,
    stderr,
    clock: systemClock,
    interruption: () => interrupt.signal,
  };
  let text = '';
  for (const stream of [stdout, stderr]) stream.setEncoding('utf8').on('data', (piece: string) => (text += piece));
  t.teardown(() => interrupt.abort());
  const exitCode = runCommandLine(['exec', 'shop', ...args], world, '0.0.0-test');
  return { stdin, stdout, modes, exitCode, shows: (wanted: string) => eventually(() => text.includes(wanted)) };
}

t.test('one command: its streams and its exit code', async (t) => {
  const exec = await startExecWorld(t);
  const run = (...args: string[]) => runCli(['exec', 'shop', ...args], clientOf(exec));
  t.match(await run('--', 'echo', '-n', '--json', 'a  b'), { exitCode: 0, stdout: '-n --json a  b\n', stderr: '' });
  t.match(await run('--', 'false'), { exitCode: 1, stdout: '', stderr: '' });
  t.match(JSON.parse((await run('--json', '--', 'echo')).stdout), { exit_code: 0, container: 'shop-web-1' });
  await run('-s', 'web', '-u', 'app', '-w', '/data', '-e', 'A=b=c', '-e', 'D=', '--', 'true');
  t.match(exec.engine.execs.at(-1)?.options, { user: 'app', workingDir: '/data', env: { A: 'b=c', D: '' } });
});

t.test('what goes wrong is said, with the exit code of its kind', async (t) => {
  const exec = await startExecWorld(t);
  const client = clientOf(exec);
  t.match(await runCli(['exec', 'shop', 'ls'], client), { exitCode: 2, stderr: /Unknown argument/ });
  t.match(await runCli(['exec', 'shop'], client), { exitCode: 2, stderr: /stands behind --/ });
  t.match(await runCli(['exec', 'shop', '-s', 'db', '--', 'ls'], client), { exitCode: 6, stderr: /there are: web/ });
  const socket = ['exec', exec.serviceId, '-i', '--', 'cat'];
  t.match(await runCli(['exec', 'shop', '-i', '-s', 'db', '--', 'cat'], client), {
    exitCode: 6,
    stderr: /there are: web/,
  });
  const { secret } = await exec.real.world.app.keys.create(ADMIN, { name: 'k', permissions: ['services.read'] });
  const denied = await runCli(socket, clientOf(exec, secret));
  t.match(denied, { exitCode: 4, stderr: /Needs services.exec/ }, 'also where a refused WebSocket would not say why');
  exec.host.disconnect();
  t.match(await runCli(socket, client), { exitCode: 5, stderr: /host_offline/ });
});

t.test('stdin is passed on to its end', async (t) => {
  const exec = await startExecWorld(t);
  const stdin = 'line\n'.repeat(40_000);
  const { exitCode, stdout } = await runCli(['exec', 'shop', '-i', '--', 'cat'], { ...clientOf(exec), stdin });
  t.equal(exitCode, 0);
  t.equal(stdout, stdin);
  t.equal(exec.engine.execs[0]?.options.terminal, undefined);
});

t.test('a terminal: every key goes in, the size is told, and it is given back', async (t) => {
  const exec = await startExecWorld(t);
  const client = onTerminal(t, exec, ['-it', '--', 'sh']);
  const program = await exec.program();
  await eventually(() => client.modes.length === 1);
  client.stdin.write('typed\u0003');
  await client.shows('typed\u0003');
  Object.assign(client.stdout, { columns: 120, rows: 40 }).emit('resize');
  await eventually(() => program.sizes.length === 2);
  t.same(program.sizes, [
    { columns: 99, rows: 33 },
    { columns: 120, rows: 40 },
  ]);
  program.exit(5);
  t.equal(await client.exitCode, 5);
  t.same(client.modes, [true, false]);
});

t.test('a window that changes while the program is being started is told', async (t) => {
  const exec = await startExecWorld(t);
  const asked = Promise.withResolvers<void>();
  const go = Promise.withResolvers<void>();
  exec.host.answers = {
    'exec.input': async ({ execId, ...input }) => {
      asked.resolve();
      await go.promise;
      await exec.execs.input(execId, input);
      return {};
    },
  };
  await exec.host.connect(exec.real.world);
  const client = onTerminal(t, exec, ['-it', '--', 'sh']);
  await asked.promise;
  Object.assign(client.stdout, { columns: 120, rows: 40 }).emit('resize');
  go.resolve();
  const program = await exec.program();
  await eventually(() => program.sizes.length === 2);
  t.same(program.sizes[1], { columns: 120, rows: 40 });
  program.exit(0);
  t.equal(await client.exitCode, 0);
});

t.test('a connection that is lost ends it, and the terminal is given back', async (t) => {
  const exec = await startExecWorld(t);
  const client = onTerminal(t, exec, ['-it', '--', 'sh']);
  await eventually(() => client.modes.length === 1);
  await exec.real.http.stop();
  t.equal(await client.exitCode, 5);
  t.same(client.modes, [true, false]);
});
