// Backups by the agent's own work, on real volumes with the real restic: what is kept, what comes back, and what is left
// when something goes wrong half-way.
import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { LongshoreError } from '#shared/errors.ts';
import { ownFolders } from '../../agent/backup/folders/own-folders.ts';
import { createForgetBackup } from '../../agent/backup/forget.ts';
import { RestoreNotes } from '../../agent/backup/restore-note.ts';
import { swapIn } from '../../agent/backup/swap.ts';
import type { JobOutcome } from '../../agent/deploy/job-run.ts';
import { watchArgv } from '../support/argv-watch.ts';
import { findRestic, passwordOf } from '../support/backups.ts';
import { startDeployHost, StepLog, type DeployHost } from '../support/deploy-host.ts';
import { docker, requireDocker, uniqueName } from '../support/docker.ts';
import { makeFolder } from '../support/folder.ts';

/** Two services, two volumes; `idle` has done its work and sits there stopped. */
const COMPOSE = `
services:
  db: {image: "busybox:1", init: true, stop_grace_period: 1s, command: sleep 1000, volumes: ["data:/data", "more:/more"]}
  idle: {image: "busybox:1", init: true, stop_grace_period: 1s, command: sleep 1000}
volumes: {data: {}, more: {}}
`;
const FIRST = 'bkp_first000001';
const SECOND = 'bkp_second00002';
/** Large enough that restic is still at it when somebody looks. */
const LARGE_MB = 100;

// Each has a project and a repository of its own; restic's key derivation alone would make them long one by one.
t.jobs = 4;

async function startShop(t: Test): Promise<DeployHost> {
  const host = await startDeployHost(t, 'backup', { compose: COMPOSE, variables: { NOTHING: 'x' } });
  t.match(await host.deploy(), { state: 'succeeded' });
  return host;
}

const shell = (host: DeployHost, script: string) => docker(['exec', `${host.spec.name}-db-1`, 'sh', '-ec', script]);

/** Every file of both volumes with owner, mode and content; the folders themselves as well. */
const picture = (host: DeployHost) =>
  shell(
    host,
    'for p in $(find /data /more | sort); do stat -c "%n %F %u:%g %a" "$p"; [ ! -f "$p" ] || sha256sum <"$p"; done',
  );

const backup = (host: DeployHost, backupId: string, more: { steps?: StepLog; signal?: AbortSignal } = {}) =>
  host.run({ kind: 'backup', backupId, ...more });
const restore = (host: DeployHost, backupId: string, more: { steps?: StepLog; signal?: AbortSignal } = {}) =>
  host.run({ kind: 'restore', backupId, ...more });

const findSnapshot = async (host: DeployHost, backupId: string) =>
  (await host.backups.find(host.spec.id))?.findSnapshot(backupId);

const mountpointOf = (host: DeployHost, volume: string) =>
  docker(['volume', 'inspect', '--format', '{{.Mountpoint}}', `${host.spec.name}_${volume}`]);

async function statesOf(host: DeployHost): Promise<Record<string, string>> {
  const containers = await host.engine.listProject(host.spec.name);
  return Object.fromEntries(containers.map(({ service, state }) => [service, state]));
}

const errorOf = (outcome: JobOutcome): LongshoreError | undefined =>
  outcome.state === 'succeeded' ? undefined : outcome.error;

const FILL = `
  dd if=/dev/urandom of=/data/random bs=1M count=8 2>/dev/null
  mkdir /data/deep; echo secret-of-the-shop >/data/deep/note; ln -s note /data/deep/link; chown 70:70 /data; chmod 700 /data
  echo one >/more/version; chown 99 /more/version; chmod 600 /more/version
`;
const SPOIL = `
  rm -r /data/deep; echo x >>/data/random; echo new >/data/new; chown 0:0 /data; chmod 755 /data; echo two >/more/version
`;

