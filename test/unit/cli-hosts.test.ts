// Hosts as people type them: by name, where the API takes ids; and what is asked of one.
import t from 'tap';
import { runCli } from '../support/cli.ts';
import { startFakeApi } from '../support/fake-api.ts';
import { ManualClock } from '../support/manual-clock.ts';

const listOf = <T>(...data: T[]) => ({ body: { data, total: data.length, page: 1, per_page: 100 } });
const NOTHING_PLANNED = {
  plan_id: null,
  deploys: true,
  commit: null,
  proposal: null,
  downtime: { services: [] },
  services: [],
  images: [],
  volumes: [],
  findings: [],
  preflight: [],
};

void t.test('a host is found by its name, also when one of that name was revoked before', async (t) => {
  const [old, now] = [
    { id: 'host_1', name: 'eu-1', status: 'revoked' },
    { id: 'host_2', name: 'eu-1', status: 'connected' },
  ];
  let hosts = [old, now];
  const api = await startFakeApi(t, () => listOf(...hosts));
  await runCli(['hosts', 'get', 'eu-1'], api);
  t.equal(api.asked.at(-1)?.path, '/api/hosts/host_2');
  hosts = [old];
  await runCli(['hosts', 'get', 'eu-1'], api);
  t.equal(api.asked.at(-1)?.path, '/api/hosts/host_1');
  hosts = [now, { ...now, id: 'host_3' }];
  t.match(await runCli(['hosts', 'get', 'eu-1'], api), { exitCode: 2, stderr: /Several hosts are called "eu-1"/ });
});

void t.test('a plan of what is new is asked for the host and the customer it will have', async (t) => {
  const api = await startFakeApi(t, ({ method, path }) => {
    if (path === '/api/hosts') return listOf({ id: 'host_1', name: 'eu-1' });
    if (path === '/api/customers') return listOf({ id: 'cust_1', name: 'acme' });
    return method === 'POST' ? { body: NOTHING_PLANNED } : listOf();
  });
  const file = t.testdir({ 'compose.yaml': 'services: { web: { image: "x:1" } }' });
  const args = ['--name', 'web', '--host', 'eu-1', '--customer', 'acme', '--plan'];
  t.match(await runCli(['deploy', '-f', `${file}/compose.yaml`, ...args], api), { exitCode: 0 });
  t.match(api.asked.at(-1), { path: '/api/services/plan', body: { host_id: 'host_1', customer_id: 'cust_1' } });
});

void t.test('prune takes a duration, and rounds it up to the hours of the API', async (t) => {
  const pruned = { images: [], images_freed_bytes: 0, build_cache_freed_bytes: 0, protected: 0, recent: 0, left: 0 };
  const api = await startFakeApi(t, () => ({ body: { ...pruned, dry_run: false } }));
  await runCli(['hosts', 'prune', 'host_1', '--older-than', '7d'], api);
  await runCli(['hosts', 'prune', 'host_1', '--older-than', '90m'], api);
  t.match(api.asked, [{ body: { older_than_hours: 168 } }, { body: { older_than_hours: 2 } }]);
  t.match(await runCli(['hosts', 'prune', 'host_1', '--older-than', '7'], api), { exitCode: 2 });
});

const HOST = {
  id: 'host_1',
  name: 'eu-1',
  labels: { zone: 'eu' },
  status: 'connected',
  status_since: '2026-03-29T09:00:00Z',
  cordoned_at: null,
  drained_at: null,
  resources: null,
  facts: {
    hostname: 'eu-1',
    os: 'Debian GNU/Linux 12',
    kernel: '6.1.0',
    arch: 'x64',
    cpus: 4,
    memory_bytes: 8 * 1024 ** 3,
    memory_free_bytes: 2 * 1024 ** 3,
    disk_bytes: 80 * 1024 ** 3,
    disk_free_bytes: 40 * 1024 ** 3,
    docker_version: null,
    docker_unavailable_since: '2026-03-29T09:30:00Z',
    compose_version: '2.40.3',
    agent_version: '0.1.0',
    addresses: ['203.0.113.7', '2001:db8::7'],
  },
  facts_sampled_at: '2026-03-29T09:59:00Z',
  last_seen_at: '2026-03-29T10:00:00Z',
  created_at: '2026-03-01T00:00:00Z',
};

void t.test('shows everything a host has told of itself, and how old that is', async (t) => {
  const api = await startFakeApi(t, () => ({ body: HOST }));
  const clock = new ManualClock(Date.parse('2026-03-29T10:00:00Z'));
  const { stdout } = await runCli(['hosts', 'show', 'host_1'], { ...api, clock });
  for (const text of [
    'since\t60m ago',
    'system\tDebian GNU/Linux 12, kernel 6.1.0, x64',
    'docker\tdoes not answer since 2026-03-29T09:30:00Z',
    'memory\t8.0G, 2.0G free',
    'addresses\t203.0.113.7 2001:db8::7',
    'facts from\t60s ago',
  ])
    t.match(stdout, text);
});

