// The whole of it from outside: `longshore up` as one process, the client as others, real containers.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { docker, ensureImages, requireDocker, uniqueProject } from '../support/docker.ts';
import { eventually } from '../support/eventually.ts';
import { makeFolder } from '../support/folder.ts';
import { CLI, startUp, type Up } from '../support/up.ts';

const COMPOSE = `
services:
  web:
    image: longshore-test/web:1
    healthcheck: { test: [CMD, /standin/probe], interval: 1s, start_interval: 1s, start_period: 20s }
  logger:
    image: longshore-test/logger:1
`;
const CRASHING = 'services: { app: { image: "longshore-test/crash:1", restart: "no" } }';

/** A client as a process of its own. */
class Client {
  stdout = '';
  stderr = '';
  readonly #child: ChildProcess;

  constructor(up: Up, args: string[], cwd?: string) {
    const env = { ...process.env, NODE_OPTIONS: '', NO_COLOR: '1', ...up.env };
    const child = spawn(process.execPath, [CLI, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'], cwd });
    child.stdout.setEncoding('utf8').on('data', (text: string) => (this.stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (this.stderr += text));
    this.#child = child;
  }

  async end(): Promise<number | null> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) await once(this.#child, 'close');
    return this.#child.exitCode;
  }

  interrupt(): Promise<number | null> {
    this.#child.kill('SIGINT');
    return this.end();
  }
}

async function run(up: Up, ...args: string[]): Promise<{ exitCode: number | null; stdout: string; stderr: string }> {
  const client = new Client(up, args);
  const exitCode = await client.end();
  return { exitCode, stdout: client.stdout, stderr: client.stderr };
}

const containersOf = (project: string) =>
  docker(['ps', '-a', '-q', '--no-trunc', '--filter', `label=com.docker.compose.project=${project}`]);

async function deploy(t: Test, up: Up, name: string, compose = COMPOSE) {
  const file = join(t.testdir({ 'compose.yaml': compose }), 'compose.yaml');
  return run(up, 'deploy', '-f', file, '--name', name, '--follow');
}

void t.test('longshore', async (t) => {
  if (!(await requireDocker(t))) return;
  await ensureImages();
  const up = await startUp(t);

  await t.test('up says where the API is and where the key lies, and the key is for its owner only', async (t) => {
    await eventually(() => up.output.includes('Longshore is up'));
    t.match(up.output, `API  ${up.url}`);
    t.match(up.output, join(up.dataDir, 'admin.key'));
    t.equal(statSync(join(up.dataDir, 'admin.key')).mode & 0o777, 0o600);
  });

  await t.test('deploy --follow shows the steps, waits until all is healthy and exits 0', async (t) => {
    const name = uniqueProject(t, 'cli-deploy');
    const made = await deploy(t, up, name);
    t.match(made, { exitCode: 0, stdout: new RegExp(`^${name}: running`) });
    for (const step of ['prepare', 'plan', 'apply', 'wait', 'record']) t.match(made.stderr, `${step}: done`);
    const states = await docker(['compose', '-p', name, 'ps', '--format', '{{.Service}} {{.State}} {{.Health}}']);
    t.same(states.split('\n').toSorted(), ['logger running ', 'web running healthy']);

    const again = await deploy(t, up, name);
    t.match(again, { exitCode: 5, stderr: /There is a service .* already/ });
  });

  await t.test('a deploy that cannot work exits 1 and says why', async (t) => {
    const failed = await deploy(t, up, uniqueProject(t, 'cli-fail'), CRASHING);
    t.match(failed, { exitCode: 1, stdout: '', stderr: /longshore: The deploy of ".*" failed at step wait: / });
    t.match(failed.stderr, /longshore jobs log job_/);
  });

  await t.test('a compose file that is refused exits 6, one that Compose refuses on the host exits 1', async (t) => {
    const broken = await deploy(t, up, uniqueProject(t, 'cli-yaml'), 'services: [');
    t.match(broken, { exitCode: 6, stdout: '', stderr: /compose_invalid/ });
    const unknown = await deploy(t, up, uniqueProject(t, 'cli-key'), 'services: { web: { imag: x } }');
    t.match(unknown, { exitCode: 1, stdout: '', stderr: /imag/ });
  });

  await t.test('a service is stopped, started, restarted, redeployed and removed by name', async (t) => {
    const name = uniqueProject(t, 'cli-life');
    await deploy(t, up, name);
    const before = await containersOf(name);
    t.match(await run(up, 'services', 'stop', name), { exitCode: 0, stdout: `${name}: stopped\n` });
    const statusOf = async () =>
      JSON.parse((await run(up, 'services', 'get', name, '--json')).stdout) as { status: string };
    t.match(await statusOf(), { status: 'stopped' });
    t.match(await run(up, 'services', 'start', name), { exitCode: 0 });
    t.match(await statusOf(), { status: 'running' });
    t.match(await run(up, 'services', 'restart', name), { exitCode: 0 });
    t.match(await run(up, 'services', 'redeploy', name, '--pull', 'missing', '--follow'), { exitCode: 0 });
    t.equal(await containersOf(name), before, 'none of this made new containers');
    t.match((await run(up, 'services', 'events', name)).stdout, /redeploy/i);
    const onTheHost = await run(up, 'local', 'stop', name, '--data-dir', up.dataDir);
    t.match(onTheHost, { exitCode: 0, stdout: `${name}: stopped\n` }, 'the agent of `up` has its socket, too');
    await eventually(async () => (await statusOf()).status === 'stopped');
    t.match(await run(up, 'services', 'rm', name, '--yes'), { exitCode: 0, stdout: `${name}: removed\n` });
    t.equal(await containersOf(name), '');
    t.notOk(existsSync(join(up.dataDir, 'agent/services', name)));
    t.match(await run(up, 'services', 'get', name), { exitCode: 3 });
  });

  await t.test('logs -f goes on through a kill -9 of the control plane, each line once', async (t) => {
    const name = uniqueProject(t, 'cli-logs');
    await deploy(t, up, name);
    const recent = await run(up, 'logs', name, '--tail', '2');
    t.match(recent.stdout, /logger-1 +\| line \d+\n/);
    const client = new Client(up, ['logs', name, '-f', '--tail', '10000']);
    const numbers = () => [...client.stdout.matchAll(/line (\d+)$/gm)].map((match) => Number(match[1]));
    await eventually(() => numbers().length > 5);
    await up.kill();
    await up.start();
    const shown = numbers().length;
    await eventually(() => numbers().length > shown + 5, { timeoutMs: 30_000 });
    t.equal(await client.interrupt(), 130);
    t.same(
      numbers(),
      numbers().map((_, i) => i + 1),
    );
  });

  await t.test('what runs goes on while up is stopped, and is known again after it', async (t) => {
    const name = uniqueProject(t, 'cli-rest');
    await deploy(t, up, name);
    const startedAt = async () =>
      docker(['inspect', '-f', '{{.State.StartedAt}} {{.State.Running}}', ...(await containersOf(name)).split('\n')]);
    const before = await startedAt();
    t.equal(await up.stop(), 0);
    t.equal(await startedAt(), before);
    t.match(before, 'true');
    t.match(await run(up, 'services', 'list'), { exitCode: 7 });
    await up.start();
    t.match((await run(up, 'services', 'list')).stdout, new RegExp(`^${name}\\trunning\\t`, 'm'));
    t.equal(await startedAt(), before);
  });

  await t.test('the host is the same one after every restart', async (t) => {
    const { stdout } = await run(up, 'hosts', 'list', '--json');
    t.match(JSON.parse(stdout), { total: 1, data: [{ status: 'connected' }] });
  });

  await t.test('a key that may only read cannot deploy: exit 4', async (t) => {
    const made = await run(up, 'keys', 'create', '--name', 'reader', '-p', 'services.read');
    const key = made.stdout.trim();
    const file = t.testdir({ key, 'compose.yaml': COMPOSE });
    const as = (...args: string[]) => run(up, ...args, '--api-key-file', `${file}/key`);
    t.match(await as('services', 'list'), { exitCode: 0 });
    t.match(await as('deploy', '-f', `${file}/compose.yaml`, '--name', 'never'), { exitCode: 4 });
    const { data } = JSON.parse((await run(up, 'keys', 'list', '--json')).stdout) as {
      data: { id: string; name: string }[];
    };
    const id = data.find((candidate) => candidate.name === 'reader')?.id ?? '';
    t.match(await run(up, 'keys', 'revoke', id), { exitCode: 0 });
    t.match(await as('services', 'list'), { exitCode: 4 });
  });
});

/** Runs a program that is not to start; resolves with its end. */
async function refuse(...args: string[]): Promise<{ exitCode: number; stderr: string }> {
  const env = { ...process.env, NODE_OPTIONS: '', NO_COLOR: '1', LONGSHORE_LOG_LEVEL: 'silent' };
  const child = spawn(process.execPath, [CLI, ...args], { env, stdio: ['ignore', 'ignore', 'pipe'] });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const [exitCode] = (await once(child, 'close')) as [number];
  return { exitCode, stderr };
}

void t.test('up says in a line why it cannot start', async (t) => {
  if (!(await requireDocker(t))) return;
  const up = await startUp(t);
  const { port } = new URL(up.url);
  t.same(await refuse('up', '--port', port, '--data-dir', join(makeFolder(t, 'e2e'), 'data')), {
    exitCode: 1,
    stderr: `longshore: Another program listens on port ${port} (port_taken)\n  Give another one with --port\n`,
  });
  t.match(await refuse('up', '--port', '0', '--data-dir', up.dataDir), {
    exitCode: 1,
    stderr: /^longshore: Cannot start the control plane: another one is running on .* \(state_conflict\)\n/,
  });
});

void t.test('without Docker up says in one line what to run, and leaves nothing behind', async (t) => {
  const dir = makeFolder(t, 'e2e');
  const socket = join(dir, 'no.sock');
  t.same(await refuse('up', '--port', '0', '--data-dir', join(dir, 'data'), '--docker-socket', socket), {
    exitCode: 1,
    stderr: `longshore: No Docker at ${socket}: \`./install.sh engine\` sets it up (docker_unavailable)\n`,
  });
  t.notOk(existsSync(join(dir, 'data')));
});

void t.test('a bad setting exits 78 and is named', async (t) => {
  const dataDir = `--data-dir=${makeFolder(t, 'e2e')}`;
  t.match(await refuse('up', '--port=http', dataDir), { exitCode: 78, stderr: '--port is "http"' });
  t.match(await refuse('control', '--public-url=ftp://x', dataDir), { exitCode: 78, stderr: '--public-url' });
  t.match(await refuse('agent', '--token=lsj_broken', dataDir), { exitCode: 78, stderr: '--token' });
});
