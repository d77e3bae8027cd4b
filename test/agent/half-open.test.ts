// A link whose network vanishes without a word, in a real network namespace and with the limits of production.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import { SILENCE_LIMIT_MS } from '#shared/protocol/limits.ts';
import { startControlServer } from '../support/control-server.ts';
import { eventually } from '../support/eventually.ts';
import { createNamespace, missingNamespaces } from '../support/network-namespace.ts';

const LINK_PROCESS = fileURLToPath(new URL('../support/link-process.ts', import.meta.url));
/** For a busy machine; the limit itself is what the wait is about. */
const MARGIN_MS = 10_000;
/** Far below the silence limit: who waits for the old socket to die does not make it. */
const AT_ONCE_MS = 20_000;

interface Change {
  state: 'up' | 'down';
  hostId?: string;
  details?: string;
}

async function start(t: Test) {
  const network = await createNamespace(t);
  const control = await startControlServer(t, { host: network.address });
  const destination = {
    url: control.url,
    controlPin: control.identity.pin,
    enrol: control.registry.addToken(),
  };
  const argv = [process.execPath, LINK_PROCESS, JSON.stringify({ destination, bootId: 'boot-1' })];
  const child = spawn(...network.inside(argv), {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  t.teardown(() => child.kill('SIGKILL'));
  const changes: Change[] = [];
  createInterface(child.stdout).on('line', (line) => changes.push(JSON.parse(line) as Change));
  const states = () => changes.map(({ state }) => state).join(' ');
  await eventually(() => states() === 'up' && control.sessions.count === 1, { timeoutMs: 30_000 });
  return { network, control, changes, states, again: () => child.stdin.write('again\n') };
}

/** Silence twice over, the way back, and a busy machine. */
const TEST_LIMIT_MS = 150_000;
t.setTimeout(2 * TEST_LIMIT_MS);
t.jobs = 2; // each in a namespace of its own
const options = { skip: await missingNamespaces(), timeout: TEST_LIMIT_MS, buffered: true };

t.test(
  'F16: when both directions are dropped, both sides know within the limit, and meet again',
  options,
  async (t) => {
    const { network, control, changes, states } = await start(t);
    await network.cut();
    await eventually(() => states() === 'up down' && control.sessions.count === 0, {
      timeoutMs: SILENCE_LIMIT_MS + MARGIN_MS,
    });
    t.match(changes[1], { details: 'closed with 1006 silence' });
    await network.heal();
    await eventually(() => states() === 'up down up', { timeoutMs: 60_000 });
    t.strictSame(
      changes.map(({ hostId }) => hostId),
      ['host_1', undefined, 'host_1'],
      'as the same host',
    );
    t.equal(control.sessions.count, 1);
    t.strictSame(control.conflicts, []);
  },
);

t.test('F16: a returning agent is never locked out by its own half-open socket', options, async (t) => {
  const { network, control, states, again } = await start(t);
  for (const round of [1, 2, 3]) {
    const session = control.sessions.require('host_1');
    await network.cutPort(control.remotePorts.at(-1) as number);
    again();
    await eventually(() => control.sessions.find('host_1')?.proof.connection, {
      until: (connection) => connection === round + 1,
      timeoutMs: AT_ONCE_MS,
    });
    t.match(await session.peer.closed, { reason: 'replaced' }, 'the old socket still looked alive to control');
  }
  await eventually(() => states() === 'up down up down up down up');
  t.strictSame(control.conflicts, []);
});
