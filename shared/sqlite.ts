// The one place that opens a database: both sides keep theirs with the same durability. An answer given after a commit
// must survive a power cut, so `synchronous=FULL` is set on every connection (a reopened WAL database forgets it).
import { chmodSync, existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { LongshoreError } from './errors.ts';

export type Sqlite = Database.Database;

/** Held on the event loop while another process has the write lock; longer would stall heartbeats. */
const BUSY_TIMEOUT_MS = 100;

/** One step of the schema: forward only, never edited once released. */
export interface Migration {
  /** 1, 2, 3 … in order. */
  version: number;
  sql: string;
}

/** `version`: of the schema that is to come. */
export type BeforeChange = (db: Sqlite, file: string, version: number) => void;

/** In a bundle the addon lies beside the code; from sources the package finds its own. */
const BUNDLED_ADDON = join(import.meta.dirname, 'better_sqlite3.node');

/**
 * Opens (or makes) a database and brings it to the newest schema. `before` is called ahead of a change to one that was
 * there. Throws `schema_too_new` for one from the future.
 */
export function openSqlite(file: string, migrations: readonly Migration[], before?: BeforeChange): Sqlite {
  const db = new Database(file, { timeout: BUSY_TIMEOUT_MS, ...addonOption() });
  db.pragma('journal_mode = WAL');
  db.pragma('synchronous = FULL');
  db.pragma('foreign_keys = ON');
  db.pragma('trusted_schema = OFF');
  try {
    migrate(db, file, migrations, before);
  } catch (error) {
    db.close();
    throw error;
  }
  return db;
}

/** For a look from outside, also while the owner writes. Throws `not_found` where there is no such file. */
export function openSqliteReadOnly(file: string): Sqlite {
  if (!existsSync(file)) throw new LongshoreError('not_found', { message: `There is no database "${file}"` });
  const db = new Database(file, { readonly: true, timeout: BUSY_TIMEOUT_MS, ...addonOption() });
  db.pragma('trusted_schema = OFF');
  return db;
}

/** One file, at the schema that it has. */
export function openSqliteAsIs(file: string): Sqlite {
  const db = new Database(file, { fileMustExist: true, timeout: BUSY_TIMEOUT_MS, ...addonOption() });
  db.pragma('journal_mode = DELETE');
  db.pragma('synchronous = FULL');
  db.pragma('trusted_schema = OFF');
  return db;
}

/** All of it as it is now, in a file of its own that no one else reads. Throws what SQLite says, and leaves none then. */
export function copySqlite(db: Sqlite, copy: string): void {
  rmSync(copy, { force: true }); // one that was cut short
  try {
    db.prepare('VACUUM INTO ?').run(copy);
    chmodSync(copy, 0o600);
  } catch (error) {
    rmSync(copy, { force: true });
    throw error;
  }
}

const addonOption = () => (existsSync(BUNDLED_ADDON) ? { nativeBinding: BUNDLED_ADDON } : {});

function migrate(db: Sqlite, file: string, migrations: readonly Migration[], before?: BeforeChange): void {
  const newest = migrations.at(-1)?.version ?? 0;
  const current = db.pragma('user_version', { simple: true }) as number;
  if (current > newest) {
    throw new LongshoreError('schema_too_new', {
      message: `Cannot open "${file}": its schema is version ${current}, this program knows ${newest}`,
      details: 'Install the newer version again, or restore the backup made before the upgrade.',
    });
  }
  if (current > 0 && current < newest) before?.(db, file, newest);
  for (const { version, sql } of migrations.slice(current)) {
    db.transaction(() => {
      db.exec(sql);
      db.pragma(`user_version = ${version}`);
    })();
  }
}
