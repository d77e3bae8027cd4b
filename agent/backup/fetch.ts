// Brings the files of one volume out of a snapshot, beside those that the volume has: what restore, a copy into another
// service and a drill have in common.
import { statfs } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { LongshoreError } from '#shared/errors.ts';
import type { Say, Task } from '../deploy/task.ts';
import { ArchiveJudge, MAX_ENTRIES } from './archive-rules.ts';
import type { VolumeFolders } from './folders/volume-folders.ts';
import type { Repository } from './repository.ts';
import type { Snapshot } from './restic-output.ts';
import { stagingOf } from './swap.ts';

/** A volume's folder in the snapshot, and where its files are on the host now. */
export interface Target {
  path: string;
  mountpoint: string;
}

/** A backup that was found. Whoever asked for it disposes of it. */
export class Source {
  readonly repository: Repository;
  readonly snapshot: Snapshot;

  constructor(repository: Repository, snapshot: Snapshot) {
    this.repository = repository;
    this.snapshot = snapshot;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.repository[Symbol.asyncDispose]();
  }
}

/** Throws `not_found`. */
export async function findSource(task: Task, backupId: string): Promise<Source> {
  const { offer, service } = task.run;
  const { backups } = task.deps;
  const where = offer.repository === undefined ? null : offer.repository;
  const repository = await backups.find(offer.backupOf ?? service.spec.id, where);
  const snapshot = await repository?.findSnapshot(backupId);
  if (repository && snapshot) return new Source(repository, snapshot);
  await repository?.[Symbol.asyncDispose]();
  throw new LongshoreError('not_found', { message: `The host has no backup "${backupId}"` });
}

/** Nothing is written before every volume was judged. */
export async function fetchAll(
  task: Task,
  source: Source,
  { targets, folders }: { targets: readonly Target[]; folders: VolumeFolders },
  say: Say,
): Promise<void> {
  const { repository, snapshot } = source;
  if (repository.isElsewhere) for (const target of targets) await judge(source, target, task.run.signal);
  const { totalBytes } = snapshot.summary;
  let bytesBefore = 0;
  for (const { path, mountpoint } of targets) {
    const staging = stagingOf(mountpoint);
    await folders.makeEmpty(staging);
    let bytesHere = 0;
    const onProgress = ({ bytesDone }: { bytesDone: number }) => {
      bytesHere = bytesDone;
      const done = bytesBefore + bytesDone;
      say({ percent: totalBytes > 0 ? Math.min(100, (100 * done) / totalBytes) : 0, bytesDone: done, totalBytes });
    };
    const files = { repository, snapshotId: snapshot.id, from: path };
    await folders.take(files, staging, { signal: task.run.signal, onProgress });
    bytesBefore += bytesHere;
  }
}

/** This host's own repositories hold what its volumes held; into others somebody else may write. */
async function judge(
  { repository, snapshot }: Source,
  { path, mountpoint }: Target,
  signal: AbortSignal,
): Promise<void> {
  const { bavail, bsize } = await statfs(dirname(mountpoint));
  const judge = new ArchiveJudge(`/${basename(mountpoint)}`, { bytes: bavail * bsize, entries: MAX_ENTRIES });
  await repository.walk(snapshot.id, path, (node) => judge.add(node), signal);
}
