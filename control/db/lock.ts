// One control plane a data directory: two would each believe to be the only writer. The kernel releases the lock with
// the process, however it ends.
import { join } from 'node:path';
import { LongshoreError } from '#shared/errors.ts';
import { openSqlite, type Sqlite } from '#shared/sqlite.ts';

/** Throws `state_conflict` when another process has it. Returns what gives it back. */
export function takeLock(dataDir: string): () => void {
  let lock: Sqlite | undefined;
  try {
    lock = openSqlite(join(dataDir, 'lock.db'), []);
    lock.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    lock?.close();
    if ((error as { code?: string }).code !== 'SQLITE_BUSY') throw error;
    const message = `Cannot start the control plane: another one is running on "${dataDir}"`;
    throw new LongshoreError('state_conflict', { message, details: 'Stop it, or give this one its own --data-dir.' });
  }
  const held = lock;
  return () => held.close();
}
