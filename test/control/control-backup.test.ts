// `longshore control backup` and `restore`: one file from a control plane that goes on writing, put in the place of data
// that nobody uses.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { newId } from '#shared/ids.ts';
import { openSqliteAsIs, openSqliteReadOnly } from '#shared/sqlite.ts';
import { systemClock } from '#shared/time.ts';
import { takeLock } from '../../control/db/lock.ts';
import { openStores } from '../../control/store/stores.ts';
import { runCli } from '../support/cli.ts';
import { ControlWorld } from '../support/control-world.ts';
import { makeFolder } from '../support/folder.ts';
import { CLI } from '../support/up.ts';

const backup = (dataDir: string, file: string, ...flags: string[]) =>
  runCli(['control', 'backup', file, '--data-dir', dataDir, '--json', ...flags]);
const restore = (dataDir: string, file: string) =>
  runCli(['control', 'restore', file, '--data-dir', dataDir, '--json']);

/** A control plane's folder with a variable in it, and a backup of that. */
async function backedUp(t: Test, value = 'of the backup') {
  const folder = makeFolder(t, 'backup');
  const [dir, file] = [join(folder, 'data'), join(folder, 'control.backup')];
  mkdirSync(dir);
  await remember(dir, value);
  writeFileSync(join(dir, 'admin.key'), 'lsk_first\n', { mode: 0o600 });
  writeFileSync(join(dir, 'control.db.before-1'), 'of before an upgrade');
  const made = await backup(dir, file);
  t.equal(made.exitCode, 0, made.stderr);
  return { folder, dir, file, made: JSON.parse(made.stdout) as Record<string, unknown> };
}

const variable = (name: string, value: string) => ({
  id: newId('var'),
  customerId: null,
  name,
  isSecret: true,
  description: null,
  value,
  createdAt: 1,
  updatedAt: 1,
});

/** Something sealed: without the key that it was written with nobody reads it. */
async function remember(dir: string, value: string): Promise<void> {
  const stores = openStores(dir, systemClock);
  await stores.writer.write(() => stores.variables.insert(variable('KEPT', value)));
  await stores.close();
}

async function recall(dir: string): Promise<string | undefined> {
  const stores = openStores(dir, systemClock);
  const found = stores.variables.list({ page: 1, perPage: 1, sort: 'name', order: 'asc' }).items[0];
  await stores.close();
  return found?.value;
}

t.test('a backup is one file for its owner alone, and all that a new machine needs', async (t) => {
  const { folder, file, made } = await backedUp(t);
  t.equal(statSync(file).mode & 0o777, 0o600);
  t.match(made, { file, schema: Number, version: String, made_at: /Z$/ });
  t.same(readdirSync(folder).toSorted(), ['control.backup', 'data'], 'and nothing else is left');
  const elsewhere = join(folder, 'elsewhere');
  const { exitCode, stdout, stderr } = await restore(elsewhere, file);
  t.equal(exitCode, 0, stderr);
  t.match(JSON.parse(stdout), { data_dir: elsewhere, made_at: made['made_at'], replaced: null, hosts: 0 });
  t.equal(await recall(elsewhere), 'of the backup');
  t.equal(readFileSync(join(elsewhere, 'admin.key'), 'utf8'), 'lsk_first\n');
  t.equal(statSync(join(elsewhere, 'secret.key')).mode & 0o777, 0o600);
  t.same(
    readdirSync(elsewhere)
      .filter((name) => !name.startsWith('lock.db'))
      .toSorted(),
    ['admin.key', 'control.db', 'secret.key'],
    'and nothing else',
  );
  const bytes = readFileSync(join(elsewhere, 'control.db'));
  t.notOk(bytes.includes(readFileSync(join(elsewhere, 'secret.key'))), 'the key did not stay in the database');
});

t.test('a backup replaces a file only when told to', async (t) => {
  const { dir, file } = await backedUp(t);
  const before = readFileSync(file);
  t.match(await backup(dir, file), { exitCode: 5, stderr: /--force/ });
  t.ok(readFileSync(file).equals(before));
  t.match(await backup(dir, file, '--force'), { exitCode: 0 });
  t.match(await backup(join(dir, 'nowhere'), `${file}.2`), { exitCode: 3, stderr: /There is no database/ });
  t.notOk(existsSync(`${file}.2`));
});