t.test(
  'a restore brings back every file, owner and mode of both volumes, and nothing else',
  { buffered: true },
  async (t) => {
    if (!(await requireDocker(t))) return;
    const host = await startShop(t);
    await shell(host, FILL);
    await docker(['stop', `${host.spec.name}-idle-1`]);
    const before = await picture(host);
    const argv = watchArgv();
    const first = await backup(host, FIRST);
    t.match(first, { state: 'succeeded', goodRevision: 1, backup: { snapshotId: /^[0-9a-f]{64}$/ } });
    t.strictSame(await statesOf(host), { db: 'running', idle: 'exited' }, 'it runs on');
    const made = ['compose.yaml', 'override.yaml', '.env'].map((file) => join(host.folder, file));
    const kept = (await findSnapshot(host, FIRST))?.paths ?? [];
    t.strictSame(
      made.filter((file) => !kept.includes(file)),
      [],
      'with the files it was made from',
    );

    await shell(host, SPOIL);
    const second = await backup(host, SECOND);
    const added = [first, second].map((outcome) =>
      outcome.state === 'succeeded' ? (outcome.backup?.addedBytes ?? 0) : 0,
    );
    t.ok((added[0] ?? 0) > 8 << 20 && (added[1] ?? 0) < 4 << 20, `${added.join(' and ')} bytes: only what is new`);

    const steps = new StepLog();
    t.match(await restore(host, FIRST, { steps }), { state: 'succeeded', goodRevision: 1 });
    t.strictSame(steps.lines, ['restore done', 'stop done', 'swap done', 'start done', 'wait done']);
    t.equal(await picture(host), before);
    t.strictSame(await statesOf(host), { db: 'running', idle: 'exited' }, 'what ran runs, and no more');
    t.match(await restore(host, SECOND), { state: 'succeeded' }, 'and forward again');
    t.equal(await shell(host, 'cat /more/version /data/new'), 'two\nnew');

    argv.stop();
    const calls = [...argv.seen].filter((line) => line.startsWith('restic'));
    t.ok(calls.length > 0);
    t.notMatch(calls.join('\n'), passwordOf(host.spec.id));
    const files = await docker([
      'run',
      '--rm',
      '-v',
      `${host.dataDir}/backups:/b:ro`,
      'busybox:1',
      'grep',
      '-rl',
      'secret-of',
      '/b',
    ]).catch(() => '');
    t.equal(files, '', 'nothing of it can be read in the repository');
  },
);

t.test('a deleted backup is gone from the repository, and the others are whole', { buffered: true }, async (t) => {
  if (!(await requireDocker(t))) return;
  const host = await startShop(t);
  await shell(host, FILL);
  await backup(host, FIRST);
  await shell(host, SPOIL);
  await backup(host, SECOND);
  const forget = createForgetBackup(host.backups);
  const offer = { jobId: 'job_f', serviceId: host.spec.id, kind: 'forget_backup' as const, epoch: 1, backupId: FIRST };
  const { signal } = new AbortController();
  for (const time of ['once', 'twice']) await t.resolves(forget({ offer, steps: new StepLog(), signal }), time);
  await forget({ offer: { ...offer, serviceId: 'svc_never0seen' }, steps: new StepLog(), signal });
  t.equal(await findSnapshot(host, FIRST), undefined);
  t.match(errorOf(await restore(host, FIRST)), { code: 'not_found' });
  t.match(await restore(host, SECOND), { state: 'succeeded' });
});

t.test(
  'restic killed in the middle fails the job with a code, leaves no snapshot, and the next backup works',
  async (t) => {
    if (!(await requireDocker(t))) return;
    const host = await startShop(t);
    await shell(host, `dd if=/dev/urandom of=/data/large bs=1M count=${LARGE_MB} 2>/dev/null`);
    const steps = new StepLog();
    const isHalfWay = new Promise<void>((resolve) => {
      steps.onSay = (_, { percent = 0 }) => percent > 0 && resolve();
    });
    const job = backup(host, FIRST, { steps });
    await isHalfWay;
    process.kill(findRestic(host.dataDir, 'backup') ?? 0, 'SIGKILL');
    t.match(errorOf(await job), { code: 'interrupted', message: 'Cannot back up: restic was ended by SIGKILL' });
    t.equal(await findSnapshot(host, FIRST), undefined);
    t.match(await backup(host, FIRST), { state: 'succeeded' });
  },
);

