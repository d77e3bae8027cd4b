// What restic 0.19 printed, line by line, and what we make of it.
import t from 'tap';
import { resticFault } from '../../agent/backup/faults.ts';
import { fromRestic, fromSnapshots, isRecent, isVanished, versionOf } from '../../agent/backup/restic-output.ts';

const ID = 'f6561d62c2439afe3d0e216dad95531e33a09ab6cf50ea78ff6c615685d10a39';

t.test('a line of progress tells percent and bytes, of a backup as of a restore', async (t) => {
  const backup =
    '{"message_type":"status","percent_done":0.25,"total_files":2,"files_done":1,"total_bytes":400,"bytes_done":100,"current_files":["/v/a"]}';
  t.strictSame(fromRestic(backup), { kind: 'status', percent: 25, bytesDone: 100, totalBytes: 400 });
  const restore =
    '{"message_type":"status","percent_done":0.5,"total_files":3,"files_restored":1,"total_bytes":400,"bytes_restored":200}';
  t.strictSame(fromRestic(restore), { kind: 'status', percent: 50, bytesDone: 200, totalBytes: 400 });
  const begun = '{"message_type":"status","percent_done":0}';
  t.strictSame(fromRestic(begun), { kind: 'status', percent: 0, bytesDone: 0, totalBytes: 0 });
});

t.test('the summary of a backup tells what it holds; that of a restore has nothing to tell', async (t) => {
  const line = `{"message_type":"summary","files_new":2,"data_added":41946668,"data_added_packed":41948855,"total_files_processed":2,"total_bytes_processed":41943043,"total_duration":0.9,"snapshot_id":"${ID}"}`;
  const summary = { snapshotId: ID, files: 2, totalBytes: 41943043, addedBytes: 41948855 };
  t.strictSame(fromRestic(line), { kind: 'summary', summary });
  t.equal(fromRestic('{"message_type":"summary","total_files":3,"files_restored":3}'), undefined);
});

t.test('an error names its file, the end its reason', async (t) => {
  const error =
    '{"message_type":"error","error":{"message":"open /v/x: permission denied"},"during":"archival","item":"/v/x"}';
  t.strictSame(fromRestic(error), { kind: 'error', item: '/v/x', message: 'open /v/x: permission denied' });
  const end = '{"message_type":"exit_error","code":12,"message":"Fatal: wrong password or no key found"}';
  t.strictSame(fromRestic(end), { kind: 'exit', message: 'wrong password or no key found' });
});

t.test('a folder that restic skips because it is not there is an error, and no file that vanished', async (t) => {
  const message = '/v/none does not exist, skipping';
  t.strictSame(fromRestic(message), { kind: 'error', item: '/v/none', message });
  t.notOk(isVanished(message));
});

t.test('what is no message of ours is plain text, or nothing', async (t) => {
  t.strictSame(fromRestic('Fatal: unknown flag'), { kind: 'text', text: 'Fatal: unknown flag' });
  t.equal(fromRestic(''), undefined);
  t.equal(fromRestic('{"message_type":"verbose_status","action":"new"}'), undefined);
  t.strictSame(fromRestic('{"message_type":'), { kind: 'text', text: '{"message_type":' }, 'cut off');
});

t.test('snapshots come with their paths; one of a restic before 0.17 has no summary', async (t) => {
  const summary = { total_files_processed: 2, total_bytes_processed: 9, data_added_packed: 5 };
  const list = [
    { id: ID, paths: ['/v/shop_data/_data'], tags: ['bkp_1'], time: '2026-11-21T14:00:00Z', summary },
    { id: 'old' },
  ];
  const made = { paths: ['/v/shop_data/_data'], tags: ['bkp_1'], at: Date.UTC(2026, 10, 21, 14) };
  t.strictSame(fromSnapshots(JSON.stringify(list)), [
    { id: ID, ...made, summary: { snapshotId: ID, files: 2, totalBytes: 9, addedBytes: 5 } },
    { id: 'old', paths: [], tags: [], at: NaN, summary: { snapshotId: 'old', files: 0, totalBytes: 0, addedBytes: 0 } },
  ]);
  t.strictSame(fromSnapshots('null'), [], 'an empty repository');
});

t.test('0.17 and newer will do', async (t) => {
  t.equal(versionOf('restic 0.19.1 compiled with go1.26.4 on linux/amd64'), '0.19.1');
  t.equal(versionOf('busybox 1.36'), undefined);
  t.strictSame(['0.17.0', '0.17', '0.19.1', '1.0.0', '10.2'].map(isRecent), [true, true, true, true, true]);
  t.strictSame(['0.16.5', '0.9.6', '0.14.0'].map(isRecent), [false, false, false]);
});

t.test('a file that vanished is told from one that cannot be read', async (t) => {
  t.ok(isVanished('lstat /v/x: no such file or directory'));
  t.notOk(isVanished('open /v/x: permission denied'));
});

t.test('how restic ended decides the code', async (t) => {
  const fault = (end: object, reason = '', errors: { item: string; message: string }[] = []) => {
    const { code, details } = resticFault(
      'Cannot back up',
      'backup_failed',
      { code: null, signal: null, killedBy: null, ...end },
      { errors, reason },
    );
    return [code, details];
  };
  t.strictSame(fault({ killedBy: 'deadline', signal: 'SIGKILL' })[0], 'timed_out');
  t.strictSame(fault({ signal: 'SIGKILL' })[0], 'interrupted');
  t.strictSame(fault({ code: 1 }, 'save: write /b/data: no space left on device')[0], 'host_disk_full');
  const denied = { item: '/v/x', message: 'open /v/x: permission denied' };
  t.strictSame(fault({ code: 3 }, 'Warning: at least one source file could not be read', [denied]), [
    'volume_denied',
    'open /v/x: permission denied\nWarning: at least one source file could not be read',
  ]);
  t.match(fault({ code: 10 }), ['backup_failed', /gone or damaged/]);
  t.match(fault({ code: 11 }), ['backup_failed', /locked/]);
  t.match(fault({ code: 12 }), ['backup_failed', /password/]);
  t.strictSame(fault({ code: 1 }), ['backup_failed', 'restic gave no reason']);
});
