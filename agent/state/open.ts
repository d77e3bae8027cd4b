// Opens everything the agent remembers. One agent a data directory: a second one would answer for the same host.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { LongshoreError } from '#shared/errors.ts';
import { loadSecretBox } from '#shared/secrets.ts';
import { openSqlite, type Sqlite } from '#shared/sqlite.ts';
import type { Clock } from '#shared/time.ts';
import { AdoptedTable } from './adopted.ts';
import { BackupPasswords } from './backup-passwords.ts';
import { BackupSettingsTable } from './backup-settings.ts';
import { CommandLog } from './commands.ts';
import { EdgeTable } from './edge.ts';
import { Journal } from './journal.ts';
import { Meta } from './meta.ts';
import { Outbox } from './outbox.ts';
import { Reserve } from './reserve.ts';
import { MIGRATIONS } from './schema.ts';
import { ScheduleTable } from './schedules.ts';
import { ServiceTable } from './services.ts';
import { forgetStepBack, openWithStepBack } from './step-back.ts';

export interface AgentState {
  meta: Meta;
  services: ServiceTable;
  commands: CommandLog;
  journal: Journal;
  outbox: Outbox;
  backupPasswords: BackupPasswords;
  backupSettings: BackupSettingsTable;
  edge: EdgeTable;
  adopted: AdoptedTable;
  schedules: ScheduleTable;
  /**
   * Everything `work` writes is on disk together when this returns, or none of it. Events it appended are announced
   * after that. Without room on the disk telemetry goes, and the reserve is used; throws `host_disk_full` when that
   * is not enough either. `work` must not await, and may be run twice.
   */
  transact<T>(work: () => T): T;
  /** False while the reserve is used: what was promised already needs it, and nothing new is taken on. */
  hasRoom(): boolean;
  reserve: Reserve;
  /** Calls `listener` after each transaction that appended events; one listener, the pump's. */
  onEvents(listener: () => void): void;
  /** Control has welcomed this version: there is no way back to the schema before. */
  keep(): void;
  /** Safe to call again. */
  close(): void;
}

export interface StateOptions {
  outboxLimitBytes?: number;
  reserveBytes?: number;
}

export function openState(dataDir: string, clock: Clock, options: StateOptions = {}): AgentState {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const lock = takeLock(dataDir);
  try {
    const box = loadSecretBox(join(dataDir, 'secret.key'));
    const file = join(dataDir, 'agent.db');
    const db = openWithStepBack(file, MIGRATIONS, clock);
    const meta = new Meta(db);
    const outbox = new Outbox(db, clock, options.outboxLimitBytes);
    const tables = { meta, outbox, services: new ServiceTable(db, box), journal: new Journal(db, box) };
    const backupPasswords = new BackupPasswords(db, box);
    const backupSettings = new BackupSettingsTable(db, box);
    const edge = new EdgeTable(db, box);
    const commands = new CommandLog(db, meta);
    const close = () => [db, lock].forEach((each) => each.close());
    const adopted = new AdoptedTable(db);
    const schedules = new ScheduleTable(db, box);
    const reserve = new Reserve(join(dataDir, 'reserve'), options.reserveBytes);
    const transactions = createTransactions(db, outbox, reserve);
    return {
      ...tables,
      commands,
      backupPasswords,
      backupSettings,
      edge,
      adopted,
      schedules,
      reserve,
      ...transactions,
      keep: () => forgetStepBack(file),
      close,
    };
  } catch (error) {
    lock.close();
    throw error;
  }
}

/** SQLite's own, 4 MiB; with the reserve in use the log must not take what the tables need. */
const LOG_PAGES = 1000;
const SHORT_LOG_PAGES = 64;

type Transactions = Pick<AgentState, 'transact' | 'onEvents' | 'hasRoom'>;

function createTransactions(db: Sqlite, outbox: Outbox, reserve: Reserve): Transactions {
  let announce: (() => void) | undefined;
  const run = db.transaction((work: () => unknown) => work());
  const setShort = (isShort: boolean) => {
    if (outbox.isShortOfRoom === isShort) return;
    outbox.isShortOfRoom = isShort;
    db.pragma(`wal_autocheckpoint = ${isShort ? SHORT_LOG_PAGES : LOG_PAGES}`);
  };
  const runOnFullDisk = (work: () => unknown) => {
    outbox.rolledBack();
    const isReserveUsed = reserve.isReleased;
    reserve.release(); // first: dropping what may be lost is itself written down
    setShort(true);
    shortenLog(db);
    run.immediate(() => outbox.makeRoom(isReserveUsed));
    shortenLog(db);
    return run.immediate(work);
  };
  return {
    transact<T>(work: () => T): T {
      const before = outbox.last;
      setShort(reserve.isReleased);
      try {
        return attempt(work, (each) => run.immediate(each), runOnFullDisk) as T;
      } catch (error) {
        if (db.open) outbox.rolledBack();
        throw isDiskFull(error) ? new LongshoreError('host_disk_full', { cause: error }) : error;
      } finally {
        if (db.open && outbox.last > before) announce?.();
      }
    },
    onEvents: (listener) => void (announce = listener),
    hasRoom: () => !reserve.isReleased,
  };
}

/** The write-ahead log gives its room back. When even that needs room, what comes next fails for the same reason. */
function shortenLog(db: Sqlite): void {
  try {
    db.pragma('wal_checkpoint(TRUNCATE)');
  } catch (error) {
    if (!isDiskFull(error)) throw error;
  }
}

type Runner = (work: () => unknown) => unknown;

function attempt(work: () => unknown, run: Runner, runOnFullDisk: Runner): unknown {
  try {
    return run(work);
  } catch (error) {
    if (!isDiskFull(error)) throw error;
    return runOnFullDisk(work);
  }
}

/** The second: the index of the write-ahead log lies in a file of its own. */
const isDiskFull = (error: unknown) =>
  ['SQLITE_FULL', 'SQLITE_IOERR_SHMSIZE'].includes((error as { code?: string }).code ?? '');

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
