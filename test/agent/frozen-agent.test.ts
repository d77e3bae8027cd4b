// A process that is stopped in the middle of everything, and goes on later.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { startControlServer } from '../support/control-server.ts';
import { eventually } from '../support/eventually.ts';

const LINK_PROCESS = fileURLToPath(new URL('../support/link-process.ts', import.meta.url));
/** A fortieth of what holds outside of tests: see test/unit/protocol-liveness.test.ts. */
const LIMITS = { pingIntervalMs: 400, silenceLimitMs: 1_200 };

t.test('F04: a frozen agent is out of reach at control, and thawed it is the same host again', async (t) => {
  const control = await startControlServer(t, { limits: LIMITS });
  const destination = { url: control.url, controlPin: control.identity.pin, enrol: control.registry.addToken() };
  const child = spawn(process.execPath, [LINK_PROCESS, JSON.stringify({ destination, bootId: 'boot-1' })], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  t.teardown(() => child.kill('SIGKILL'));
  const hosts = new Set<string>();
  createInterface(child.stdout).on('line', (line) => {
    const { hostId } = JSON.parse(line) as { hostId?: string };
    if (hostId !== undefined) hosts.add(hostId);
  });
  await eventually(() => control.sessions.count === 1, { timeoutMs: 30_000 });
  child.kill('SIGSTOP');
  await eventually(() => control.sessions.count === 0, { timeoutMs: 30_000 });
  child.kill('SIGCONT');
  await eventually(() => control.sessions.count === 1, { timeoutMs: 60_000 });
  await eventually(() => hosts.size > 0);
  t.strictSame([...hosts], ['host_1']);
  t.strictSame(control.conflicts, [], 'and nobody takes it for a clone');
});
