import { join } from 'node:path';
import t from 'tap';
import { openSqlite } from '../../shared/sqlite.ts';
import { makeFolder } from '../support/folder.ts';

const dir = makeFolder(t, 'sqlite');

const first = { version: 1, sql: 'CREATE TABLE a (x TEXT) STRICT' };
const second = { version: 2, sql: "ALTER TABLE a ADD COLUMN y TEXT; UPDATE a SET y = 'new'" };

t.test('a database keeps its rows while it moves to a newer schema', async (t) => {
  const file = join(dir, 'move.db');
  const old = openSqlite(file, [first]);
  old.exec("INSERT INTO a VALUES ('kept')");
  old.close();
  const db = openSqlite(file, [first, second]);
  t.same(db.prepare('SELECT x, y FROM a').all(), [{ x: 'kept', y: 'new' }]);
  db.close();
});

t.test('a reopened database still waits for the disk before it answers', async (t) => {
  const file = join(dir, 'full.db');
  openSqlite(file, [first]).close();
  const db = openSqlite(file, [first]);
  t.equal(db.pragma('synchronous', { simple: true }), 2);
  t.equal(db.pragma('journal_mode', { simple: true }), 'wal');
  db.close();
});

t.test('a schema from the future is refused with the way out', async (t) => {
  const file = join(dir, 'future.db');
  openSqlite(file, [first, second]).close();
  t.throws(() => openSqlite(file, [first]), { code: 'schema_too_new', message: /version 2, this program knows 1/ });
});

t.test('a migration that fails leaves the schema where it was', async (t) => {
  const file = join(dir, 'half.db');
  const broken = { version: 2, sql: 'CREATE TABLE b (x); CREATE TABLE a (x)' };
  openSqlite(file, [first]).close();
  t.throws(() => openSqlite(file, [first, broken]), /already exists/);
  const db = openSqlite(file, [first]);
  t.same(db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").pluck().all(), ['a']);
  db.close();
});
