// What `longshore doctor` makes of facts: a machine in order, and each fault with its way out.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { isAtLeast, type Finding } from '#shared/doctor/findings.ts';
import { judgeHost, LEAST, type HostExam } from '../../agent/doctor/judge.ts';
import { judgeControl, type ControlExam } from '../../control/doctor/judge.ts';

const NOW = Date.parse('2026-11-21T12:00:00Z');
const DAY_MS = 86_400_000;
const URL = 'https://panel.example.com';

const HOST: HostExam = {
  version: '0.2.0',
  node: '24.21.0',
  docker: { socket: '/var/run/docker.sock', version: '28.5.2', fault: null },
  tools: { compose: '2.40.3', buildx: '0.29.1', git: '2.39.5', restic: '0.19.1' },
  systemd: '252',
  unit: { name: 'longshore-agent', active: 'active', enabled: 'enabled' },
  folder: { path: '/var/lib/longshore', mode: 0o700 },
  key: { path: '/var/lib/longshore/agent.key', mode: 0o600 },
  disk: { path: '/var/lib/longshore', totalBytes: 80e9, freeBytes: 40e9 },
  agent: {
    agent_version: '0.2.0',
    host_id: 'host_1',
    data_dir: '/var/lib/longshore',
    started_at: '2026-11-21T11:00:00Z',
    control: { url: URL, connected: true, since: '2026-11-21T11:00:01Z', reason: null },
    docker: { reachable: true, version: '28.5.2' },
    outbox: { events: 0, bytes: 0 },
    services: 3,
    open_jobs: 0,
  },
  control: { url: URL, fault: null, skewMs: 300 },
  isClockSynchronized: true,
  policy: { path: '/etc/longshore/policy.yaml', isThere: true, fault: null },
};

const CONTROL: ControlExam = {
  version: '0.2.0',
  node: '24.21.0',
  unit: { name: 'longshore-control', active: 'active', enabled: 'enabled' },
  folder: { path: '/var/lib/longshore-control', mode: 0o700 },
  keys: [{ path: '/var/lib/longshore-control/secret.key', mode: 0o600 }],
  disk: { path: '/var/lib/longshore-control', totalBytes: 80e9, freeBytes: 40e9 },
  schema: { found: 25, known: 25, fault: null },
  own: { url: 'https://127.0.0.1', fault: null, isRefused: false, certificateEndsAt: NOW + 60 * DAY_MS },
  public: { url: URL, fault: null, isRefused: false, certificateEndsAt: NOW + 80 * DAY_MS },
  release: { folder: '/var/lib/longshore-control/dist', version: '0.2.0', fault: null },
  isClockSynchronized: true,
};

const lines = (findings: Finding[]) => findings.map(({ check, verdict, found }) => `${verdict} ${check}: ${found}`);
const wrong = (findings: Finding[]) => findings.filter(({ verdict }) => verdict !== 'ok');
const host = (changed: Partial<HostExam>) => wrong(judgeHost({ ...HOST, ...changed }));
const control = (changed: Partial<ControlExam>) => wrong(judgeControl({ ...CONTROL, ...changed }, NOW));

t.test('a host in order', async (t) => {
  t.same(lines(judgeHost(HOST)), [
    'ok version: Longshore 0.2.0, Node 24.21.0, systemd 252',
    'ok unit: longshore-agent runs, and will after a reboot',
    `ok agent: connected to ${URL} as host_1 since 2026-11-21T11:00:01Z`,
    `ok control: ${URL} answers`,
    "ok clock: kept by a time service, as the control plane's",
    'ok docker: Docker Engine 28.5.2',
    'ok compose: 2.40.3',
    'ok buildx: 0.29.1',
    'ok git: 2.39.5',
    'ok restic: 0.19.1',
    'ok folder: /var/lib/longshore, for its owner alone',
    'ok key: /var/lib/longshore/agent.key, for its owner alone',
    'ok disk: 40.0 GB of 80.0 GB free at /var/lib/longshore',
    'ok policy: /etc/longshore/policy.yaml',
  ]);
});

t.test('a control plane in order', async (t) => {
  t.same(lines(judgeControl(CONTROL, NOW)), [
    'ok version: Longshore 0.2.0, Node 24.21.0',
    'ok unit: longshore-control runs, and will after a reboot',
    'ok port: answers at https://127.0.0.1',
    `ok public URL: ${URL} answers`,
    'ok certificate: good for 80 days',
    'ok database: schema 25',
    'ok folder: /var/lib/longshore-control, for its owner alone',
    'ok key: /var/lib/longshore-control/secret.key, for its owner alone',
    'ok disk: 40.0 GB of 80.0 GB free at /var/lib/longshore-control',
    'ok clock: kept by a time service',
    'ok release: 0.2.0 in /var/lib/longshore-control/dist, whole and signed',
  ]);
});

