// `npm run build` by whoever checks a release: from another checkout, with another key and other habits of the machine
// the same tarball comes out, and other people's tools say that it is what was signed.
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import t, { type Test } from 'tap';
import { manifestSchema, RELEASE_FILES } from '#shared/release/manifest.ts';
import { archive, sha256Of } from '../../cli/release/archive.ts';
import { ROOT } from '../../cli/release/bundle.ts';
import { makeFolder } from '../support/folder.ts';
import { buildRelease, hashSources } from '../support/release.ts';

const run = promisify(execFile);
const SOURCES = [
  'agent',
  'control',
  'cli',
  'shared',
  'systemd',
  'install.sh',
  'LICENSE',
  'package.json',
  'package-lock.json',
];

/** Beside the packages, which are links to the same files: they would be half a gigabyte. */
async function copyCheckout(t: Test): Promise<string> {
  const copy = join(ROOT, 'dist', `another checkout ${randomBytes(4).toString('hex')}`);
  t.teardown(() => rm(copy, { recursive: true, force: true }));
  mkdirSync(copy, { recursive: true });
  await run('cp', ['-R', ...SOURCES.map((name) => join(ROOT, name)), copy]);
  await run('cp', ['-R', '-l', join(ROOT, 'node_modules'), copy]);
  return copy;
}

t.test('another checkout of the same tree gives the same tarball, whoever signs it', async (t) => {
  const copy = await copyCheckout(t);
  const ours = await buildRelease();
  t.equal(hashSources(copy), ours.sources, 'nobody works on the checkout meanwhile');
  const build = 'umask 077 && exec "$0" cli/release/main.ts --arch "$1" --format gz';
  const env = { PATH: process.env['PATH'], TZ: 'Asia/Tokyo', LC_ALL: 'C', HOME: '/nonexistent' };
  await run('sh', ['-c', build, process.execPath, process.arch], { cwd: copy, env });

  const dir = join(copy, 'dist/release');
  const theirs = manifestSchema.parse(JSON.parse(readFileSync(join(dir, RELEASE_FILES.manifest), 'utf8')));
  t.strictSame(theirs, ours.manifest);
  const keyOf = (folder: string) => readFileSync(join(folder, RELEASE_FILES.publicKey), 'utf8');
  t.not(keyOf(dir), keyOf(ours.dir));
});

t.test('a tarball tells nothing of times, umask and the order in which files were made', async (t) => {
  const dir = makeFolder(t, 'archive');
  const make = (parent: string, names: string[], mode: number, at: Date): string => {
    const folder = join(dir, parent, 'tree');
    mkdirSync(join(folder, 'bin'), { recursive: true });
    for (const name of names) {
      const file = join(folder, 'bin', name);
      writeFileSync(file, name.repeat(1000), { mode: 0o600 });
      chmodSync(file, name === 'run' ? mode | 0o100 : mode);
      utimesSync(file, at, at);
    }
    return folder;
  };
  const one = make('one', ['b', 'run', 'a'], 0o644, new Date('2020-01-01'));
  const other = make('other', ['a', 'b', 'run'], 0o600, new Date('2026-01-01'));
  for (const format of ['gz', 'xz'] as const) {
    const files = [one, other].map((folder) => `${folder}.tar.${format}`);
    await Promise.all([archive(one, files[0] ?? '', format), archive(other, files[1] ?? '', format)]);
    const [sum, sumOfOther] = await Promise.all(files.map(sha256Of));
    t.equal(sum, sumOfOther, format);
  }
  const { stdout } = await run('tar', ['-t', '-v', '-f', `${one}.tar.gz`], { env: { ...process.env, TZ: 'UTC' } });
  t.match(stdout, /^-rwxr-xr-x 0\/0 +3000 2000-01-01 00:00 tree\/bin\/run$/m);
});

t.test("other people's tools find it good, and find out when it is not", async (t) => {
  const { dir, tarball } = await buildRelease();
  const copy = makeFolder(t, 'checked');
  await run('cp', ['-R', `${dir}/.`, copy]);
  const verify = ['pkeyutl', '-verify', '-pubin', '-inkey', RELEASE_FILES.publicKey, '-rawin'];
  const signed = () =>
    run('openssl', [...verify, '-in', RELEASE_FILES.sums, '-sigfile', RELEASE_FILES.signature], { cwd: copy });
  const summed = () => run('sha256sum', ['--check', '--strict', RELEASE_FILES.sums], { cwd: copy });
  await t.resolves(signed());
  await t.resolves(summed());

  const bytes = readFileSync(tarball);
  bytes.writeUInt8((bytes.at(-1) ?? 0) ^ 1, bytes.length - 1);
  writeFileSync(join(copy, tarball.slice(dir.length)), bytes);
  await t.rejects(summed(), 'one bit of the tarball is another');
  writeFileSync(join(copy, RELEASE_FILES.sums), readFileSync(join(copy, RELEASE_FILES.sums), 'utf8').replace('0', '1'));
  await t.rejects(signed(), 'one digit of the sums is another');
});