void t.test('a list says what to do about a host that is two machines, and which take nothing new', async (t) => {
  const hosts = [
    { ...HOST, status: 'fenced' },
    { ...HOST, name: 'eu-2', cordoned_at: HOST.created_at },
    { ...HOST, name: 'eu-3', cordoned_at: HOST.created_at, drained_at: HOST.created_at },
  ];
  const api = await startFakeApi(t, () => listOf(...hosts));
  const { stdout, stderr } = await runCli(['hosts', 'list'], api);
  t.match(stdout, /eu-2\tconnected cordoned/);
  t.match(stdout, /eu-3\tconnected drained/);
  t.match(stderr, /^eu-1: two live machines use its key.*`longshore hosts join`/);
  t.equal(stderr.split('\n').length, 2, 'of the others there is nothing to say');
});

void t.test('labels are set by K=V and taken off by K-', async (t) => {
  const api = await startFakeApi(t, () => ({ body: HOST }));
  await runCli(['hosts', 'label', 'host_1', 'zone=eu', 'old-', 'note=ends-with-'], api);
  t.match(api.asked.at(-1), { method: 'PATCH', path: '/api/hosts/host_1' });
  t.strictSame(api.asked.at(-1)?.body, { labels: { zone: 'eu', old: null, note: 'ends-with-' } });
  t.match(await runCli(['hosts', 'label', 'host_1', 'zone'], api), { exitCode: 2 });
  await runCli(['hosts', 'rename', 'host_1', 'web-1'], api);
  t.strictSame(api.asked.at(-1)?.body, { name: 'web-1' });
});

void t.test('a drain shows what becomes of each service and what it keeps', async (t) => {
  const services = [
    {
      id: 'svc_1',
      name: 'db',
      action: 'stopping',
      reason: null,
      job_id: 'job_1',
      is_movable: false,
      data: { volumes: ['data'], folders: ['/srv'] },
    },
    {
      id: 'svc_2',
      name: 'web',
      action: 'left',
      reason: 'It is disabled',
      job_id: null,
      is_movable: true,
      data: { volumes: [], folders: [] },
    },
    { id: 'svc_3', name: 'git', action: 'stopping', reason: null, job_id: 'job_3', is_movable: null, data: null },
  ];
  const api = await startFakeApi(t, () => ({ body: { host: HOST, services } }));
  const { stdout } = await runCli(['hosts', 'drain', 'host_1'], api);
  t.match(stdout, /db\tstopping\tjob_1\tdata \/srv/);
  t.match(stdout, /web\tleft: It is disabled\t-\tnothing/);
  t.match(stdout, /git\tstopping\tjob_3\tnot known/);
  await runCli(['hosts', 'undrain', 'host_1'], api);
  t.equal(api.asked.at(-1)?.path, '/api/hosts/host_1/undrain');
});

void t.test('removing a host asks first, and forces only when told to', async (t) => {
  const api = await startFakeApi(t, () => ({ body: null }));
  t.match(await runCli(['hosts', 'rm', 'host_1'], api), { exitCode: 2, stderr: /needs --yes/ });
  t.equal(api.asked.length, 0);
  await runCli(['hosts', 'rm', 'host_1', '--yes'], api);
  await runCli(['hosts', 'rm', 'host_1', '--yes', '--force'], api);
  t.match(api.asked, [
    { method: 'DELETE', path: '/api/hosts/host_1' },
    { method: 'DELETE', path: '/api/hosts/host_1' },
  ]);
  t.strictSame(
    api.asked.map(({ query }) => query.get('force')),
    [null, 'true'],
  );
});

void t.test('incidents are listed with what they took', async (t) => {
  const incident = {
    id: 'inc_1',
    kind: 'hosts.mass_disconnect',
    status: 'open',
    message: '12 hosts went away together; what runs there runs on',
    host_count: 12,
    away_count: 12,
    started_at: '2026-03-29T10:00:00Z',
    ended_at: null,
  };
  const hosts = [{ id: 'host_1', name: 'eu-1', lost_at: incident.started_at, back_at: null }];
  const api = await startFakeApi(t, ({ path }) =>
    path.startsWith('/api/incidents/') ? { body: { ...incident, hosts } } : listOf(incident),
  );
  t.match(
    (await runCli(['incidents', 'list', '--status', 'open'], api)).stdout,
    /open\thosts\.mass_disconnect\t12\t12/,
  );
  t.equal(api.asked.at(-1)?.query.get('status'), 'open');
  t.match((await runCli(['incidents', 'get', 'inc_1'], api)).stdout, /eu-1/);
});
