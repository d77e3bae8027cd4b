// Puts restored files in the place of a volume's, by renames inside the volume's own folder: nothing is copied, and the
// old files are whole until the new ones are in place.
//
//   <volume>/_data                what containers see
//   <volume>/longshore-restore/   the restored `_data`, until it takes that place
//   <volume>/longshore-old        the old `_data`, until the restore counts
//
// Every step may have been done already, by an attempt before a crash.
import { existsSync } from 'node:fs';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { LongshoreError } from '#shared/errors.ts';
import { runChild } from '../docker/child.ts';

/** Gigabytes of dirty pages onto a slow disk. */
const SYNC_DEADLINE_MS = 30 * 60_000;

/** Where a volume's folder is restored to: restic puts `_data` into it, with the owner and mode of the folder itself. */
export const stagingOf = (mountpoint: string): string => join(dirname(mountpoint), 'longshore-restore');
const oldOf = (mountpoint: string): string => join(dirname(mountpoint), 'longshore-old');
const newOf = (mountpoint: string): string => join(stagingOf(mountpoint), basename(mountpoint));

/** An empty place for the restored files. Fails as the system does when the agent may not write there. */
export async function makeStaging(mountpoint: string): Promise<string> {
  const staging = stagingOf(mountpoint);
  await rm(staging, { recursive: true, force: true });
  await mkdir(staging, { mode: 0o700 });
  return staging;
}

/** Throws where old files lie that no note speaks of: undoing or ending a swap would lose these or the present ones. */
export function requireNoOld(mountpoint: string): void {
  const old = oldOf(mountpoint);
  if (!existsSync(old)) return;
  throw new LongshoreError('state_conflict', {
    message: `"${old}" is left over from a restore that this agent knows nothing of`,
    details: 'It holds what the volume held before that restore: delete it, or put it back as `_data`.',
  });
}

export async function swapIn(mountpoint: string): Promise<void> {
  await rename(mountpoint, oldOf(mountpoint));
  await rename(newOf(mountpoint), mountpoint);
  await syncFolder(dirname(mountpoint));
}

/** Back to the old files, and no trace of the others. */
export async function undoSwap(mountpoint: string): Promise<void> {
  const old = oldOf(mountpoint);
  if (existsSync(old)) {
    if (existsSync(mountpoint)) await rename(mountpoint, await freeName(mountpoint));
    await rename(old, mountpoint);
    await syncFolder(dirname(mountpoint));
  }
  await rm(stagingOf(mountpoint), { recursive: true, force: true });
}

/** The restored files count: the old ones go. */
export async function dropOld(mountpoint: string): Promise<void> {
  await rm(oldOf(mountpoint), { recursive: true, force: true });
  await rm(stagingOf(mountpoint), { recursive: true, force: true });
}

/** restic leaves the writing to the kernel; before the old files go, the new ones are to be on disk. */
export async function syncFiles(folders: readonly string[]): Promise<void> {
  const options = { env: { PATH: '/usr/bin:/bin' }, cwd: '/', onStdout: ignoreLine, onStderr: ignoreLine };
  const args = ['-f', '--', ...folders]; // the whole file system; busybox has no long name for it
  const { code } = await runChild('sync', { ...options, args, deadlineMs: SYNC_DEADLINE_MS });
  if (code !== 0)
    throw new LongshoreError('restore_failed', { details: 'The restored files could not be written to disk' });
}

const ignoreLine = () => undefined;

async function freeName(mountpoint: string): Promise<string> {
  await mkdir(stagingOf(mountpoint), { recursive: true });
  await rm(newOf(mountpoint), { recursive: true, force: true });
  return newOf(mountpoint);
}

async function syncFolder(path: string): Promise<void> {
  await using folder = await open(path);
  await folder.sync();
}
