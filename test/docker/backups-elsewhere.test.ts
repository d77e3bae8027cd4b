// Backups in repositories that other hosts reach, too: restic's REST server and a real sshd, databases that are dumped,
// copies on another host, drills, and servers that mean no good.
import { execFile } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import t, { type Test } from 'tap';
import { DEFAULT_BACKUP_SETTINGS, type BackupSettings, type RepositorySpec } from '#shared/backup.ts';
import type { LongshoreError } from '#shared/errors.ts';
import type { JobOutcome } from '../../agent/deploy/job-run.ts';
import { watchArgv } from '../support/argv-watch.ts';
import { startDeployHost, StepLog, type DeployHost, type RunOptions } from '../support/deploy-host.ts';
import { docker, ensureServers, requireDocker } from '../support/docker.ts';
import { makeFolder } from '../support/folder.ts';
import { REST_PASSWORD, startVault, VAULT_PASSWORD, type Vault } from '../support/vault.ts';

const FIRST = 'bkp_first000001';
const COMPOSE = `
services:
  app: {image: "busybox:1", init: true, stop_grace_period: 0s, command: sleep 1000, volumes: ["data:/data"]}
volumes: {data: {}}
`;
const run = promisify(execFile);

const settings = (more: Partial<BackupSettings>): BackupSettings => ({ ...DEFAULT_BACKUP_SETTINGS, ...more });
const errorOf = (outcome: JobOutcome): LongshoreError | undefined =>
  outcome.state === 'succeeded' ? undefined : outcome.error;
const inside = (host: DeployHost, script: string, service = 'app') =>
  docker(['exec', `${host.spec.name}-${service}-1`, 'sh', '-ec', script]);
const backup = (host: DeployHost, repository?: RepositorySpec, more: RunOptions = {}) =>
  host.run({ kind: 'backup', backupId: FIRST, repository, ...more });

async function startApp(t: Test, compose = COMPOSE): Promise<DeployHost> {
  const host = await startDeployHost(t, 'away', { compose });
  t.match(await host.deploy(), { state: 'succeeded' });
  return host;
}

t.test('repositories elsewhere', async (t) => {
  if (!(await requireDocker(t))) return;
  await ensureServers();
  const vault = await startVault(t);
  t.jobs = 4;
  void t.test('a service comes back on another host, which knows nothing but the repository', { buffered: true }, (t) =>
    anotherHost(t, vault),
  );
  void t.test('SFTP: only the host whose key is known is believed', { buffered: true }, (t) => overSftp(t, vault));
  void t.test('Postgres is dumped by its own program, and what it holds comes back', { buffered: true }, (t) =>
    postgres(t, vault),
  );
  void t.test(
    'A64: what others have put into a repository is judged before anything is written',
    { buffered: true },
    (t) => hostile(t, vault),
  );
});

async function anotherHost(t: Test, vault: Vault): Promise<void> {
  const repository = vault.rest('shop');
  const here = await startApp(t);
  await inside(here, 'echo first >/data/note; chown 70:70 /data; chmod 700 /data');
  const argv = watchArgv();
  t.match(await backup(here, repository), { state: 'succeeded', backup: { consistency: 'live' } });
  argv.stop();
  t.notMatch(
    [...argv.seen].join('\n'),
    new RegExp(`${REST_PASSWORD}|${VAULT_PASSWORD}`),
    'no argument says a password',
  );

  const there = await startDeployHost(t, 'away', { compose: COMPOSE });
  const steps = new StepLog();
  const from = { backupId: FIRST, backupOf: here.spec.id, repository, steps };
  t.match(await there.deploy({}, from), { state: 'succeeded' });
  t.match(steps.lines.join(' '), /restore done apply done wait done/, 'before its containers first start');
  t.equal(await inside(there, 'cat /data/note; stat -c "%u %a" /data'), 'first\n70 700');

  await inside(there, 'echo second >/data/note');
  t.match(
    await there.run({ kind: 'restore', ...from, steps: new StepLog() }),
    { state: 'succeeded' },
    'and into place',
  );
  t.equal(await inside(there, 'cat /data/note'), 'first');
  const wrong = await backup(here, { ...repository, password: 'another' });
  t.match(errorOf(wrong), { code: 'backup_failed', details: /does not open with its password/ });
  const refused = await backup(here, { ...repository, env: {} });
  t.match(errorOf(refused), { code: 'backup_failed', details: /401/ }, 'its server asks who it is');
}

