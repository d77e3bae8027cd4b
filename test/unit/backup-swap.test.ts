// The exchange of a volume's files, with a crash after each of its steps.
import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { ownFolders } from '../../agent/backup/folders/own-folders.ts';
import { dropOld, stagingOf, swapIn, undoSwap } from '../../agent/backup/swap.ts';

/** A volume with old files, and restored ones beside it. */
async function makeVolume(t: Test) {
  const folder = t.testdir({ _data: { file: 'old' } });
  const mountpoint = join(folder, '_data');
  const staging = stagingOf(mountpoint);
  await ownFolders.makeEmpty(staging);
  mkdirSync(join(staging, '_data'));
  writeFileSync(join(staging, '_data', 'file'), 'restored');
  return { folder, mountpoint, staging, read: () => readFileSync(join(mountpoint, 'file'), 'utf8') };
}

t.test('restored files take the place of the old ones, which then go', async (t) => {
  const { folder, mountpoint, staging, read } = await makeVolume(t);
  await ownFolders.syncFiles([staging]);
  await swapIn(ownFolders, mountpoint);
  t.equal(read(), 'restored');
  await dropOld(ownFolders, mountpoint);
  t.strictSame([read(), readdirSync(folder)], ['restored', ['_data']]);
  await dropOld(ownFolders, mountpoint);
  t.equal(read(), 'restored', 'done twice, the same');
});

t.test('whenever it is given up, the old files are back and nothing else is left', async (t) => {
  const crashes: Record<string, (folder: string, mountpoint: string) => Promise<void> | void> = {
    'before the swap': () => undefined,
    'between its two renames': (folder, mountpoint) => renameSync(mountpoint, join(folder, 'longshore-old')),
    'after the swap': (_, mountpoint) => swapIn(ownFolders, mountpoint),
    'in the middle of giving up': async (folder, mountpoint) => {
      await swapIn(ownFolders, mountpoint);
      mkdirSync(join(folder, 'longshore-restore'), { recursive: true });
      renameSync(mountpoint, join(folder, 'longshore-restore', '_data'));
    },
  };
  for (const [when, crash] of Object.entries(crashes)) {
    await t.test(when, async (t) => {
      const { folder, mountpoint, read } = await makeVolume(t);
      await crash(folder, mountpoint);
      for (const time of ['once', 'twice']) {
        await undoSwap(ownFolders, mountpoint);
        t.strictSame([read(), readdirSync(folder)], ['old', ['_data']], time);
      }
    });
  }
});

t.test('what an earlier restore has left beside a volume is in nobody’s way', async (t) => {
  const { staging } = await makeVolume(t);
  await ownFolders.makeEmpty(staging);
  t.strictSame(readdirSync(staging), []);
});
