// What an agent that was taken back finds of the database of the one that came between.
import { existsSync, readFileSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { silentLogger } from '#shared/log.ts';
import type { Migration, Sqlite } from '#shared/sqlite.ts';
import { systemClock } from '#shared/time.ts';
import { forgetStepBack, openWithStepBack } from '../../agent/state/step-back.ts';
import { sayConnected } from '../../agent/upgrade/say-connected.ts';
import { makeFolder } from '../support/folder.ts';

const OLD: Migration[] = [{ version: 1, sql: 'CREATE TABLE jobs (id TEXT) STRICT' }];
const NEW: Migration[] = [...OLD, { version: 2, sql: 'ALTER TABLE jobs ADD COLUMN more TEXT' }];

function world(t: Test) {
  const file = join(makeFolder(t, 'step-back'), 'agent.db');
  const open = (steps: Migration[]): Sqlite => {
    const db = openWithStepBack(file, steps, systemClock);
    t.teardown(() => db.close());
    return db;
  };
  const jobs = (db: Sqlite) => db.prepare('SELECT id FROM jobs').pluck().all();
  const before = open(OLD);
  before.exec(`INSERT INTO jobs VALUES ('job_1')`);
  before.close();
  return { file, open, jobs };
}

t.test('a version that never got connected leaves the way back open', async (t) => {
  const { file, open, jobs } = world(t);
  const between = open(NEW);
  between.exec(`INSERT INTO jobs VALUES ('job_2', 'x')`);
  between.close();
  const back = open(OLD);
  t.strictSame(jobs(back), ['job_1'], 'as it was before the schema changed');
  t.notOk(existsSync(`${file}.before`));
  back.close();
  t.strictSame(jobs(open(NEW)), ['job_1'], 'and the next upgrade begins anew');
});

t.test('one that was connected has closed it', async (t) => {
  const { file, open } = world(t);
  open(NEW).close();
  forgetStepBack(file);
  t.throws(() => open(OLD), { code: 'schema_too_new' });
});

const DAY_S = 86_400;

t.test('a power cut of two days before it is taken back leaves it open', async (t) => {
  const { file, open, jobs } = world(t);
  open(NEW).close();
  const madeAt = Date.now() / 1000 - 2 * DAY_S;
  utimesSync(`${file}.before`, madeAt, madeAt);
  t.strictSame(jobs(open(OLD)), ['job_1']);
});

t.test('one that worked on its own for long has closed it', async (t) => {
  const { file, open, jobs } = world(t);
  open(NEW).close();
  const madeAt = Date.now() / 1000 - 4 * DAY_S;
  utimesSync(`${file}.before`, madeAt, madeAt);
  t.throws(() => open(OLD), { code: 'schema_too_new' });
  t.strictSame(jobs(open(NEW)), ['job_1']);
});

t.test('without a change of the schema nothing is copied', async (t) => {
  const { file, open } = world(t);
  open(OLD).close();
  t.notOk(existsSync(`${file}.before`));
});

t.test('only one that could say so to root is here to stay', async (t) => {
  const folder = makeFolder(t, 'say-connected');
  t.equal(await sayConnected(folder, '0.2.0', silentLogger()), true);
  t.equal(readFileSync(join(folder, 'connected'), 'utf8'), '0.2.0\n');
  t.equal(await sayConnected(join(folder, 'full'), '0.2.0', silentLogger()), false);
  t.equal(await sayConnected(null, '0.2.0', silentLogger()), true, 'without systemd nobody takes it back');
});
