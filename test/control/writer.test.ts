import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import t, { type Test } from 'tap';
import { LongshoreError } from '#shared/errors.ts';
import { systemClock } from '#shared/time.ts';
import { Database, openDatabase } from '../../control/db/database.ts';
import { Writer } from '../../control/db/writer.ts';
import { eventually } from '../support/eventually.ts';
import { faultCode } from '../support/fault-code.ts';
import { makeFolder } from '../support/folder.ts';
import { ManualClock } from '../support/manual-clock.ts';

const put = (db: Database, key: string) => db.run('INSERT INTO meta VALUES (:key, :key)', { key });
const keys = (db: Database) => db.all<{ key: string }>('SELECT key FROM meta ORDER BY key').map(({ key }) => key);

function open(t: Test, clock = systemClock) {
  const dir = makeFolder(t, 'writer');
  const file = join(dir, 'control.db');
  const db = openDatabase(file);
  t.teardown(() => db.close());
  return { db, file, writer: new Writer(db, clock) };
}

t.test('writes of one turn share one commit', async (t) => {
  const { db, writer } = open(t);
  let commits = 0;
  const run = db.run.bind(db);
  db.run = (sql, params) => {
    if (sql === 'COMMIT') commits++;
    return run(sql, params);
  };
  await Promise.all(['a', 'b', 'c'].map((key) => writer.write(() => put(db, key))));
  t.same(keys(db), ['a', 'b', 'c']);
  t.equal(commits, 1);
});

t.test('patient writes of many turns share one commit, and go along with one that is not', async (t) => {
  const { db, writer } = open(t);
  let commits = 0;
  writer.onCommit(() => commits++);
  const first = writer.writePatiently(() => put(db, 'a'));
  await new Promise(setImmediate);
  const second = writer.writePatiently(() => put(db, 'b'));
  await Promise.all([first, second]);
  t.equal(commits, 1);
  const patient = writer.writePatiently(() => put(db, 'c'));
  await writer.write(() => put(db, 'd'));
  t.same(keys(db), ['a', 'b', 'c', 'd']);
  await patient;
  t.equal(commits, 2);
});

t.test('a write that fails takes back its own work only', async (t) => {
  const { db, writer } = open(t);
  const good = writer.write(() => put(db, 'good'));
  const bad = writer.write(() => {
    put(db, 'bad');
    throw new LongshoreError('name_taken');
  });
  const later = writer.write(() => put(db, 'later'));
  t.equal(await faultCode(bad), 'name_taken');
  await Promise.all([good, later]);
  t.same(keys(db), ['good', 'later']);
});

t.test('nobody hears of a write before it is on disk, or of one that failed', async (t) => {
  const { db, file, writer } = open(t);
  const heard: string[] = [];
  const other = new Sqlite(file, { readonly: true });
  t.teardown(() => other.close());
  const seen = () => other.prepare('SELECT count(*) FROM meta').pluck().get();
  const good = writer.write((tx) => {
    tx.afterCommit(() => heard.push(`good, ${String(seen())} row on disk`));
    put(db, 'a');
  });
  const bad = writer.write((tx) => {
    tx.afterCommit(() => heard.push('bad'));
    throw new LongshoreError('internal');
  });
  await Promise.all([good.then(() => heard.push('resolved')), faultCode(bad)]);
  t.same(heard, ['good, 1 row on disk', 'resolved']);
});

t.test('writes run in the order they came and see each other', async (t) => {
  const { db, writer } = open(t);
  const counts = await Promise.all(
    Array.from({ length: 600 }, (_, i) =>
      writer.write(() => {
        put(db, `k${i}`);
        return keys(db).length;
      }),
    ),
  );
  t.same(
    counts,
    Array.from({ length: 600 }, (_, i) => i + 1),
  );
});

t.test('F31: a full disk refuses writes, lets reads work, and heals without a restart', async (t) => {
  const { db, writer } = open(t);
  await writer.write(() => put(db, 'before'));
  const pages = db.get<{ page_count: number }>('PRAGMA page_count')?.page_count ?? 0;
  db.get(`PRAGMA max_page_count = ${pages}`);
  const large = () => db.run('INSERT INTO meta VALUES (:key, :value)', { key: 'x', value: 'x'.repeat(1 << 20) });
  t.equal(await faultCode(writer.write(large)), 'storage_full');
  t.same(keys(db), ['before']);
  db.get('PRAGMA max_page_count = 1000000');
  await writer.write(() => put(db, 'after'));
  t.same(keys(db), ['after', 'before']);
});

t.test('F33: a foreign lock delays a write and does not stop the event loop', async (t) => {
  const clock = new ManualClock();
  const { db, file, writer } = open(t, clock);
  const backup = new Sqlite(file);
  t.teardown(() => backup.close());
  backup.exec('BEGIN IMMEDIATE');
  let isDone = false;
  const write = writer.write(() => put(db, 'a')).then(() => (isDone = true));
  await eventually(() => clock.pending > 0);
  t.same(keys(db), [], 'reads go on');
  clock.advance(1000);
  t.notOk(isDone);
  backup.exec('COMMIT');
  clock.advance(250);
  await write;
  t.same(keys(db), ['a']);
});

t.test('F33: a lock that stays is told to the client after a bounded wait', async (t) => {
  const clock = new ManualClock();
  const { file, db, writer } = open(t, clock);
  const backup = new Sqlite(file);
  t.teardown(() => backup.close());
  backup.exec('BEGIN IMMEDIATE');
  const many = Array.from({ length: 600 }, (_, nth) => faultCode(writer.write(() => put(db, `a${nth}`))));
  await eventually(() => clock.pending > 0);
  clock.jump(3600_000);
  clock.advance(20_500);
  t.strictSame(new Set(await Promise.all(many)), new Set(['unavailable']), 'also who stood behind a full batch');
  backup.exec('COMMIT');
  await writer.write(() => put(db, 'b'));
  t.same(keys(db), ['b']);
});

t.test('closing commits what is queued and refuses what comes later', async (t) => {
  const { db, writer } = open(t);
  const queued = writer.write(() => put(db, 'a'));
  await writer.close();
  await queued;
  t.same(keys(db), ['a']);
  t.equal(await faultCode(writer.write(() => put(db, 'b'))), 'unavailable');
});

t.test('a database of a newer version is refused', async (t) => {
  const dir = makeFolder(t, 'writer');
  const file = join(dir, 'control.db');
  openDatabase(file).close();
  const future = new Sqlite(file);
  future.pragma('user_version = 999');
  future.close();
  t.throws(() => openDatabase(file), { code: 'schema_too_new' });
});
