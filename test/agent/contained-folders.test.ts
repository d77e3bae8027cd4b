// The container that restores for an agent which is not root, where things go wrong: without tar, with a full disk, with a
// restic that dies, with an engine that goes away.
import { PassThrough } from 'node:stream';
import t from 'tap';
import { LongshoreError } from '#shared/errors.ts';
import type { Repository } from '../../agent/backup/repository.ts';
import type { ExecOptions, RunningExec } from '../../agent/docker/running-exec.ts';
import { FakeEngine } from '../support/fake-engine.ts';
import { FakeExec } from '../support/fake-exec.ts';
import { restoreContainers } from '../support/volume-folders.ts';

const STAGING = '/v/shop_data/longshore-restore';

/** An engine whose programs do what the test says, by their names. */
class ToolEngine extends FakeEngine {
  programs: Record<string, (exec: FakeExec) => void> = {};

  override async startExec(id: string, options: ExecOptions): Promise<RunningExec> {
    const exec = (await super.startExec(id, options)) as FakeExec;
    const name = options.command.join(' ') === 'tar --version' ? 'version' : (options.command[0] ?? '');
    (this.programs[name] ?? ((one) => one.exit(0)))(exec);
    return exec;
  }
}

const fail = (words: string, code: number) => (exec: FakeExec) => {
  exec.print(words, 'stderr');
  exec.exit(code);
};

async function open(programs: ToolEngine['programs']) {
  const engine = new ToolEngine();
  engine.programs = { version: (exec) => (exec.print('tar (GNU tar) 1.34\n'), exec.exit(0)), ...programs };
  const folders = restoreContainers(engine, '/data').open('shop', ['/v/shop_data/_data']);
  return { engine, folders };
}

/** A repository whose restic gives these bytes and then ends like this. */
const pouring = (end: (stdout: PassThrough) => Promise<void>): Repository =>
  ({
    pourBelow: async (_id: string, _path: string, take: (stdout: PassThrough, saw: () => void) => Promise<void>) => {
      const stdout = new PassThrough();
      stdout.write('the beginning of a tar');
      const ended = end(stdout);
      ended.catch(() => undefined);
      await take(stdout, () => undefined); // what it throws counts first
      await ended;
    },
  }) as unknown as Repository;

const OPTIONS = { signal: new AbortController().signal, onProgress: () => undefined };
const take = (folders: Awaited<ReturnType<typeof open>>['folders'], repository: Repository) =>
  folders.take({ repository, snapshotId: 'abc', from: '/v/shop_data' }, STAGING, OPTIONS);

t.test('where there is no GNU tar, that is said before anything is written', async (t) => {
  for (const [words, code] of [['bsdtar 3.6.2', 0] as const, ['executable file not found in $PATH', 127] as const]) {
    const { engine, folders } = await open({ version: fail(words, code) });
    const whole = pouring(async (stdout) => void stdout.end());
    await t.rejects(take(folders, whole), { code: 'not_supported', message: 'The host has no GNU tar' });
    t.notOk(engine.execs.some(({ options }) => options.command.includes('-x')));
  }
});

t.test('a full disk is called so, while restic still has more', async (t) => {
  const { folders } = await open({ tar: fail('tar: _data/x: Cannot write: No space left on device', 2) });
  const endless = pouring((stdout) => new Promise((resolve) => void stdout.once('close', resolve)));
  await t.rejects(take(folders, endless), { code: 'host_disk_full', details: /No space left/ });
});

t.test('when restic dies, its reason counts and not that of the tar without an end', async (t) => {
  const { folders } = await open({
    tar: (exec) => (exec.endInput = () => fail('tar: Unexpected EOF in archive', 2)(exec)),
  });
  const dying = pouring(async (stdout) => {
    stdout.end();
    await new Promise((resolve) => void stdout.once('close', resolve));
    throw new LongshoreError('interrupted', { message: 'restic was ended by SIGKILL' });
  });
  await t.rejects(take(folders, dying), { code: 'interrupted' });
});

t.test('after a fault the next work is done in another container, and none is left', async (t) => {
  const { engine, folders } = await open({ rm: fail('rm: cannot remove: Input/output error', 1) });
  await t.rejects(folders.remove('/v/shop_data/longshore-old'), { code: 'restore_failed' });
  const [first = ''] = engine.containers.keys();
  t.equal(await folders.exists('/v/shop_data/_data'), true);
  t.notOk(engine.containers.has(first), 'what failed may still run there');
  await folders[Symbol.asyncDispose]();
  t.equal(engine.containers.size, 0);
});

t.test('a container of an earlier process is ended before anything is looked at', async (t) => {
  const { engine, folders } = await open({});
  const left = engine.addContainer({ name: 'longshore-restore-shop', state: 'running' });
  await folders.exists('/v/shop_data/_data');
  t.notOk(engine.containers.has(left.id));
  t.equal(engine.containers.size, 1);
});

t.test('an engine that is away at the end fails nothing that was done', async (t) => {
  const { engine, folders } = await open({});
  await folders.rename('/v/shop_data/a', '/v/shop_data/b');
  engine.isAway = true;
  await t.resolves(Promise.resolve(folders[Symbol.asyncDispose]()));
});

t.test('names that look like options are none', async (t) => {
  const { engine, folders } = await open({});
  await folders.rename('/v/shop_data/-f', '/v/shop_data/--help');
  await folders.remove('/v/shop_data/-rf');
  t.strictSame(
    engine.execs.map(({ options }) => options.command.join(' ')),
    ['mv -T -- /v/shop_data/-f /v/shop_data/--help', 'rm -rf -- /v/shop_data/-rf'],
  );
});