t.test('each fault of a host, and its way out', async (t) => {
  const { agent } = HOST;
  if (!agent) return;
  const offline = { ...agent, control: { ...agent.control, connected: false, reason: 'Cannot reach it' } };
  const denied = { ...HOST.docker, version: null, fault: 'EACCES' };
  const cases: [Partial<HostExam>, string, RegExp, RegExp][] = [
    [{ docker: denied }, 'fail docker', /no answer at .*: EACCES/, /usermod -aG docker/],
    [{ docker: { ...denied, fault: 'ENOENT' } }, 'fail docker', /ENOENT/, /install\.sh engine/],
    [{ docker: { ...HOST.docker, version: '24.0.9' } }, 'fail docker', /24\.0\.9, and 26\.0 is needed/, /install\.sh/],
    [{ tools: { ...HOST.tools, compose: '2.18.1' } }, 'fail compose', /2\.40 is needed/, /install\.sh engine/],
    [{ tools: { ...HOST.tools, buildx: null } }, 'warn buildx', /nothing can be built/, /install\.sh engine/],
    [{ tools: { ...HOST.tools, restic: '0.14.0' } }, 'warn restic', /no backups/, /install\.sh engine/],
    [{ folder: { ...HOST.folder, mode: 0o755 } }, 'fail folder', /open to others \(755\)/, /chmod 700/],
    [{ key: { ...HOST.key, mode: 0o640 } }, 'fail key', /\(640\)/, /chmod 600/],
    [{ control: { url: URL, fault: null, skewMs: -61_000 } }, 'fail clock', /61 s behind/, /set-ntp/],
    [{ isClockSynchronized: false }, 'warn clock', /not kept by a time service/, /set-ntp/],
    [{ disk: { path: '/', totalBytes: 80e9, freeBytes: 1e9 } }, 'warn disk', /1\.0 GB of/, /docker system df/],
    [{ disk: { path: '/', totalBytes: 80e9, freeBytes: 1e6 } }, 'fail disk', /0\.0 GB of/, /docker system df/],
    [
      { policy: { ...HOST.policy, fault: 'it must belong to root' } },
      'fail policy',
      /belong to root/,
      /does not start/,
    ],
    [{ agent: null }, 'fail agent', /does not answer/, /journalctl/],
    [{ agent: offline }, 'fail agent', /not connected to .*: Cannot reach it/, /revoked/],
    [{ agent: { ...agent, agent_version: '0.1.0' } }, 'warn version', /the agent that runs is 0\.1\.0/, /restart/],
    [{ control: { url: URL, fault: 'ENOTFOUND', skewMs: null } }, 'fail control', /ENOTFOUND/, /DNS/],
    [{ unit: { name: 'u', active: 'failed', enabled: 'enabled' } }, 'fail unit', /is failed/, /journalctl -u u/],
    [{ unit: { name: 'u', active: 'active', enabled: 'disabled' } }, 'warn unit', /not after a reboot/, /enable u/],
  ];
  for (const [facts, name, found, fix] of cases) {
    const [first, ...others] = host(facts);
    t.same(others, [], name);
    t.match(first, { found, fix }, name);
    t.equal(`${first?.verdict} ${first?.check}`, name);
  }
});

t.test('each fault of a control plane, and its way out', async (t) => {
  const own = { ...CONTROL.own, certificateEndsAt: null };
  const gone = { ...own, fault: 'ECONNREFUSED', isRefused: true };
  const shown = (days: number) => ({
    public: CONTROL.public && { ...CONTROL.public, certificateEndsAt: NOW + days * DAY_MS },
  });
  const cases: [Partial<ControlExam>, string, RegExp, RegExp][] = [
    [{ own: gone }, 'fail port', /nobody listens/, /systemctl start/],
    [{ own: { ...own, fault: 'something else answers there' } }, 'fail port', /something else/, /ss -ltnp/],
    [{ public: { ...own, url: URL, fault: 'ENOTFOUND' } }, 'fail public URL', /ENOTFOUND/, /LONGSHORE_PUBLIC_URL/],
    [shown(3), 'warn certificate', /good for 3 days/, /Renew/],
    [shown(-2), 'fail certificate', /ended 2 days ago/, /Renew/],
    [{ schema: { found: 99, known: 25, fault: null } }, 'fail database', /newer version/, /newer version/],
    [{ schema: { found: null, known: 25, fault: 'malformed' } }, 'fail database', /malformed/, /control restore/],
    [{ schema: { found: null, known: 25, fault: null } }, 'warn database', /none yet/, /restore a backup/],
    [{ release: { folder: 'd', version: null, fault: null } }, 'warn release', /none in d/, /npm run build/],
    [{ release: { folder: 'd', version: '1', fault: 'not whole' } }, 'warn release', /not whole/, /npm run build/],
  ];
  for (const [facts, name, found, fix] of cases) {
    const [first, ...others] = control(facts);
    t.same(others, [], name);
    t.match(first, { found, fix }, name);
    t.equal(`${first?.verdict} ${first?.check}`, name);
  }
});

t.test('a machine without systemd has no units and a clock nobody vouches for', async (t) => {
  t.same(host({ unit: null, systemd: null, isClockSynchronized: null }), []);
  t.same(host({ unit: { name: 'u', active: 'inactive', enabled: '' } }), [], 'nor one where it was started by hand');
});

t.test('what is needed is what install.sh installs', async (t) => {
  const file = fileURLToPath(new globalThis.URL('../../cli/install/engine.sh', import.meta.url));
  const found = [...readFileSync(file, 'utf8').matchAll(/^(ENGINE|COMPOSE|RESTIC)_MIN=([\d.]+)/gm)];
  t.same(Object.fromEntries(found.map(([, name = '', version]) => [name.toLowerCase(), version])), LEAST);
});

t.test('versions are compared by their numbers', async (t) => {
  t.ok(isAtLeast('28.5.2+dfsg4', '26.0'));
  t.ok(isAtLeast('v2.40.3', '2.40'));
  t.ok(isAtLeast('0.17', '0.17.0'));
  t.notOk(isAtLeast('2.9.9', '2.40'));
  t.notOk(isAtLeast('dev', '0'));
});