t.test('a cancelled restore leaves the data and the service as they were', { buffered: true }, async (t) => {
  if (!(await requireDocker(t))) return;
  const host = await startShop(t);
  await shell(host, `${FILL} dd if=/dev/urandom of=/more/large bs=1M count=${LARGE_MB} 2>/dev/null`);
  await backup(host, FIRST);
  await shell(host, SPOIL);
  const before = await picture(host);
  const cancels: Record<string, (steps: StepLog, cancel: () => void) => void> = {
    'while files are fetched': (steps, cancel) => {
      steps.onSay = (step, { bytesDone = 0 }) => step === 'restore' && bytesDone > 0 && cancel();
    },
    'while containers stop': (steps, cancel) => {
      steps.onStep = (step) => step === 'stop' && cancel();
    },
  };
  for (const [when, arrange] of Object.entries(cancels)) {
    const cancel = new AbortController();
    const steps = new StepLog();
    arrange(steps, () => cancel.abort(new LongshoreError('cancelled')));
    t.match(await restore(host, FIRST, { steps, signal: cancel.signal }), { state: 'cancelled' }, when);
    t.notOk(steps.lines.includes('swap done'), when);
    t.equal(await picture(host), before, when);
    t.match(await statesOf(host), { db: 'running', idle: 'running' }, when);
  }
  t.notOk(findRestic(host.dataDir, 'restore'), 'nothing works on');
});

t.test('an agent that died in the middle of the swap goes on with the same job', { buffered: true }, async (t) => {
  if (!(await requireDocker(t))) return;
  const host = await startShop(t);
  await shell(host, FILL);
  const restored = await picture(host);
  await backup(host, FIRST);
  await shell(host, SPOIL);
  const mountpoints = [await mountpointOf(host, 'data'), await mountpointOf(host, 'more')];
  const died = new AbortController();
  const steps = new StepLog();
  steps.onStep = (step) => step === 'stop' && died.abort(new DOMException('the agent stops', 'AbortError'));
  await t.rejects(restore(host, FIRST, { steps, signal: died.signal }), { name: 'AbortError' });
  const notes = new RestoreNotes(host.backups.noteOf(host.spec.id));
  t.match(await notes.load(), { isSwapped: false, mountpoints });
  await swapIn(ownFolders, mountpoints[0] ?? ''); // and no further: the other volume still has its files
  t.match(await statesOf(host), { db: 'exited', idle: 'exited' });

  t.match(await restore(host, FIRST), { state: 'succeeded' });
  t.match(await statesOf(host), { db: 'running', idle: 'running' }, 'those that ran before the first attempt');
  t.equal(await picture(host), restored);
  t.equal(await notes.load(), undefined);
});

t.test('what does not come up with the restored files gets the old ones back', { buffered: true }, async (t) => {
  if (!(await requireDocker(t))) return;
  const picky = `
services:
  db:
    image: busybox:1
    init: true
    stop_grace_period: 0s
    command: sh -c 'test ! -e /data/bad && sleep 1000'
    volumes: ["data:/data"]
volumes: {data: {}}
`;
  const host = await startDeployHost(t, 'backup', { compose: picky });
  t.match(await host.deploy(), { state: 'succeeded' });
  await shell(host, 'echo x >/data/bad');
  await backup(host, FIRST);
  await shell(host, 'rm /data/bad; echo mine >/data/note');
  const steps = new StepLog();
  const error = errorOf(await restore(host, FIRST, { steps }));
  t.match(error, { details: /The files of before the restore are in place again\.$/ });
  t.strictSame(steps.lines.slice(-4), ['start done', 'wait failed', 'stop done', 'start done']);
  t.match(await statesOf(host), { db: 'running' });
  t.equal(await shell(host, 'cat /data/note; ls /data'), 'mine\nnote');
  t.equal(await new RestoreNotes(host.backups.noteOf(host.spec.id)).load(), undefined);
});

t.test('a volume that somebody else uses is not restored under their feet', { buffered: true }, async (t) => {
  if (!(await requireDocker(t))) return;
  const host = await startShop(t);
  await backup(host, FIRST);
  await shell(host, 'echo later >/more/later');
  const other = uniqueName('other');
  t.teardown(() => docker(['rm', '-f', other]));
  await docker(['run', '-d', '--name', other, '-v', `${host.spec.name}_more:/x`, 'busybox:1', 'sleep', '1000']);
  t.match(errorOf(await restore(host, FIRST)), { code: 'in_use', message: new RegExp(`by container "${other}"`) });
  t.match(await statesOf(host), { db: 'running', idle: 'running' });
  t.equal(await shell(host, 'cat /more/later'), 'later');
});

