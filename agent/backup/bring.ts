// A backup's volumes for a service that has none yet: made and filled before its containers first start.
import { basename } from 'node:path';
import { LongshoreError } from '#shared/errors.ts';
import { parseRendered, type Rendered } from '../deploy/rendered.ts';
import { PROJECT_LABEL, VOLUME_LABEL } from '../docker/container-view.ts';
import type { Say, Task } from '../deploy/task.ts';
import { requireBackupId } from './backup-id.ts';
import { volumesOf } from './contents.ts';
import { fetchAll, findSource, type Source, type Target } from './fetch.ts';
import { dropOld, swapIn, stagingOf, undoSwap } from './swap.ts';
import { pairVolumes } from './volume-map.ts';

/** A repeat of a deploy that has got to its containers leaves what these have written since. */
export async function bringData(task: Task, rendered: Rendered): Promise<void> {
  if (task.run.offer.backupOf === undefined || task.workspace.wasApplied) return;
  await task.step('restore', async (say) => {
    await using source = await findSource(task, requireBackupId(task.run));
    await fill(task, source, rendered, say);
  });
}

/** Makes the volumes of `rendered` that the backup has, and gives them its files. */
export async function fill(task: Task, source: Source, rendered: Rendered, say: Say): Promise<void> {
  const held = volumesOf(source.snapshot.paths);
  const original = await renderedOf(source, task.run.signal);
  const pairs = pairVolumes(
    held.map(({ name }) => name),
    original,
    rendered,
  );
  const targets: Target[] = [];
  for (const { key, from, to } of pairs) {
    const path = held.find(({ name }) => name === from)?.path ?? '';
    const { mountpoint, isPlain } = await task.deps.engine.createVolume(to, {
      [PROJECT_LABEL]: rendered.name,
      [VOLUME_LABEL]: key,
    });
    if (!isPlain) throw new LongshoreError('not_supported', { message: `Volume "${to}" is not kept on this host` });
    await requireUnused(task, to);
    targets.push({ path, mountpoint });
  }
  const mountpoints = targets.map(({ mountpoint }) => mountpoint);
  await using folders = task.deps.openFolders(task.workspace.name, mountpoints);
  for (const mountpoint of mountpoints) await undoSwap(folders, mountpoint); // of an attempt before a crash
  await fetchAll(task, source, { targets, folders }, say);
  await folders.syncFiles(mountpoints.map(stagingOf));
  for (const mountpoint of mountpoints) {
    await swapIn(folders, mountpoint);
    await dropOld(folders, mountpoint);
  }
}

/** What the service of the backup was handed to Compose as. */
export async function renderedOf({ repository, snapshot }: Source, signal: AbortSignal): Promise<Rendered> {
  const file = snapshot.paths.find((path) => basename(path) === 'rendered.json');
  if (file !== undefined) return parseRendered(await repository.read(snapshot.id, file, signal));
  throw new LongshoreError('not_supported', {
    message: 'This backup can only be restored into its own service',
    details: 'It is of an older version and does not say which volume is which.',
  });
}

async function requireUnused({ deps }: Task, volume: string): Promise<void> {
  const [user] = await deps.engine.listUsers(volume);
  if (!user) return;
  throw new LongshoreError('in_use', { message: `Volume "${volume}" is in use by container "${user.name}"` });
}
