// The line that makes a machine a host, and the wait for it: against a scripted control plane.
import t from 'tap';
import { parse } from 'yaml';
import { diagnose, warningsOf } from '../../cli/join-diagnosis.ts';
import { toJoinLines } from '../../control/app/hosts/join-lines.ts';
import { runCli, startCli } from '../support/cli.ts';
import { eventually } from '../support/eventually.ts';
import { startFakeApi, type Asked } from '../support/fake-api.ts';
import { ManualClock } from '../support/manual-clock.ts';

const PANEL = 'https://panel.example.com';
const { command, cloudInit, ansible } = toJoinLines({ url: PANEL, token: 'lsj_x', tlsPin: undefined });
const MADE = {
  id: 'jtk_1',
  expires_at: '2026-01-01T00:00:00Z',
  url: PANEL,
  tls_pin: null,
  command,
  ansible,
  cloud_init: cloudInit,
};
const OPEN = {
  status: 'open' as const,
  max_uses: 1,
  refusal: null,
  hosts: [] as { id: string; name: string; status: string }[],
};
const WEB = { id: 'host_1', name: 'web-1', status: 'connected' };

const answers =
  (token: () => object = () => OPEN) =>
  ({ method }: Asked) => ({ body: method === 'POST' ? MADE : token() });

t.test('the line alone is what a script reads; limits go to the control plane', async (t) => {
  const api = await startFakeApi(t, answers());
  const limits = ['--label', 'zone=eu', '--uses', '3', '--expires', '2h', '--address-range', '10.0.0.0/8'];
  const run = await runCli(['hosts', 'join', ...limits], api);
  t.match(run, { exitCode: 0, stdout: `${command}\n`, stderr: /Good until 2026/ });
  const body = { labels: { zone: 'eu' }, uses: 3, expires_in_s: 7200, address_range: '10.0.0.0/8' };
  t.match(api.asked, [{ method: 'POST', path: '/api/hosts/join-tokens', body }]);
});

t.test('for cloud-init and for Ansible it prints YAML and nothing else', async (t) => {
  const api = await startFakeApi(t, answers());
  const data = await runCli(['hosts', 'join', '--for', 'cloud-init'], api);
  t.match(data.stdout, /^#cloud-config\n/);
  t.match(parse(data.stdout), { runcmd: [['sh', '-c', /^curl/]] });
  const task = await runCli(['hosts', 'join', '--for', 'ansible'], api);
  t.match(parse(task.stdout), [{ become: true }]);
  t.match(await runCli(['hosts', 'join', '--for', 'puppet'], api), { exitCode: 2 });
});

t.test('it waits until as many hosts as it lets in are connected', async (t) => {
  const clock = new ManualClock();
  let token = { ...OPEN, max_uses: 2 };
  const api = await startFakeApi(
    t,
    answers(() => token),
  );
  const run = startCli(['hosts', 'join', '--uses', '2', '--wait'], { ...api, clock });
  let isOver = false;
  const done = run.done.finally(() => (isOver = true));
  token = { ...token, hosts: [WEB, { id: 'host_2', name: 'web-2', status: 'offline' }] };
  await eventually(() => {
    clock.advance(2000);
    return run.stderr.includes('web-1 is connected (host_1)');
  });
  t.equal(isOver, false);
  token = { ...token, hosts: token.hosts.map((host) => ({ ...host, status: 'connected' })) };
  await eventually(() => {
    clock.advance(2000);
    return isOver;
  });
  t.match(await done, { exitCode: 0, stderr: /web-2 is connected/ });
});

t.test('after the wait it says what seems to be in the way', async (t) => {
  const clock = new ManualClock();
  const refusal = { address: '203.0.113.9', reason: 'It is not for this address, 203.0.113.9.' };
  const api = await startFakeApi(
    t,
    answers(() => ({ ...OPEN, refusal })),
  );
  const run = startCli(['hosts', 'join', '--wait', '30s'], { ...api, clock });
  let isOver = false;
  const done = run.done.finally(() => (isOver = true));
  await eventually(() => {
    clock.advance(2000);
    return isOver;
  });
  t.match(await done, {
    exitCode: 1,
    stdout: `${command}\n`,
    stderr: /Not connected after 30 s[\s\S]*was refused: It is not for this/,
  });
});

t.test('tokens are listed with what became of them, and ended by id', async (t) => {
  const token = {
    ...OPEN,
    id: 'jtk_1',
    uses: 0,
    labels: { zone: 'eu' },
    address_range: null,
    created_at: '2026-01-01T00:00:00Z',
    expires_at: '2026-01-01T01:00:00Z',
    refusal: { address: '203.0.113.9', reason: 'It has expired.' },
  };
  const api = await startFakeApi(t, ({ method }) =>
    method === 'DELETE' ? { status: 204 } : { body: { data: [token], total: 1, page: 1, per_page: 100 } },
  );
  const { stdout } = await runCli(['hosts', 'tokens'], api);
  t.match(stdout, /jtk_1\topen\t0\/1\t\d+d\t2026-01-01T01:00:00Z\t-\t203\.0\.113\.9: It has expired\.\tzone=eu/);
  t.match(await runCli(['hosts', 'end-token', 'jtk_1'], api), { exitCode: 0, stdout: /^jtk_1: lets nobody in/ });
  t.match(api.asked.at(-1), { method: 'DELETE', path: '/api/hosts/join-tokens/jtk_1' });
});

t.test('a wait that is no duration makes no token', async (t) => {
  const api = await startFakeApi(t, answers());
  t.match(await runCli(['hosts', 'join', '--wait', 'long'], api), { exitCode: 2 });
  t.same(api.asked, []);
});

t.test('the diagnosis: who joined and left, who was refused, or what to look at on the machine', async (t) => {
  const of = (token: object, made = MADE) => diagnose(made, { ...OPEN, ...token }).join('\n');
  t.match(of({ hosts: [{ ...WEB, status: 'offline' }] }), /"web-1" joined and is offline. There: journalctl/);
  t.match(
    of({ refusal: { address: '192.0.2.1', reason: 'It has expired.' } }),
    '192.0.2.1 was refused: It has expired.',
  );
  t.match(
    of({}),
    /No machine has called[\s\S]*curl -sS https:\/\/panel\.example\.com\/healthz[\s\S]*date -u[\s\S]*docker/,
  );
  t.match(of({}, { ...MADE, tls_pin: 'sha256//x=' as never }), 'curl -sS -k --pinnedpubkey sha256//x= https://panel');
});

t.test('a line that others cannot use, or should not, is told', async (t) => {
  t.match(warningsOf({ url: 'http://127.0.0.1:8080' }), [/Only this machine gets to .* --public-url/]);
  t.match(warningsOf({ url: 'https://[::1]:8080' }), [/Only this machine/]);
  t.match(warningsOf({ url: 'http://10.0.0.5:8080' }), [/Without TLS/]);
  t.same(warningsOf({ url: PANEL }), []);
});
