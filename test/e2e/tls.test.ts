// A control plane with a certificate of its own making, an agent and a client: real processes that know each other by
// the pinned key and by nothing else.
import { readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { X509Certificate } from 'node:crypto';
import t from 'tap';
import { tlsPinOf } from '#shared/tls-pin.ts';
import { Client } from '../../cli/client.ts';
import { openSocket } from '../../cli/socket.ts';
import { runCli, startCli } from '../support/cli.ts';
import { eventually } from '../support/eventually.ts';
import { makeFolder } from '../support/folder.ts';
import { freePort } from '../support/free-port.ts';
import { Program } from '../support/stack.ts';

const CLI = fileURLToPath(new URL('../../cli/main.ts', import.meta.url));
const LIMIT = { timeoutMs: 60_000 };

const dir = makeFolder(t, 'tls');
const url = `https://127.0.0.1:${await freePort()}`;
const file = (name: string) => join(dir, 'control', name);
const limits = { LONGSHORE_RATE_LIMIT: '1000000' };
const args = ['control', '--tls', 'auto', '--listen', new URL(url).host, '--data-dir', join(dir, 'control')];
const control = new Program([CLI, ...args], join(dir, 'control.log'), limits);
t.teardown(() => control.end('SIGKILL'));
control.start();
await eventually(() => control.output.includes('the control plane answers'), LIMIT);
const pin = tlsPinOf(new X509Certificate(readFileSync(file('tls-cert.pem'))));
const key = readFileSync(file('admin.key'), 'utf8').trim();
const env = { LONGSHORE_API_KEY: key, LONGSHORE_PIN: pin };

const agentWith = (...token: string[]) =>
  new Program([CLI, 'agent', '--data-dir', join(dir, 'agent'), ...token], join(dir, 'agent.log'), {
    LONGSHORE_RECONNECT_MAX: '1',
  });
const statusOf = async () =>
  (JSON.parse((await runCli(['hosts', 'list', '--json'], { url, env })).stdout) as { data: { status: string }[] })
    .data[0]?.status;
const untilConnected = () => eventually(async () => (await statusOf()) === 'connected', LIMIT);

t.test('the control plane says its pin when it starts', async (t) => {
  t.ok(control.output.includes(`"tlsPin":"${pin}"`), control.output);
});

t.test('the client gets in by the pin and by nothing else, WebSockets included', async (t) => {
  t.match(await runCli(['hosts', 'list'], { url, env }), { exitCode: 0 });
  t.match(await runCli(['hosts', 'list', '--pin', pin], { url, env: { ...env, LONGSHORE_PIN: '' } }), { exitCode: 0 });
  const other = `sha256//${Buffer.alloc(32).toString('base64')}`;
  for (const wrong of [other, '']) {
    const run = await runCli(['hosts', 'list'], { url, env: { ...env, LONGSHORE_PIN: wrong } });
    t.match(run, {
      exitCode: 7,
      stderr: /Cannot trust the certificate of "https:.*tls_untrusted[\s\S]*--pin or LONGSHORE_PIN/,
    });
  }
  t.match(await runCli(['hosts', 'list', '--pin', 'abc'], { url, env }), {
    exitCode: 78,
    stderr: /"abc" is not a pin/,
  });
  const client = new Client({ url: new URL(url), key, pin }, new AbortController().signal);
  (await openSocket(client, '/api/ws', {}))[Symbol.dispose]();
});

let agent: Program | undefined;
t.teardown(() => agent?.end('SIGKILL'));

t.test('an agent joins by the token alone, and `hosts join --wait` sees it come', async (t) => {
  const run = startCli(['hosts', 'join', '--json', '--label', 'zone=eu', '--wait', '5m'], { url, env });
  const made = await eventually(() => JSON.parse(run.stdout) as { token: string; command: string }, LIMIT);
  t.ok(made.command.startsWith(`(curl -fsSL -k --pinnedpubkey ${pin} ${url}/install.sh || `), made.command);
  agent = agentWith('--token', made.token);
  agent.start();
  t.match(await run.done, { exitCode: 0, stderr: /is connected \(host_/ });
});

t.test('later starts need no token: the pin is kept', async (t) => {
  await agent?.end('SIGTERM');
  await eventually(async () => (await statusOf()) === 'offline', LIMIT);
  agent = agentWith();
  agent.start();
  await untilConnected();
  t.pass();
});

t.test('a certificate made anew over the same key is noticed by nobody', async (t) => {
  await control.end('SIGTERM');
  const before = readFileSync(file('tls-cert.pem'), 'utf8');
  rmSync(file('tls-cert.pem'));
  control.start();
  await untilConnectedAnew();
  t.not(readFileSync(file('tls-cert.pem'), 'utf8'), before);
});

t.test('another key keeps the agent away, and its log says why and what to do', async (t) => {
  await control.end('SIGTERM');
  renameSync(file('tls-key.pem'), file('kept.pem'));
  control.start();
  await eventually(() => agent?.output.includes('tls_untrusted'), LIMIT);
  t.match(agent?.output, /Cannot trust the certificate[\s\S]*start the agent with a new token/);
  await control.end('SIGTERM');
  renameSync(file('kept.pem'), file('tls-key.pem'));
  control.start();
  await untilConnectedAnew();
});

/** The client as well may come before the control plane listens. */
async function untilConnectedAnew(): Promise<void> {
  await eventually(async () => (await runCli(['hosts', 'list'], { url, env })).exitCode === 0, LIMIT);
  await untilConnected();
}