t.test('a volume that is gone fails the backup, which would lack it', { buffered: true }, async (t) => {
  if (!(await requireDocker(t))) return;
  const host = await startShop(t);
  const gone = await mountpointOf(host, 'more');
  const repository = await host.backups.open(host.spec.id);
  const options = { signal: new AbortController().signal, onProgress: () => undefined };
  const paths = [await mountpointOf(host, 'data'), `${gone}-gone`];
  await t.rejects(repository.backup(FIRST, paths, options), {
    code: 'backup_failed',
    details: `${gone}-gone does not exist, skipping\nWarning: at least one source file could not be read`,
  });
  t.equal(await findSnapshot(host, FIRST), undefined);
});

t.test('what a restore has left behind that nobody knows of is not touched', { buffered: true }, async (t) => {
  if (!(await requireDocker(t))) return;
  const host = await startShop(t);
  await shell(host, 'echo now >/data/version');
  await backup(host, FIRST);
  const left = join(await mountpointOf(host, 'data'), '..', 'longshore-old');
  mkdirSync(left);
  t.match(errorOf(await restore(host, FIRST)), { code: 'state_conflict', message: /longshore-old" is left over/ });
  t.equal(await shell(host, 'cat /data/version'), 'now');
  t.match(await statesOf(host), { db: 'running', idle: 'running' });
  rmSync(left, { recursive: true });
  t.match(await restore(host, FIRST), { state: 'succeeded' });
});

t.test('files come back with their holes and their links', { buffered: true }, async (t) => {
  if (!(await requireDocker(t))) return;
  const host = await startShop(t);
  await shell(
    host,
    `truncate -s ${LARGE_MB}M /data/holes; echo x >/data/one; ln /data/one /data/two; ln -s /no/where /data/link`,
  );
  await backup(host, FIRST);
  await shell(host, 'rm /data/holes /data/one /data/two /data/link');
  t.match(await restore(host, FIRST), { state: 'succeeded' });
  t.equal(await shell(host, 'stat -c %s /data/holes; readlink /data/link'), `${LARGE_MB << 20}\n/no/where`);
  const [blocks, one, two] = (await shell(host, 'stat -c %b /data/holes; stat -c %i /data/one /data/two')).split('\n');
  t.ok(Number(blocks) < 2048, `${blocks} blocks on disk`);
  t.equal(one, two);
});

t.test('what cannot be restored says why, before anything is touched', { buffered: true }, async (t) => {
  if (!(await requireDocker(t))) return;
  const host = await startShop(t);
  await backup(host, FIRST);
  t.match(errorOf(await restore(host, 'bkp_unknown0000')), { code: 'not_found' });
  const withoutMore = COMPOSE.replace(', "more:/more"', '').replace(', more: {}', '');
  await host.deploy({ compose: withoutMore });
  await docker(['volume', 'rm', `${host.spec.name}_more`]);
  const steps = new StepLog();
  t.match(errorOf(await restore(host, FIRST, { steps })), {
    code: 'state_conflict',
    message: `Volume "${host.spec.name}_more" of the backup is not there any more`,
  });
  t.strictSame(steps.lines, ['restore failed']);
});

t.test('without a restic that is new enough the error names the way out', { buffered: true }, async (t) => {
  if (!(await requireDocker(t))) return;
  const binary = join(makeFolder(t, 'restic'), 'restic');
  const host = await startDeployHost(t, 'backup', { compose: COMPOSE }, { binary });
  const refused = async () => errorOf(await backup(host, FIRST));
  t.match(await refused(), { code: 'restic_missing', details: /^None is installed.*install\.sh engine/ });
  writeFileSync(binary, '#!/bin/sh\necho "restic 0.14.0 compiled with go1.19"\n');
  chmodSync(binary, 0o755);
  t.match(await refused(), {
    code: 'restic_missing',
    details: /^The one that is there is 0\.14\.0.*install\.sh engine/,
  });
});

t.test('a service that was never deployed has nothing to back up', { buffered: true }, async (t) => {
  if (!(await requireDocker(t))) return;
  const host = await startDeployHost(t, 'backup', { compose: COMPOSE });
  t.match(errorOf(await backup(host, FIRST)), { code: 'state_conflict', message: /has nothing to back up/ });
});
