// The units as systemd starts them on a host: a release in its sandbox does all that is asked of it, on a few rights.
import { cpSync } from 'node:fs';
import { basename } from 'node:path';
import t from 'tap';
import { Api } from '../support/api.ts';
import { docker, ensureImages, runProgram } from '../support/docker.ts';
import { eventually } from '../support/eventually.ts';
import { FLEET_TEST_LIMIT_MS, requireFleet, startFleet, type FleetHost } from '../support/fleet/fleet.ts';
import { buildRelease, type TestRelease } from '../support/release.ts';

const LONGSHORE = '/opt/longshore/current/bin/longshore';
const KEPT = '/var/lib/longshore-control';
/** More than a start takes on a busy machine. */
const START_MS = 60_000;

/** What install.sh makes of a machine, as far as units are concerned. */
const INSTALL = `
  useradd --system --home-dir /var/lib/longshore --shell /usr/sbin/nologin longshore
  mkdir -p /opt/longshore/releases /etc/longshore
  cd /opt/longshore/releases && tar -xzf /root/release.tgz && mv longshore-* one && ln -s releases/one ../current
  cp one/systemd/longshore-*.* /etc/systemd/system/
  printf 'LONGSHORE_ALLOW_FILE_GIT=1\\n' >/etc/longshore/agent.env
  printf 'LONGSHORE_ALLOW_FILE_GIT=1\\nLONGSHORE_LISTEN=0.0.0.0:443\\nLONGSHORE_RATE_LIMIT=100000\\n' >/etc/longshore/control.env
  systemctl daemon-reload`;

const MAKE_REPOSITORY = `
  mkdir -p /srv/app && cd /srv/app && git init -q -b main
  printf 'FROM busybox:1\\nRUN echo built >/it\\nSTOPSIGNAL SIGKILL\\nCMD ["sh", "-c", "cat /it; exec sleep 1000"]\\n' >Dockerfile
  git add . && git -c user.name=a -c user.email=a@b commit -q -m one && chown -R longshore: /srv/app`;

const COMPOSE = `services:
  web: { image: "busybox:1", command: [sh, -c, "echo hello; exec sleep 1000"], init: true, stop_grace_period: 0s, volumes: ["data:/data"] }
volumes: { data: {} }
`;

async function install(host: FleetHost, release: TestRelease): Promise<void> {
  const restic = await runProgram('sh', ['-c', 'readlink -f "$(command -v restic)"']);
  cpSync(release.tarball, host.path('/root/release.tgz'));
  await docker(['cp', restic, `${host.name}:/usr/local/bin/restic`]);
  await host.shell(`set -e${INSTALL}`);
  await host.shell(`set -e${MAKE_REPOSITORY}`);
}

const statusOf = (host: FleetHost, name: string) =>
  host.run('systemctl', 'show', '-P', 'StatusText', `longshore-${name}`);
const untilStatus = (host: FleetHost, name: string, status: RegExp) =>
  eventually(() => statusOf(host, name), { until: (text) => status.test(text), timeoutMs: START_MS });

t.setTimeout(FLEET_TEST_LIMIT_MS);

