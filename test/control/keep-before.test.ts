// The copy of the database that is made before its schema changes.
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { openSqlite, openSqliteReadOnly, type Migration } from '#shared/sqlite.ts';
import { keepBefore } from '../../control/db/keep-before.ts';
import { makeFolder } from '../support/folder.ts';

const STEPS: Migration[] = [
  { version: 1, sql: 'CREATE TABLE one (a INTEGER) STRICT' },
  { version: 2, sql: 'INSERT INTO one (a) VALUES (2)' },
  { version: 3, sql: 'CREATE TABLE three (a INTEGER) STRICT' },
  { version: 4, sql: 'DROP TABLE one' },
];

t.test('a schema that changes leaves a copy of what was, and only then', async (t) => {
  const file = join(makeFolder(t, 'keep'), 'control.db');
  const open = (upTo: number) => openSqlite(file, STEPS.slice(0, upTo), keepBefore).close();
  const copies = () => readdirSync(join(file, '..')).filter((name) => name.includes('before'));
  open(1);
  open(1);
  t.strictSame(copies(), [], 'a new database, and one that is up to date, have nothing to go back to');
  open(3);
  t.strictSame(copies(), ['control.db.before-3'], 'one for all steps of a start');
  t.equal(statSync(`${file}.before-3`).mode & 0o777, 0o600);
  const kept = openSqliteReadOnly(`${file}.before-3`);
  t.equal(kept.pragma('user_version', { simple: true }), 1);
  t.equal(kept.prepare('SELECT count(*) AS n FROM one').pluck().get(), 0);
  kept.close();
});

t.test('the last two are kept', async (t) => {
  const file = join(makeFolder(t, 'keep'), 'control.db');
  for (const upTo of [1, 2, 3, 4]) openSqlite(file, STEPS.slice(0, upTo), keepBefore).close();
  t.strictSame(
    [2, 3, 4].map((version) => existsSync(`${file}.before-${version}`)),
    [false, true, true],
  );
});

t.test('without room for a copy nothing changes', async (t) => {
  const file = join(makeFolder(t, 'keep'), 'control.db');
  openSqlite(file, STEPS.slice(0, 1)).close();
  const noRoom = (): never => {
    throw new Error('no room');
  };
  t.throws(() => openSqlite(file, STEPS, noRoom), { message: 'no room' });
  const kept = openSqliteReadOnly(file);
  t.equal(kept.pragma('user_version', { simple: true }), 1);
  kept.close();
});