async function overSftp(t: Test, vault: Vault): Promise<void> {
  const repository = vault.sftp('shop');
  const host = await startApp(t);
  host.backupSettings.set(
    host.spec.id,
    settings({ repository, consistency: 'stop', retention: { last: 1, daily: 0, weekly: 0, monthly: 0 } }),
  );
  await inside(host, 'echo first >/data/note');
  const steps = new StepLog();
  t.match(await backup(host, undefined, { steps }), { state: 'succeeded', backup: { consistency: 'stop' } });
  t.strictSame(steps.lines, ['stop done', 'backup done', 'start done', 'forget done']);
  t.equal((await host.engine.listProject(host.spec.name))[0]?.state, 'running');
  await inside(host, 'echo second >/data/note');
  const second = await backup(host, undefined, { backupId: 'bkp_second00002' });
  t.match(second, { state: 'succeeded', forgotten: [FIRST] }, 'the older one goes, as the retention says');
  t.match(errorOf(await host.run({ kind: 'restore', backupId: FIRST, repository })), { code: 'not_found' });
  await inside(host, 'echo third >/data/note');
  t.match(await host.run({ kind: 'restore', backupId: 'bkp_second00002', repository }), { state: 'succeeded' });
  t.equal(await inside(host, 'cat /data/note'), 'second');
  const stranger = { ...repository, knownHosts: (repository.knownHosts ?? '').replace(/AAAA\S+/, strangerKey) };
  t.match(errorOf(await backup(host, stranger)), { code: 'backup_failed' });
  const files = await run('find', [join(host.dataDir, 'backups')]);
  t.notMatch(files.stdout, /\.ssh/, 'its key is gone from the disk');
}

const strangerKey = 'AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA';

const SHOP = `
services:
  db:
    image: longshore-test/postgres:1
    environment: {POSTGRES_PASSWORD: s3cret-of-the-shop, POSTGRES_HOST_AUTH_METHOD: scram-sha-256}
    stop_grace_period: 5s
    volumes: ["data:/var/lib/postgresql/data"]
    healthcheck: {test: [CMD, pg_isready, -U, postgres, -h, 127.0.0.1], interval: 1s, retries: 60}
volumes: {data: {}}
`;

async function postgres(t: Test, vault: Vault): Promise<void> {
  const host = await startApp(t, SHOP);
  const repository = vault.rest('postgres');
  host.backupSettings.set(
    host.spec.id,
    settings({ repository, dumps: 'auto', consistency: 'pause', beforeDeploy: true }),
  );
  const sql = (text: string) =>
    inside(host, `PGPASSWORD=$POSTGRES_PASSWORD psql -U postgres -h 127.0.0.1 -Atc "${text}"`, 'db');
  await sql('CREATE TABLE orders AS SELECT generate_series(1, 50000) AS id');
  const argv = watchArgv();
  const steps = new StepLog();
  const made = await backup(host, undefined, { steps });
  argv.stop();
  t.match(made, { state: 'succeeded', backup: { dumps: ['db'], consistency: 'pause' } });
  t.match(steps.said.join('\n'), /dumped db: db\.postgres\.sql, \d{6,} bytes/);
  t.notMatch([...argv.seen].join('\n'), /s3cret-of-the-shop/);
  t.equal((await host.engine.listProject(host.spec.name))[0]?.state, 'running', 'it goes on');
  await using open = await host.backups.open(host.spec.id, repository);
  const [dump] = await open.findDumps(FIRST);
  const text = await open.read(dump?.id ?? '', '/db.postgres.sql', new AbortController().signal);
  t.match(text, /CREATE TABLE public\.orders[^]*\n50000\n[^]*PostgreSQL database cluster dump complete/);

  await sql('DROP TABLE orders');
  const drilled = new StepLog();
  t.match(await host.run({ kind: 'drill', repository, backupId: FIRST, steps: drilled }), {
    state: 'succeeded',
    drilled: FIRST,
  });
  t.strictSame(drilled.lines, ['remove done', 'restore done', 'drill done', 'remove done']);
  t.equal(await docker(['volume', 'ls', '-q', '--filter', 'name=drill-']), '', 'nothing is left of it');
  t.match(await host.run({ kind: 'restore', repository, backupId: FIRST }), { state: 'succeeded' });
  const count = () => sql('SELECT count(*) FROM orders').catch(() => 'not yet');
  let rows = await count();
  for (let tries = 0; rows === 'not yet' && tries < 300; tries++) rows = await count();
  t.equal(rows, '50000');

  const changed = await host.deploy({ compose: SHOP.replace('stop_grace_period: 5s', 'stop_grace_period: 4s') });
  t.match(changed, { state: 'succeeded', backupBefore: { id: /^bkp_/, repositoryId: repository.id, summary: {} } });
}

