// The folders of volumes as an agent that is root works on them: by its own calls, and restic's.
import { existsSync } from 'node:fs';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { LongshoreError } from '#shared/errors.ts';
import { runChild } from '../../docker/child.ts';
import { deniedVolume } from '../faults.ts';
import { SYNC_DEADLINE_MS } from './limits.ts';
import type { VolumeFolders } from './volume-folders.ts';

export const ownFolders: VolumeFolders = {
  exists: async (path) => existsSync(path),
  makeEmpty: async (path) => {
    await ownFolders.remove(path);
    await mkdir(path, { mode: 0o700 }).catch((cause: unknown) => {
      throw deniedVolume('Cannot restore', path, cause);
    });
  },
  take: ({ repository, snapshotId, from }, folder, options) => repository.restore(snapshotId, from, folder, options),
  rename,
  remove: (path) => rm(path, { recursive: true, force: true }),
  syncNames: async (path) => {
    await using folder = await open(path);
    await folder.sync();
  },
  syncFiles,
  [Symbol.asyncDispose]: async () => undefined,
};

/** restic leaves the writing to the kernel. */
async function syncFiles(folders: readonly string[]): Promise<void> {
  const options = { env: { PATH: '/usr/bin:/bin' }, cwd: '/', onStdout: ignoreLine, onStderr: ignoreLine };
  const args = ['-f', '--', ...folders]; // the whole file system; busybox has no long name for it
  const { code } = await runChild('sync', { ...options, args, deadlineMs: SYNC_DEADLINE_MS });
  if (code !== 0)
    throw new LongshoreError('restore_failed', { details: 'The restored files could not be written to disk' });
}

const ignoreLine = () => undefined;
