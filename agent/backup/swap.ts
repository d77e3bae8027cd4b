// Puts restored files in the place of a volume's, by renames inside the volume's own folder: nothing is copied, and the
// old files are whole until the new ones are in place.
//
//   <volume>/_data                what containers see
//   <volume>/longshore-restore/   the restored `_data`, until it takes that place
//   <volume>/longshore-old        the old `_data`, until the restore counts
//
// Every step may have been done already, by an attempt before a crash.
import { basename, dirname, join } from 'node:path';
import { LongshoreError } from '#shared/errors.ts';
import type { VolumeFolders } from './folders/volume-folders.ts';

/** Where a volume's folder is restored to: it gets a `_data` there, with the owner and mode of the folder itself. */
export const stagingOf = (mountpoint: string): string => join(dirname(mountpoint), 'longshore-restore');
const oldOf = (mountpoint: string): string => join(dirname(mountpoint), 'longshore-old');
const newOf = (mountpoint: string): string => join(stagingOf(mountpoint), basename(mountpoint));

/** Throws where old files lie that no note speaks of: undoing or ending a swap would lose these or the present ones. */
export async function requireNoOld(folders: VolumeFolders, mountpoint: string): Promise<void> {
  const old = oldOf(mountpoint);
  if (!(await folders.exists(old))) return;
  throw new LongshoreError('state_conflict', {
    message: `"${old}" is left over from a restore that this agent knows nothing of`,
    details: 'It holds what the volume held before that restore: delete it, or put it back as `_data`.',
  });
}

export async function swapIn(folders: VolumeFolders, mountpoint: string): Promise<void> {
  await folders.rename(mountpoint, oldOf(mountpoint));
  await folders.rename(newOf(mountpoint), mountpoint);
  await folders.syncNames(dirname(mountpoint));
}

/** Back to the old files, and no trace of the others. */
export async function undoSwap(folders: VolumeFolders, mountpoint: string): Promise<void> {
  const old = oldOf(mountpoint);
  if (await folders.exists(old)) {
    if (await folders.exists(mountpoint)) {
      await folders.makeEmpty(stagingOf(mountpoint));
      await folders.rename(mountpoint, newOf(mountpoint));
    }
    await folders.rename(old, mountpoint);
    await folders.syncNames(dirname(mountpoint));
  }
  await folders.remove(stagingOf(mountpoint));
}

/** The restored files count: the old ones go. */
export async function dropOld(folders: VolumeFolders, mountpoint: string): Promise<void> {
  await folders.remove(oldOf(mountpoint));
  await folders.remove(stagingOf(mountpoint));
}