/** Each is a folder as restic is given it, and what of it makes it unfit. */
async function hostile(t: Test, vault: Vault): Promise<void> {
  const host = await startApp(t);
  const repository = vault.rest('hostile');
  await inside(host, 'echo mine >/data/note');
  t.match(await backup(host, repository), { state: 'succeeded' });
  const folder = makeFolder(t, 'hostile');
  const name = `${host.spec.name}_data`;
  const cases: Record<string, (data: string) => Promise<unknown>> = {
    setuid: (data) => {
      mkdirSync(data, { recursive: true });
      writeFileSync(join(data, 'sh'), 'x');
      return run('chmod', ['4755', join(data, 'sh')]);
    },
    device: async (data) => {
      mkdirSync(data, { recursive: true });
      await run('mknod', [join(data, 'null'), 'c', '1', '3']);
    },
    huge: async (data) => {
      mkdirSync(data, { recursive: true });
      await run('truncate', ['-s', '64T', join(data, 'huge')]).catch(() =>
        run('truncate', ['-s', '8T', join(data, 'huge')]),
      );
    },
    link: async (data) => {
      mkdirSync(join(data, '..'), { recursive: true });
      symlinkSync('/etc', data);
    },
  };
  const before = await docker(['exec', `${host.spec.name}-app-1`, 'ls', '-la', '/data']);
  let turn = 0;
  for (const [what, make] of Object.entries(cases)) {
    if (what === 'huge') continue; // restic would read all of it: the rule is tried in test/unit/backup-archive.test.ts
    const backupId = `bkp_hostile${what}${turn++}`;
    const data = join(folder, what, name, '_data');
    await make(data);
    await plant(repository, { host: host.spec.id, backupId, paths: [data] });
    const steps = new StepLog();
    const outcome = await host.run({ kind: 'restore', backupId, repository, steps });
    t.match(errorOf(outcome), { code: 'archive_rejected' }, what);
    t.strictSame(steps.lines, ['restore failed'], `${what}: nothing was stopped`);
  }
  t.equal(
    await docker(['exec', `${host.spec.name}-app-1`, 'ls', '-la', '/data']),
    before,
    'its files are as they were',
  );
  const left = await run('ls', [join(await mountpointOf(host), '..')]);
  t.equal(left.stdout.trim(), '_data', 'and nothing lies beside them');
}

const mountpointOf = (host: DeployHost) =>
  docker(['volume', 'inspect', '--format', '{{.Mountpoint}}', `${host.spec.name}_data`]);

/** What somebody who has the password can do. */
async function plant(
  { url, password, env }: RepositorySpec,
  { host, backupId, paths }: { host: string; backupId: string; paths: string[] },
): Promise<void> {
  const environment = { ...env, PATH: process.env['PATH'] ?? '', RESTIC_REPOSITORY: url, RESTIC_PASSWORD: password };
  const args = ['backup', '--no-cache', '--host', host, '--tag', backupId, '--', ...paths];
  await run('restic', args, { env: environment });
}

t.test('a server that takes connections and says nothing ends by our deadline', async (t) => {
  if (!(await requireDocker(t))) return;
  const silent = createServer(() => undefined).listen(0, '127.0.0.1');
  t.teardown(() => silent.close());
  await new Promise((resolve) => silent.once('listening', resolve));
  const { port } = silent.address() as { port: number };
  const host = await startDeployHost(t, 'silent', { compose: COMPOSE }, { quickMs: 2_000 });
  t.match(await host.deploy(), { state: 'succeeded' });
  const common = { id: 'rep_x', password: 'x', env: {} };
  const urls = [
    `rest:http://127.0.0.1:${port}/x/`,
    `s3:http://127.0.0.1:${port}/bucket/x`,
    `sftp://u@127.0.0.1:${port}/x`,
  ];
  const knownHosts = `[127.0.0.1]:${port} ssh-ed25519 ${strangerKey}`;
  for (const url of urls) {
    const env = { AWS_ACCESS_KEY_ID: 'x', AWS_SECRET_ACCESS_KEY: 'x' };
    const outcome = await backup(host, { ...common, env, url, ...(url.startsWith('sftp') && { knownHosts }) });
    t.match(errorOf(outcome), { code: 'timed_out', message: 'Cannot open the repository in time' }, url);
  }
  const metadata = await backup(host, { ...common, url: 'rest:http://169.254.169.254/x/' });
  t.match(errorOf(metadata), { code: 'egress_denied' }, 'A65: what clouds tell their machines is never called');
});
