// A backup of the control plane: one SQLite file, which is control.db as it was at one moment and, in a table of its own,
// the other files of the data folder: keys, without which the database is of no use, and config.yaml.
import {
  chmodSync,
  closeSync,
  copyFileSync,
  existsSync,
  fsyncSync,
  linkSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { LongshoreError } from '#shared/errors.ts';
import { openSqliteAsIs, openSqliteReadOnly, type Sqlite } from '#shared/sqlite.ts';
import { toRfc3339 } from '#shared/time.ts';

/** SQLite's place for what kind of file it is: "LSBK". */
const APPLICATION_ID = 0x4c53424b;
/** Keys and settings are a few kilobytes; what is larger is no business of ours. */
const MAX_FILE_BYTES = 1 << 20;
/** Databases, copies of them, and what is not finished. */
const LEFT_OUT = /\.(db(-wal|-shm|-journal|\.before-\d+)?|new|partial)$/;
/** Without it no stored secret can be read. */
const SECRET_KEY = 'secret.key';

const TABLES = `
CREATE TABLE backup_about (made_at TEXT NOT NULL, version TEXT NOT NULL);
CREATE TABLE backup_files (name TEXT PRIMARY KEY, content BLOB NOT NULL);
`;

export interface BackupAbout {
  /** RFC 3339. */
  madeAt: string;
  /** Of the program that made it. */
  version: string;
  schema: number;
}

export interface NewBackup {
  dataDir: string;
  /** Where it goes. */
  file: string;
  /** Take the place of a file that is there. */
  isForced: boolean;
  version: string;
  now: number;
}

/**
 * Also beside a running control plane, which goes on writing. The file has mode 0600 and is whole, or not there. Throws
 * `state_conflict` where one is already, `not_found` where there is no control plane's data.
 */
export function writeBackup({ dataDir, file, isForced, version, now }: NewBackup): BackupAbout {
  if (!isForced && existsSync(file)) throw isThere(file);
  const source = openSqliteReadOnly(join(dataDir, 'control.db'));
  const partial = `${file}.${process.pid}.partial`;
  closeSync(openSync(partial, 'wx', 0o600));
  try {
    source.prepare('VACUUM INTO ?').run(partial); // one read of one moment; what is written meanwhile waits in the WAL
    const about = addFiles(partial, dataDir, { version, madeAt: toRfc3339(now) });
    syncFile(partial);
    giveName(partial, file, isForced);
    syncFile(dirname(file));
    return about;
  } finally {
    source.close();
    rmSync(partial, { force: true });
  }
}

function addFiles(file: string, dataDir: string, { madeAt, version }: Omit<BackupAbout, 'schema'>): BackupAbout {
  using db = closing(openSqliteAsIs(file));
  const names = filesIn(dataDir);
  if (!names.includes(SECRET_KEY))
    throw new LongshoreError('not_found', { message: `There is no "${join(dataDir, SECRET_KEY)}"` });
  db.exec(TABLES);
  db.prepare('INSERT INTO backup_about (made_at, version) VALUES (?, ?)').run(madeAt, version);
  const insert = db.prepare('INSERT INTO backup_files (name, content) VALUES (?, ?)');
  for (const name of names) insert.run(name, readFileSync(join(dataDir, name)));
  db.pragma(`application_id = ${APPLICATION_ID}`);
  return { madeAt, version, schema: schemaOf(db) };
}

/** Files of the folder itself: what lies in folders below is the agent's of `longshore up`, or can be had again. */
export function filesIn(dataDir: string): string[] {
  const isKept = (name: string) => !LEFT_OUT.test(name) && statSync(join(dataDir, name)).size <= MAX_FILE_BYTES;
  const entries = readdirSync(dataDir, { withFileTypes: true });
  return entries.filter((entry) => entry.isFile() && isKept(entry.name)).map(({ name }) => name);
}

/** Takes a backup apart into an empty folder. Throws `bad_request` for what is none, or is damaged. */
export function unpackBackup(file: string, folder: string): BackupAbout & { files: string[] } {
  if (!existsSync(file)) throw new LongshoreError('not_found', { message: `There is no file "${file}"` });
  const target = join(folder, 'control.db');
  copyFileSync(file, target);
  chmodSync(target, 0o600);
  try {
    return takeFiles(target, folder);
  } catch (cause) {
    const message = `"${file}" is not a backup of a control plane, or is damaged`;
    throw new LongshoreError('bad_request', { message, cause });
  }
}

function takeFiles(target: string, folder: string): BackupAbout & { files: string[] } {
  using db = closing(openSqliteAsIs(target));
  if (db.pragma('application_id', { simple: true }) !== APPLICATION_ID) throw new LongshoreError('bad_request');
  if (db.pragma('integrity_check', { simple: true }) !== 'ok') throw new LongshoreError('bad_request');
  const about = db.prepare<[], { made_at: string; version: string }>('SELECT * FROM backup_about').get();
  const rows = db.prepare<[], { name: string; content: Buffer }>('SELECT * FROM backup_files').all();
  if (!about || rows.some(({ name }) => !/^[\w.-]+$/.test(name))) throw new LongshoreError('bad_request');
  for (const { name, content } of rows) writeFileSync(join(folder, name), content, { flag: 'wx', mode: 0o600 });
  db.pragma('secure_delete = ON'); // keys do not stay behind in pages that nobody uses
  db.exec('DROP TABLE backup_files; DROP TABLE backup_about;');
  db.pragma('application_id = 0');
  const schema = schemaOf(db);
  return { madeAt: about.made_at, version: about.version, schema, files: rows.map(({ name }) => name) };
}

const schemaOf = (db: Sqlite): number => db.pragma('user_version', { simple: true }) as number;

const closing = (db: Sqlite): Sqlite & Disposable => Object.assign(db, { [Symbol.dispose]: () => void db.close() });

/** By a link, because it fails where somebody was first. */
function giveName(partial: string, file: string, isForced: boolean): void {
  if (isForced) return renameSync(partial, file);
  try {
    linkSync(partial, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') throw isThere(file);
    throw error;
  }
}

const isThere = (file: string): LongshoreError =>
  new LongshoreError('state_conflict', {
    message: `There is a file "${file}" already`,
    details: 'Give another name, or --force.',
  });

/** Also of a folder: its names. */
export function syncFile(path: string): void {
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
