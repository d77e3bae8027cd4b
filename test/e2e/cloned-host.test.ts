// A machine that was copied with everything on it, its agent's key as well: two real agents from one data directory,
// each with a boot of its own, as a clone has.
import { randomUUID } from 'node:crypto';
import { cpSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { runCli } from '../support/cli.ts';
import { requireDocker } from '../support/docker.ts';
import { eventually } from '../support/eventually.ts';
import { Program, startStack, type Stack } from '../support/stack.ts';

const CLI = fileURLToPath(new URL('../../cli/main.ts', import.meta.url));
const WAIT = { timeoutMs: 60_000 };

/** An agent that sees another boot id than this machine's. */
function machine(stack: Stack, name: string, bootId: string, args: readonly string[]): Program {
  const bootFile = join(stack.dir, `${name}.boot`);
  writeFileSync(bootFile, `${bootId}\n`);
  const inside = 'mount --bind "$0" /proc/sys/kernel/random/boot_id && exec "$@"';
  const agent = [process.execPath, CLI, 'agent', ...args];
  return new Program(
    ['--mount', 'sh', '-c', inside, bootFile, ...agent],
    join(stack.dir, `${name}.log`),
    { LONGSHORE_RECONNECT_MAX: '1' },
    'unshare',
  );
}

interface Listed {
  data: { id: string; kind: string; status: string }[];
}

const skip = process.getuid?.() !== 0 && 'a boot id of its own needs root';

t.test(
  'F26: of a cloned machine neither is given work, one alert says so; joining anew mends it',
  { skip },
  async (t) => {
    if (!(await requireDocker(t))) return;
    const stack = await startStack();
    t.teardown(() => stack.stop());
    const { api } = stack;
    const [host] = (await api.get<{ data: { id: string }[] }>('/api/hosts')).body.data;
    const path = `/api/hosts/${host?.id}`;
    const statusIs = (status: string) =>
      eventually(async () => (await api.get(path)).body['status'], { ...WAIT, until: (now) => now === status });
    const incidents = async () => (await api.get<Listed>('/api/incidents')).body.data;
    const alerts = async () =>
      (await api.get<{ data: unknown[] }>(`${path}/events?status=identity_conflict`)).body.data.length;

    await stack.agent.end('SIGTERM');
    const [original, copied] = [join(stack.dir, 'agent'), join(stack.dir, 'copied')];
    cpSync(original, copied, { recursive: true, filter: (file) => !file.endsWith('.sock') });
    stack.agent.start();
    await statusIs('connected');
    const bootId = randomUUID();
    const clone = machine(stack, 'clone', bootId, ['--data-dir', copied]);
    clone.start();
    t.teardown(() => clone.end('SIGKILL'));
    await statusIs('fenced');
    await eventually(async () => (await incidents()).length > 0, WAIT);
    t.match(await incidents(), [{ kind: 'host.identity_conflict', status: 'open' }]);
    t.equal(await alerts(), 1);
    const service = { name: 'nowhere', deploy_method: 'compose', compose: 'services: {a: {image: "busybox:1"}}' };
    t.match(await api.post('/api/services', service), { status: 409, body: { error: { code: 'no_host' } } });
    const shown = await runCli(['hosts', 'list'], { url: api.url, env: { LONGSHORE_API_KEY: api.key } });
    t.match(shown.stderr, /two live machines use its key.*hosts join/s, 'it says what to do');

    await clone.end('SIGTERM');
    const { token } = (await api.post<{ token: string }>('/api/hosts/join-tokens', {})).body;
    const anew = machine(stack, 'anew', bootId, ['--token', token, '--data-dir', join(stack.dir, 'anew')]);
    anew.start();
    t.teardown(() => anew.end('SIGKILL'));
    await eventually(async () => (await incidents())[0]?.status, { ...WAIT, until: (status) => status === 'resolved' });
    await stack.agent.end('SIGTERM'); // or it is back when its minute is over
    stack.agent.start();
    await statusIs('connected');
    const hosts = (await api.get<{ data: { status: string; name: string }[] }>('/api/hosts')).body.data;
    t.strictSame(
      hosts.map(({ status }) => status),
      ['connected', 'connected'],
    );
    t.not(hosts[0]?.name, hosts[1]?.name, 'machines of one name are hosts of different names');
    t.equal(await alerts(), 1);
    t.equal((await incidents()).length, 1);
  },
);
