// Opens everything the agent remembers. One agent a data directory: a second one would answer for the same host.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { LongshoreError } from '#shared/errors.ts';
import { loadSecretBox } from '#shared/secrets.ts';
import { openSqlite, type Sqlite } from '#shared/sqlite.ts';
import type { Clock } from '#shared/time.ts';
import { AdoptedTable } from './adopted.ts';
import { BackupPasswords } from './backup-passwords.ts';
import { CommandLog } from './commands.ts';
import { Journal } from './journal.ts';
import { Meta } from './meta.ts';
import { Outbox } from './outbox.ts';
import { MIGRATIONS } from './schema.ts';
import { ScheduleTable } from './schedules.ts';
import { ServiceTable } from './services.ts';

export interface AgentState {
  meta: Meta;
  services: ServiceTable;
  commands: CommandLog;
  journal: Journal;
  outbox: Outbox;
  backupPasswords: BackupPasswords;
  adopted: AdoptedTable;
  schedules: ScheduleTable;
  /**
   * Everything `work` writes is on disk together when this returns, or none of it. Events it appended are announced
   * after that. Throws `host_disk_full` when there is no room. `work` must not await.
   */
  transact<T>(work: () => T): T;
  /** Calls `listener` after each transaction that appended events; one listener, the pump's. */
  onEvents(listener: () => void): void;
  /** Safe to call again. */
  close(): void;
}

export interface StateOptions {
  outboxLimitBytes?: number;
}

export function openState(dataDir: string, clock: Clock, options: StateOptions = {}): AgentState {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const lock = takeLock(dataDir);
  try {
    const box = loadSecretBox(join(dataDir, 'secret.key'));
    const db = openSqlite(join(dataDir, 'agent.db'), MIGRATIONS);
    const meta = new Meta(db);
    const outbox = new Outbox(db, clock, options.outboxLimitBytes);
    const tables = { meta, outbox, services: new ServiceTable(db, box), journal: new Journal(db, box) };
    const backupPasswords = new BackupPasswords(db, box);
    const commands = new CommandLog(db, meta);
    const close = () => [db, lock].forEach((each) => each.close());
    const adopted = new AdoptedTable(db);
    const schedules = new ScheduleTable(db, box);
    return { ...tables, commands, backupPasswords, adopted, schedules, ...createTransactions(db, outbox), close };
  } catch (error) {
    lock.close();
    throw error;
  }
}

function createTransactions(db: Sqlite, outbox: Outbox): Pick<AgentState, 'transact' | 'onEvents'> {
  let announce: (() => void) | undefined;
  const run = db.transaction((work: () => unknown) => work());
  return {
    transact<T>(work: () => T): T {
      const before = outbox.last;
      try {
        return run.immediate(work) as T;
      } catch (error) {
        throw isDiskFull(error) ? new LongshoreError('host_disk_full', { cause: error }) : error;
      } finally {
        if (db.open && outbox.last > before) announce?.();
      }
    },
    onEvents: (listener) => void (announce = listener),
  };
}

const isDiskFull = (error: unknown) => (error as { code?: string }).code === 'SQLITE_FULL';

/** The kernel releases the lock with the process, however it ends: no file to clean up, no pid to guess about. */
function takeLock(dataDir: string): Sqlite {
  let lock: Sqlite | undefined;
  try {
    lock = openSqlite(join(dataDir, 'lock.db'), []);
    lock.exec('BEGIN EXCLUSIVE');
    return lock;
  } catch (error) {
    lock?.close();
    if ((error as { code?: string }).code !== 'SQLITE_BUSY') throw error;
    const message = `Cannot start the agent: another one is running on "${dataDir}"`;
    throw new LongshoreError('state_conflict', { message, details: 'Stop it, or give this one its own --data-dir.' });
  }
}
