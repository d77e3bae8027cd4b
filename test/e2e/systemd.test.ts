// Control plane and agent as systemd starts them, with its side of sd_notify played by a socket.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import { Api } from '../support/api.ts';
import { eventually } from '../support/eventually.ts';
import { makeFolder } from '../support/folder.ts';
import { freePort } from '../support/free-port.ts';
import { startNotifySocket } from '../support/notify-socket.ts';
import { Program } from '../support/stack.ts';

const fileOf = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));

async function start(t: Test, args: string[], dir: string) {
  const socket = await startNotifySocket(t);
  const program = new Program(args, join(dir, 'log'), socket.env);
  program.start();
  t.teardown(() => program.end('SIGKILL'));
  return { program, said: socket.said };
}

async function startControl(t: Test, address: string) {
  const dir = makeFolder(t, 'systemd');
  const args = [fileOf('cli/main.ts'), 'control', '--listen', address, '--data-dir', dir];
  const { program, said } = await start(t, args, dir);
  const untilReady = () => eventually(() => said().length > 0, { timeoutMs: 30_000 });
  return { program, said, dir, untilReady };
}

t.test('the control plane is ready when it answers', async (t) => {
  const address = `127.0.0.1:${await freePort()}`;
  const { program, said, untilReady } = await startControl(t, address);
  await untilReady();
  t.same(said(), [`READY=1\nSTATUS=answers at http://${address}; hosts connected: 0`]);
  t.equal((await fetch(`http://${address}/healthz`)).status, 200);
  t.equal(await program.end('SIGTERM'), 0);
  await eventually(() => said().length > 1);
  t.same(said().slice(1), ['STOPPING=1\nSTATUS=stopping']);
});

t.test('the agent is ready by itself, and its status follows the link', async (t) => {
  const address = `127.0.0.1:${await freePort()}`;
  const control = await startControl(t, address);
  await control.untilReady();
  const key = readFileSync(join(control.dir, 'admin.key'), 'utf8').trim();
  const api = new Api(`http://${address}`, key);
  const { token } = (await api.post<{ token: string }>('/api/hosts/join-tokens', {})).body;

  await t.test('connected', async (t) => {
    const dir = makeFolder(t, 'systemd');
    const agent = await start(t, [fileOf('agent/main.ts'), '--token', token, '--data-dir', dir], dir);
    await eventually(() => agent.said().some((text) => text.includes('STATUS=connected')), { timeoutMs: 30_000 });
    t.match(agent.said()[0], /^READY=1\nSTATUS=(offline since|connected)/);
    t.match(agent.said().at(-1), `connected to http://${address} as host_`);
    await control.program.end('SIGKILL');
    await eventually(() => agent.said().at(-1)?.startsWith('STATUS=offline since 20'));
    t.match(agent.said().at(-1), /; 0 services; Docker answers$/);
    t.equal(await agent.program.end('SIGTERM'), 0);
    await eventually(() => agent.said().at(-1) === 'STOPPING=1\nSTATUS=stopping');
  });

  await t.test('a new one while the control plane is away', async (t) => {
    const dir = makeFolder(t, 'systemd');
    const agent = await start(t, [fileOf('agent/main.ts'), '--token', token, '--data-dir', dir], dir);
    await eventually(() => agent.said().length > 0, { timeoutMs: 30_000 });
    t.match(agent.said()[0], /^READY=1\nSTATUS=offline since 20\d\d-.*Z.*; 0 events kept; 0 services; Docker answers$/);
  });
});
