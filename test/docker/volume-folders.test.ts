// What a restore does to volumes, by the agent itself and by a container: one contract, on a real volume.
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import t, { type Test } from 'tap';
import { createDockerEngine } from '../../agent/docker/docker-engine.ts';
import type { VolumeFolders } from '../../agent/backup/folders/volume-folders.ts';
import { dropOld, requireNoOld, stagingOf, swapIn, undoSwap } from '../../agent/backup/swap.ts';
import { backupsIn } from '../support/backups.ts';
import { SOCKET } from '../support/deploy-host.ts';
import { docker, requireDocker, uniqueName } from '../support/docker.ts';
import { eventually } from '../support/eventually.ts';
import { makeFolder } from '../support/folder.ts';
import { foldersBy, restoreContainers, WORKERS } from '../support/volume-folders.ts';

const BACKUP = 'bkp_first000001';
const run = promisify(execFile);
const engine = createDockerEngine({ socketPath: SOCKET });

/** Times are whole seconds: a tar of restic's has no others. */
const FILL = `
  printf kept >'a b'; touch -d '2020-01-01 10:00:00' 'a b'; chmod 640 'a b'; chown 70:71 'a b'
  mkdir -p shared/deep && printf x >shared/deep/s && chown 1:2 shared/deep/s && chmod 4751 shared/deep/s
  chown 33:1000 shared && chmod 2770 shared && touch -d '2019-05-05 01:02:03' shared
  ln -s /etc/passwd absolute; ln -s ../../x upwards; ln -s nowhere dangling; ln -s ../shared shared/back
  touch -h -d '2018-03-03 03:03:03' dangling; chown -h 5:6 dangling
  printf odd >"$(printf 'new\\nline')"; printf dash >-dash; printf bytes >"$(printf '\\377\\376')"
  long=$(printf '%0200d' 0); mkdir -p "$long/$long"; printf deep >"$long/$long/file"
  dd if=/dev/urandom of=random bs=1M count=3 2>/dev/null
  chown 999:998 . && chmod 1771 . && touch -d '2017-07-07 07:07:07' .
  find . -exec sh -c 'for f; do touch -h -d "@$(stat -c %Y "$f")" "$f"; done' sh {} +`;

/** Every name with its kind, owner, mode, time, target and content. */
const PICTURE = `find . -printf '%P|%y|%U:%G|%m|%l|%T@|' \\( -type f -exec sha256sum {} \\; -o -printf '\\n' \\) | LC_ALL=C sort`;

const sh = async (cwd: string, script: string) =>
  (await run('sh', ['-ec', script], { cwd, encoding: 'latin1' })).stdout;

async function makeVolume(t: Test): Promise<{ name: string; mountpoint: string }> {
  const name = uniqueName('folders');
  t.teardown(() => docker(['volume', 'rm', '-f', name]));
  await docker(['volume', 'create', name]);
  return { name, mountpoint: await docker(['volume', 'inspect', '--format', '{{.Mountpoint}}', name]) };
}

async function makeScene(t: Test) {
  const { name, mountpoint } = await makeVolume(t);
  await sh(mountpoint, FILL);
  const dataDir = makeFolder(t, 'folders');
  const repository = await backupsIn(dataDir).open('svc_folders00001');
  const { signal } = new AbortController();
  await repository.backup(BACKUP, [mountpoint], { signal, onProgress: () => undefined });
  const snapshotId = (await repository.findSnapshot(BACKUP))?.id ?? '';
  const files = { repository, snapshotId, from: dirname(mountpoint) };
  return { name, mountpoint, dataDir, files, staging: stagingOf(mountpoint), picture: () => sh(mountpoint, PICTURE) };
}

const containersOf = (name: string) =>
  docker(['ps', '-a', '--filter', `name=longshore-restore-${name}`, '--format', '{{.Names}}']);
const setupOf = async (name: string) =>
  JSON.parse(await docker(['inspect', '--format', '{{json .HostConfig}}', `longshore-restore-${name}`])) as {
    CapAdd: string[];
    Mounts: { Source: string; Target: string; ReadOnly?: boolean }[];
  };