t.test('what is written while a backup is taken is in it from the first to some last', async (t) => {
  const folder = makeFolder(t, 'backup');
  const [dir, copy, file] = ['data', 'copy', 'control.backup'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  mkdirSync(dir);
  const stores = openStores(dir, systemClock);
  t.teardown(() => stores.close());
  const write = (n: number) => stores.writer.write(() => stores.variables.insert(variable(`N${n}`, 'x'.repeat(1000))));
  const args = [CLI, 'control', 'backup', file, '--data-dir', dir];
  const child = spawn(process.execPath, args, { stdio: 'inherit', env: { ...process.env, NODE_OPTIONS: '' } });
  const ended = once(child, 'exit');
  let written = 0;
  while (child.exitCode === null && child.signalCode === null) await write(written++);
  t.same(await ended, [0, null]);
  await write(written);
  t.match(await restore(copy, file), { exitCode: 0 });
  const db = openSqliteReadOnly(join(copy, 'control.db'));
  const names = db.prepare<[], { name: string }>('SELECT name FROM variables ORDER BY rowid').all();
  db.close();
  t.same(
    names.map(({ name }) => name),
    names.map((_, n) => `N${n}`),
  );
  t.ok(names.length <= written, `${names.length} of ${written}`);
});

t.test('a restore keeps what it replaces beside it', async (t) => {
  const { dir, file } = await backedUp(t);
  const other = makeFolder(t, 'other');
  await remember(other, 'of later');
  mkdirSync(join(other, 'restoring', 'half'), { recursive: true });
  const { replaced } = JSON.parse((await restore(other, file)).stdout) as { replaced: string };
  t.equal(await recall(other), 'of the backup');
  t.equal(await recall(replaced), 'of later');
  t.notOk(existsSync(join(other, 'restoring')), 'nor what a restore that was killed had left');
  t.equal(await recall(dir), 'of the backup');
});

t.test('a restore that cannot be changes nothing', async (t) => {
  const { folder, dir, file } = await backedUp(t);
  const files = () =>
    readdirSync(dir)
      .filter((name) => !name.startsWith('lock.db'))
      .toSorted();
  const before = files();

  await t.test('while a control plane runs there', async (t) => {
    const unlock = takeLock(dir);
    t.teardown(unlock);
    t.match(await restore(dir, file), { exitCode: 5, stderr: /a control plane is running on/ });
    t.same(files(), before);
  });

  await t.test('of a newer version', async (t) => {
    const newer = join(folder, 'newer');
    cpSync(file, newer);
    const db = openSqliteAsIs(newer);
    db.pragma('user_version = 999');
    db.close();
    t.match(await restore(dir, newer), { exitCode: 1, stderr: /schema is version 999/ });
    t.same(files(), before);
  });

  await t.test('of something else, or of half a file', async (t) => {
    const half = join(folder, 'half');
    writeFileSync(half, readFileSync(file).subarray(0, 20_000));
    const text = join(folder, 'text');
    writeFileSync(text, 'not a database');
    for (const bad of [half, text, join(dir, 'control.db')])
      t.match(await restore(dir, bad), { exitCode: 2, stderr: /is not a backup of a control plane/ }, bad);
    t.match(await restore(dir, join(folder, 'none')), { exitCode: 3 });
    t.same(files(), before);
    t.equal(await recall(dir), 'of the backup');
  });
});

t.test('F35: a command given after a restore is carried out, though the host has had one of its number', async (t) => {
  const world = new ControlWorld(t);
  const host = await world.joinAndConnect();
  const file = join(makeFolder(t, 'backup'), 'control.backup');
  t.match(await backup(world.dir, file), { exitCode: 0 });
  const lost = await world.deployed(host, 'lost');
  host.disconnect();
  await world.close();

  const dir = makeFolder(t, 'restored');
  t.match(await restore(dir, file), { exitCode: 0, stdout: /"hosts": 1/ });
  const after = new ControlWorld(t, { dir, clock: world.clock });
  const { job } = await after.create('new', { hostId: host.id });
  const before = after.stores.hosts.find(host.id);
  const { epoch, nextEventSeq } = await host.connect(after);
  await host.send(host.memory.events.filter(({ seq }) => seq >= nextEventSeq));
  t.equal(epoch, (before?.epoch ?? 0) + 1);
  await host.finish(job.id);
  t.equal(after.stores.jobs.find(job.id)?.state, 'succeeded');
  const told = after.stores.events.list({ hostId: host.id, type: 'host', page: 1, perPage: 50 }).items;
  t.match(
    told.find(({ status }) => status === 'control_restored'),
    { message: /came back from a backup/ },
  );
  t.equal(after.stores.services.find(lost), undefined);
  host.disconnect();
  t.equal((await host.connect(after)).epoch, epoch, 'from then on they share one history');
});
