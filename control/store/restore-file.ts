// Puts a backup in the place of a control plane's data, which must not run. What was there stays beside it, whole.
//
//   DIR/restoring/     the backup taken apart, brought to this version's schema; gone afterwards
//   DIR/replaced-…/    what was there before
//
// A crash on the way leaves the old database or the new one, never none; the same command again ends it.
import { existsSync, lchownSync, linkSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { LongshoreError } from '#shared/errors.ts';
import { toRfc3339 } from '#shared/time.ts';
import { openDatabase } from '../db/database.ts';
import { takeLock } from '../db/lock.ts';
import { filesIn, syncFile, unpackBackup, type BackupAbout } from './backup-file.ts';
import { RestoredHosts } from './restored-hosts.ts';

const DATABASE = 'control.db';
/** Counts until it is part of the database. */
const LOG = `${DATABASE}-wal`;

export interface Restored extends BackupAbout {
  /** Where the data that was there lies now; null: there was none. */
  replaced: string | null;
  hosts: number;
}

/** Throws `state_conflict` while a control plane runs there, `schema_too_new`, `bad_request` for what is no backup. */
export function restoreBackup({ dataDir, file, now }: { dataDir: string; file: string; now: number }): Restored {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const unlock = lock(dataDir);
  const staging = join(dataDir, 'restoring');
  try {
    rmSync(staging, { recursive: true, force: true }); // of one that was killed
    mkdirSync(staging, { mode: 0o700 });
    const { files, ...about } = unpackBackup(file, staging);
    const hosts = prepare(join(staging, DATABASE));
    const replaced = existsSync(join(dataDir, DATABASE)) ? keepOld(dataDir, now) : null;
    putInPlace(staging, dataDir, files);
    return { ...about, replaced, hosts };
  } finally {
    rmSync(staging, { recursive: true, force: true });
    unlock();
    handOver(dataDir, statSync(dataDir));
  }
}

/** The database last, and its log before it: that of another database must not be taken for its own. */
function putInPlace(staging: string, dataDir: string, files: readonly string[]): void {
  for (const name of [...files, DATABASE]) syncFile(join(staging, name));
  for (const name of files) renameSync(join(staging, name), join(dataDir, name));
  for (const name of [LOG, `${DATABASE}-shm`]) rmSync(join(dataDir, name), { force: true });
  renameSync(join(staging, DATABASE), join(dataDir, DATABASE));
  syncFile(dataDir);
}

function lock(dataDir: string): () => void {
  try {
    return takeLock(dataDir);
  } catch (cause) {
    if (!(cause instanceof LongshoreError)) throw cause;
    const message = `Cannot restore: a control plane is running on "${dataDir}"`;
    throw new LongshoreError('state_conflict', { message, details: 'Stop it first.', cause });
  }
}

/** To the schema of this version; and hosts are met anew, because what either side numbered since is not the same. */
function prepare(file: string): number {
  const db = openDatabase(file);
  try {
    return new RestoredHosts(db).addAll();
  } finally {
    db.close();
  }
}

/** By links: the old files stay in their places until the new ones take them. */
function keepOld(dataDir: string, now: number): string {
  const folder = join(dataDir, `replaced-${toRfc3339(now).replaceAll(/[:.]/g, '')}`);
  mkdirSync(folder, { mode: 0o700 });
  const names = [...filesIn(dataDir), ...[DATABASE, LOG].filter((name) => existsSync(join(dataDir, name)))];
  for (const name of names) linkSync(join(dataDir, name), join(folder, name));
  syncFile(folder);
  return folder;
}

/** Root restores, and the user of the unit has to read it; systemd itself hands over a folder that is new. */
function handOver(folder: string, owner: { uid: number; gid: number }): void {
  if (process.getuid?.() !== 0 || owner.uid === 0) return;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    lchownSync(path, owner.uid, owner.gid);
    if (entry.isDirectory() && entry.name.startsWith('replaced-')) handOver(path, owner);
  }
}
