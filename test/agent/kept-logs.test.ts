// The folder of kept logs, and that keeping them is never a reason for a job to fail.
import { mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import t from 'tap';
import { LongshoreError } from '#shared/errors.ts';
import { silentLogger } from '#shared/log.ts';
import { systemClock } from '#shared/time.ts';
import type { JobOutcome } from '../../agent/deploy/job-run.ts';
import type { Container } from '../../agent/docker/engine.ts';
import { keepLogsAround } from '../../agent/kept-logs/keeper.ts';
import { Shelf } from '../../agent/kept-logs/shelf.ts';
import { makeFolder } from '../support/folder.ts';

const log = (container: string, keptAt: number) => ({ container, containerId: '0123456789ab', isTty: false, keptAt });
const names = async (shelf: Shelf, id: string) => (await shelf.list(id)).map(({ container }) => container);
const DONE: JobOutcome = { state: 'succeeded', goodRevision: 2 };

t.test('what is put there is listed, the newest first, and readable by the agent only', async (t) => {
  const directory = makeFolder(t, 'agent');
  const shelf = new Shelf(directory);
  t.same(await shelf.list('svc_a'), []);
  await shelf.put('svc_a', log('one', 1_000), Buffer.from('x'));
  await shelf.put('svc_a', log('two', 2_000), Buffer.from('x'));
  await shelf.put('svc_b', log('three', 3_000), Buffer.from('x'));
  t.same(await names(shelf, 'svc_a'), ['two', 'one']);
  const [{ path } = { path: '' }] = await shelf.list('svc_a');
  t.equal(statSync(path).mode & 0o777, 0o600);
  t.equal(statSync(join(directory, 'logs', 'svc_a')).mode & 0o777, 0o700);
  await shelf.drop('svc_a');
  t.same(readdirSync(join(directory, 'logs')), ['svc_b']);
});

t.test('I8: it grows no further than its limits', async (t) => {
  const directory = makeFolder(t, 'agent');
  const shelf = new Shelf(directory, { service: 5_000, host: 8_000 });
  for (let n = 0; n < 12; n++) await shelf.put(n % 3 === 0 ? 'svc_b' : 'svc_a', log(`c${n}`, n), randomBytes(2_000));
  t.same(await names(shelf, 'svc_a'), ['c11', 'c10']);
  t.same(await names(shelf, 'svc_b'), ['c9'], 'the oldest of the host has gone');
});

t.test('F29: where the disk is nearly full it gives way, and nothing more is kept', async (t) => {
  const directory = makeFolder(t, 'agent');
  let free = 1024 ** 3;
  const shelf = new Shelf(directory, undefined, async () => free);
  await shelf.put('svc_a', log('one', 1_000), Buffer.from('x'));
  await shelf.trim();
  t.same(await names(shelf, 'svc_a'), ['one']);
  free = 1024 ** 2;
  await shelf.trim();
  t.same(await names(shelf, 'svc_a'), []);
  await shelf.put('svc_a', log('two', 2_000), Buffer.from('x'));
  t.same(await names(shelf, 'svc_a'), []);
});

t.test('what a killed agent left half done goes, what is not ours stays', async (t) => {
  const directory = makeFolder(t, 'agent');
  const shelf = new Shelf(directory);
  await shelf.put('svc_a', log('one', 1_000), Buffer.from('x'));
  const folder = join(directory, 'logs', 'svc_a');
  for (const name of ['19700101T000002.000Z_0123456789ab_two.log.gz.part', 'notes.txt'])
    writeFileSync(join(folder, name), '');
  mkdirSync(join(directory, 'logs', 'svc_unknown'));
  await shelf.clearUp();
  t.same(readdirSync(folder), ['19700101T000001.000Z_0123456789ab_one.log.gz', 'notes.txt']);
  t.ok(readdirSync(join(directory, 'logs')).includes('svc_unknown'), 'nobody said that it was removed');
});

/** A job around which logs are kept, on a host whose Docker does as `engine` says. */
function around(directory: string, listProject: () => Promise<Container[]>, execute = async () => DONE) {
  const kept = keepLogsAround(
    {
      shelf: new Shelf(directory),
      drop: async () => undefined,
      socketPath: join(directory, 'no-docker.sock'),
      engine: { listProject, findContainer: async () => undefined },
      hub: { subscribe: () => () => undefined },
      findLogFile: async () => undefined,
      clock: systemClock,
      log: silentLogger(),
    },
    execute,
  );
  const run = (kind: string) =>
    kept({ offer: { jobId: 'job_a', serviceId: 'svc_a', kind }, service: { spec: { name: 'a' } } } as never);
  return run;
}

t.test('a host whose Docker fails keeps no log and does its jobs', async (t) => {
  const fails = async () => Promise.reject(new LongshoreError('docker_unavailable'));
  t.same(await around(makeFolder(t, 'agent'), fails)('deploy'), DONE);
});

t.test('a log that cannot be read keeps no job from its end', async (t) => {
  const present = [{ id: 'c'.repeat(64), name: 'a-web-1' } as Container];
  const lists = [present, []];
  t.same(await around(makeFolder(t, 'agent'), async () => lists.shift() ?? [])('deploy'), DONE);
});

t.test('a job that fails by an error fails by the same', async (t) => {
  const error = new LongshoreError('cancelled');
  const run = around(
    makeFolder(t, 'agent'),
    async () => [],
    () => Promise.reject(error),
  );
  await t.rejects(run('deploy'), error);
});

t.test('jobs that leave containers where they are do not look at them', async (t) => {
  let looks = 0;
  const run = around(makeFolder(t, 'agent'), async () => (looks++, []));
  for (const kind of ['start', 'stop', 'restart', 'backup', 'remove']) t.same(await run(kind), DONE);
  t.equal(looks, 0);
});
