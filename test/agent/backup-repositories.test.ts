// The repositories of a host where restic is not at its best, or its folder not what it was.
import { chmodSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { backupsIn } from '../support/backups.ts';
import { makeFolder } from '../support/folder.ts';

const SERVICE = 'svc_000001';
const SUMMARY = '{"message_type":"summary","snapshot_id":"f6561d62","total_files_processed":1}';
const options = { signal: new AbortController().signal, onProgress: () => undefined };

/** A program that answers as restic does; `backup` is what it says and how it ends when it is to copy. */
function backupsWith(t: Test, backup: string) {
  const dir = makeFolder(t, 'agent');
  const binary = join(dir, 'restic');
  const log = join(dir, 'calls');
  writeFileSync(
    binary,
    `#!/bin/sh
case "$*" in
  version) echo 'restic 0.19.1' ;;
  *' init') ;;
  *' backup '*) ${backup} ;;
  *' forget '*) echo "$*" >>${log} ;;
esac
`,
  );
  chmodSync(binary, 0o755);
  return { backups: backupsIn(dir, { binary }), dir };
}

const vanished = (file: string) =>
  `{"message_type":"error","error":{"message":"lstat ${file}: no such file or directory"},"item":"${file}"}`;

t.test('files that vanish are counted; the folder that was to be copied must not', async (t) => {
  const { backups } = backupsWith(t, `echo '${vanished('/v/a')}' >&2; echo '${SUMMARY}'; exit 3`);
  const repository = await backups.open(SERVICE);
  t.match(await repository.backup('bkp_1', ['/v'], options), { snapshotId: 'f6561d62', vanished: 1 });
  await t.rejects(repository.backup('bkp_1', ['/v/a'], options), { code: 'backup_failed' });
});

t.test('with more errors than are kept a backup is none, whatever the first of them say', async (t) => {
  const many = `i=0; while [ $i -lt 10100 ]; do echo '${vanished('/v/a')}'; i=$((i + 1)); done`;
  const { backups, dir } = backupsWith(t, `${many} >&2; echo '${SUMMARY}'; exit 3`);
  const repository = await backups.open(SERVICE);
  await t.rejects(repository.backup('bkp_1', ['/v'], options), { code: 'backup_failed' });
  t.ok(readdirSync(dir).includes('calls'), 'and its snapshot is taken back');
});

t.test('a repository whose password is lost is left alone, and says so', async (t) => {
  const { backups, dir } = backupsWith(t, 'exit 1');
  mkdirSync(join(dir, 'backups', SERVICE), { recursive: true });
  for (const time of ['once', 'twice']) {
    await t.rejects(backups.open(SERVICE), { code: 'backup_failed', message: /^The password of the backups in/ }, time);
  }
  t.strictSame(readdirSync(join(dir, 'backups')), [SERVICE]);
});