for (const worker of WORKERS) {
  t.test(`by ${worker === 'agent' ? 'an agent that is root' : 'a container'}`, async (t) => {
    if (!(await requireDocker(t))) return;
    const { name, mountpoint, dataDir, files, staging, picture } = await makeScene(t);
    const open = (): VolumeFolders => foldersBy(worker, engine, dataDir)(name, [mountpoint]);
    const before = await picture();
    const told: number[] = [];
    const options = {
      signal: new AbortController().signal,
      onProgress: ({ bytesDone }: { bytesDone: number }) => void told.push(bytesDone),
    };

    await t.test('files come with their owners, modes, times, targets and contents', async (t) => {
      await using folders = open();
      mkdirSync(staging);
      writeFileSync(join(staging, 'left'), 'of an attempt before');
      await requireNoOld(folders, mountpoint);
      await folders.makeEmpty(staging);
      t.strictSame(readdirSync(staging), []);
      await folders.take(files, staging, options);
      await folders.syncFiles([staging]);
      await sh(mountpoint, 'rm -rf ./shared; printf now >now; chmod 700 .');
      await swapIn(folders, mountpoint);
      t.equal(await picture(), before);
      if (worker === 'container') t.ok((told.at(-1) ?? 0) >= 3 << 20, `${told.at(-1)} bytes told`);
      await t.rejects(requireNoOld(folders, mountpoint), { code: 'state_conflict' });
      await undoSwap(folders, mountpoint);
      t.not(await picture(), before, 'and back');
      t.ok(existsSync(join(mountpoint, 'now')));
      t.strictSame(readdirSync(dirname(mountpoint)), ['_data']);
      await dropOld(folders, mountpoint);
    });

    await t.test('what cannot be done says why, and the next thing can', async (t) => {
      await using folders = open();
      const gone = join(dirname(mountpoint), 'gone');
      await t.rejects(folders.rename(gone, staging), /ENOENT|mv ended with 1/);
      await folders.remove(gone);
      t.equal(await folders.exists(gone), false);
      t.equal(await folders.exists(mountpoint), true);
      await folders.makeEmpty(staging);
      await t.rejects(folders.take({ ...files, from: '/never' }, staging, options), { code: 'restore_failed' });
      await folders.remove(staging);
    });

    await t.test('a cancel ends the work, and what is half there can be taken away', async (t) => {
      await using folders = open();
      await folders.makeEmpty(staging);
      const cancel = new AbortController();
      const taken = folders.take(files, staging, { signal: cancel.signal, onProgress: () => undefined });
      await eventually(() => readdirSync(staging), { until: (names) => names.length > 0 });
      cancel.abort(new Error('cancelled here'));
      await taken.then(
        () => t.comment('it was quicker than the cancel'),
        (error: Error) => t.equal(error.message, 'cancelled here'),
      );
      await folders.remove(staging);
      t.strictSame(readdirSync(dirname(mountpoint)), ['_data']);
    });

    t.equal(await containersOf(name), '', 'nothing is left');
  });
}

t.test('A64: the container sees its volumes alone, has no network and few rights', async (t) => {
  if (!(await requireDocker(t))) return;
  const { name, mountpoint } = await makeVolume(t);
  const other = await makeVolume(t);
  const dataDir = makeFolder(t, 'folders');
  const containers = restoreContainers(engine, dataDir);
  const folders = containers.open(name, [mountpoint]);
  t.equal(await folders.exists(mountpoint), true);
  t.equal(await folders.exists(other.mountpoint), false);
  t.equal(await folders.exists('/etc/passwd'), false);
  const { CapAdd, Mounts, ...setup } = await setupOf(name);
  t.match(setup, { NetworkMode: 'none', ReadonlyRootfs: true, Privileged: false, CapDrop: ['ALL'] });
  const added = CapAdd.map((right) => right.replace('CAP_', '')); // some versions of Docker write it in front
  t.strictSame(added.toSorted(), ['CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'FSETID']);
  t.strictSame(
    Mounts.filter(({ ReadOnly }) => !ReadOnly).map(({ Source }) => Source),
    [dirname(mountpoint)],
  );
  await t.rejects(folders.makeEmpty('/usr/here'), { message: /mkdir ended with 1/, details: /[Rr]ead-only/ });

  t.equal(await folders.exists(mountpoint), true);
  await containers.sweep();
  t.equal(await containersOf(name), `longshore-restore-${name}`, 'its own are not swept away under it');
  await restoreContainers(engine, dataDir).sweep();
  t.equal(await containersOf(name), '', 'those of a process before are');
});