t.test('units of a host', async (t) => {
  if (!(await requireFleet(t))) return;
  const [{ hosts }, release] = await Promise.all([
    ensureImages().then(() => startFleet(t, { count: 1, images: ['busybox:1'] })),
    buildRelease(),
  ]);
  const host = hosts[0] as FleetHost;
  await install(host, release);

  await t.test('they may do little, as their own systemd measures', async (t) => {
    const limits = { agent: 20, control: 14, upgrade: 20 };
    for (const [name, limit] of Object.entries(limits)) {
      const args = ['security', '--no-pager', `--threshold=${limit}`, `longshore-${name}.service`];
      t.match(await host.run('systemd-analyze', ...args), new RegExp(`longshore-${name}`));
    }
  });

  await t.test('the control plane has a port below 1024 and no rights for it', async (t) => {
    await host.run('systemctl', 'start', 'longshore-control.socket', 'longshore-control');
    t.match(await statusOf(host, 'control'), /^answers at http:\/\/127\.0\.0\.1:443; hosts connected: 0$/);
    t.match(await host.shell('grep CapEff /proc/$(systemctl show -P MainPID longshore-control)/status'), /\t0+$/);
  });

  const key = await host.run('cat', `${KEPT}/admin.key`);
  const api = new Api(`http://${host.address}:443`, key);
  const begin = async (path: string, body: object) => (await api.post<Record<string, string>>(path, body)).body;
  const deploy = async (body: object) => {
    const made = await begin('/api/services', { host_id: hostId, ...body });
    const { state, error } = await api.jobEnd(made['deploy_job_id'] ?? '', START_MS);
    return { id: made['id'] ?? '', state, error };
  };
  let hostId = '';
  let web = '';

  await t.test('the agent joins by a credential, and needs it once', async (t) => {
    const { token = '' } = await begin('/api/hosts/join-tokens', {});
    await host.write('/etc/longshore/agent.token', token);
    await host.run('chmod', '600', '/etc/longshore/agent.token');
    await host.run('systemctl', 'start', 'longshore-agent');
    await untilStatus(host, 'agent', /^connected to .* as host_/);
    await host.shell('rm /etc/longshore/agent.token && systemctl restart longshore-agent');
    await untilStatus(host, 'agent', /^connected to .* as host_/);
    hostId = /host_\w+/.exec(await statusOf(host, 'agent'))?.[0] ?? '';
    t.not(hostId, '');
  });

  const inWeb = (script: string) =>
    begin(`/api/services/${web}/exec`, { service: 'web', command: ['sh', '-ec', script] });
  let backup: Record<string, string> = {};

  await t.test('it deploys, reads logs, runs programs and takes backups', async (t) => {
    const { id, state, error } = await deploy({ name: 'web', deploy_method: 'compose', compose: COMPOSE });
    web = id;
    t.match({ state, error }, { state: 'succeeded', error: null });
    const run = await inWeb(
      'echo kept >/data/it; chown 70:71 /data/it; chmod 2750 /data; touch -d 2020-01-01 /data/it /data',
    );
    t.match(run, { exit_code: 0 });
    const fetchLogs = async () => JSON.stringify((await api.get(`/api/services/${id}/logs`)).body);
    await eventually(fetchLogs, { until: (text) => text.includes('hello') });
    backup = await begin(`/api/services/${id}/backups`, {});
    t.match(await api.jobEnd(backup['job_id'] ?? '', START_MS), { state: 'succeeded', error: null });
  });

  await t.test('it restores them, though it may not write into a volume', async (t) => {
    const look = 'cat /data/it; stat -c "%n %u:%g %a %Y" /data /data/it; ls /data';
    const before = await inWeb(look);
    t.match(before, { exit_code: 0, stdout: /kept/ });
    await inWeb('echo spoilt >/data/it; chown 0:0 /data/it; chmod 755 /data; echo more >/data/new');
    const { job_id: job = '' } = await begin(`/api/backups/${backup['id']}/restore`, {});
    t.match(await api.jobEnd(job, START_MS), { state: 'succeeded', error: null });
    t.equal((await inWeb(look))['stdout'], before['stdout']);
    t.equal(await host.shell('docker ps -aq --filter label=longshore.tool'), '', 'its container is gone');
  });

  await t.test('it fetches from Git and builds', async (t) => {
    const app = await deploy({ name: 'app', deploy_method: 'git', git_url: 'file:///srv/app', git_branch: 'main' });
    t.match(app, { state: 'succeeded', error: null });
  });

  await t.test('the doctor finds nothing that is broken', async (t) => {
    const { sound, findings } = JSON.parse(await host.run(LONGSHORE, 'doctor', '--json')) as {
      sound: boolean;
      findings: { side: string; check: string; verdict: string }[];
    };
    t.ok(sound);
    const shown = findings.filter(({ verdict }) => verdict === 'ok').map(({ side, check }) => `${side} ${check}`);
    const expected = ['agent', 'control', 'docker', 'restic', 'folder', 'key'].map((check) => `host ${check}`);
    t.same(
      [...expected, 'control port', 'control database', 'control folder'].filter((check) => !shown.includes(check)),
      [],
    );
  });

  await t.test('F35: the control plane is backed up while it runs, and put back; services run on', async (t) => {
    const containers = () => host.shell('docker ps -q --no-trunc | sort');
    const before = await containers();
    await host.run(LONGSHORE, 'control', 'backup', '/root/control.backup');
    t.equal(await host.run('stat', '-c', '%a %U', '/root/control.backup'), '600 root');
    await begin(`/api/services/${web}/restart`, {});
    const restarted = await containers();
    t.equal(restarted, before, 'a restart keeps its container');
    await t.rejects(host.run(LONGSHORE, 'control', 'restore', '/root/control.backup'), /a control plane is running/);
    await host.run('systemctl', 'stop', 'longshore-control.socket', 'longshore-control');
    await host.run(LONGSHORE, 'control', 'restore', '/root/control.backup');
    t.equal(
      await host.shell(`stat -c %U ${KEPT}/control.db ${KEPT}/secret.key ${KEPT}/replaced-* | uniq`),
      'longshore',
    );
    await host.run('systemctl', 'start', 'longshore-control.socket', 'longshore-control');
    const fetchEvents = async () => JSON.stringify((await api.get(`/api/hosts/${hostId}/events`)).body);
    await eventually(fetchEvents, { until: (text) => text.includes('control_restored'), timeoutMs: 90_000 });
    t.equal(await containers(), before);
    t.match((await api.get(`/api/services/${web}`)).body, { status: 'running' });
  });

  t.comment(`${basename(release.tarball)} under ${await host.shell('systemctl --version | head -n 1')}`);
});
