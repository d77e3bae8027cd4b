// Backups as a user meets them: over the API, through control and agent, of a real volume, watched on a WebSocket.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import t from 'tap';
import { Api } from '../support/api.ts';
import { runCli } from '../support/cli.ts';
import { findRestic } from '../support/backups.ts';
import { makeFolder } from '../support/folder.ts';
import { docker, ensureImages, removeProject, requireDocker, uniqueName } from '../support/docker.ts';
import { eventually } from '../support/eventually.ts';
import { startUp } from '../support/up.ts';

const COMPOSE = `
services:
  db: {image: "busybox:1", init: true, stop_grace_period: 1s, command: sleep 1000, volumes: ["data:/data"]}
volumes: {data: {}}
`;
/** A few seconds for restic on two busy cores. */
const LARGE_MB = 120;

interface Backup {
  id: string;
  job_id: string;
  status: string;
  size_bytes: number;
  added_bytes: number;
  snapshot_id: string | null;
  error: { code: string } | null;
}

/** Of the large file in it, unpacked as anybody would. */
async function hashInTar({ body }: Response): Promise<string> {
  const child = spawn('tar', ['-xOf', '-', '--wildcards', '*/_data/large'], { stdio: ['pipe', 'pipe', 'inherit'] });
  const hash = createHash('sha256');
  const [, ended] = await Promise.all([
    pipeline(Readable.fromWeb(body as never), child.stdin),
    once(child, 'close'),
    pipeline(child.stdout, hash),
  ]);
  if (ended[0] !== 0) throw new Error(`tar ended with ${String(ended[0])}`);
  return hash.digest('hex');
}

void t.test('a volume comes back byte for byte, and everybody who watches hears how far it is', async (t) => {
  if (!(await requireDocker(t))) return;
  await ensureImages();
  const up = await startUp(t);
  const api = new Api(up.url, up.key);
  const name = uniqueName('backups');
  t.teardown(() => removeProject(name));
  const { body } = await api.post('/api/services', { name, deploy_method: 'compose', compose: COMPOSE });
  t.match(await api.jobEnd(String(body['deploy_job_id'])), { state: 'succeeded' });
  const path = `/api/services/${String(body['id'])}`;
  const shell = (script: string) => docker(['exec', `${name}-db-1`, 'sh', '-ec', script]);
  const hash = () => shell('sha256sum /data/*');
  const live = api.live('/api/ws');
  await live.opened;
  t.teardown(() => live.socket.close());

  await shell(`dd if=/dev/urandom of=/data/large bs=1M count=${LARGE_MB} 2>/dev/null; echo one >/data/small`);
  const before = await hash();
  const take = async () => {
    const made = (await api.post<Backup>(`${path}/backups`)).body;
    await api.jobEnd(made.job_id);
    return (await api.get<Backup>(`/api/backups/${made.id}`)).body;
  };
  const first = await take();
  t.match(first, { status: 'succeeded', snapshot_id: /^[0-9a-f]{64}$/, error: null });
  t.ok(first.added_bytes > LARGE_MB << 20);

  const newsOf = (id: string) =>
    live.messages.filter((message) => message['type'] === 'backup.progress' && message['backup_id'] === id);
  const heard = await eventually(() => newsOf(first.id), { until: (all) => all.at(-1)?.['state'] === 'succeeded' });
  const about = { service_id: String(body['id']), job_id: first.job_id, kind: 'backup', timestamp: /Z$/ };
  for (const message of heard) t.match(message, about);
  t.match(heard.at(-1), { percent: 100, bytes_done: first.size_bytes, total_bytes: first.size_bytes });
  const halfWay = heard.filter(({ state, bytes_done: done }) => state === 'running' && done !== null);
  t.ok(halfWay.length > 0, 'progress was told before the end');
  const done = halfWay.map(({ bytes_done: bytes }) => Number(bytes));
  t.strictSame(
    done,
    done.toSorted((a, b) => a - b),
    `${done.join(', ')} bytes`,
  );

  await shell('echo two >/data/small; echo new >/data/new; printf x | dd of=/data/large conv=notrunc 2>/dev/null');
  const second = await take();
  t.ok(second.added_bytes < first.added_bytes / 4, `${second.added_bytes} bytes for what had changed`);
  const authorization = `Bearer ${up.key}`;
  const tar = await fetch(`${up.url}/api/backups/${first.id}/download`, { headers: { authorization } });
  t.match(tar.headers.get('content-disposition'), `filename="${name}-${first.id}.tar"`);
  t.equal(
    await hashInTar(tar),
    before
      .split('\n')
      .find((line) => line.endsWith('/large'))
      ?.split(' ')[0],
  );
  for (let i = 0; i < 6; i++) {
    const left = await fetch(`${up.url}/api/backups/${first.id}/download`, { headers: { authorization } });
    t.equal(left.status, 200, 'a download that is left makes room for the next one');
    await left.body?.cancel();
    await eventually(() => findRestic(up.dataDir, 'dump') === undefined);
  }
  const { data } = (await api.get<{ data: Backup[] }>(`${path}/backups`)).body;
  t.strictSame(
    data.map(({ id }) => id),
    [second.id, first.id],
  );

  const cli = (...args: string[]) => runCli(['backups', ...args], { url: up.url, env: { LONGSHORE_API_KEY: up.key } });
  t.match(await cli('restore', first.id), { exitCode: 2, stderr: /Restoring a backup needs --yes/ });
  t.match(await cli('restore', first.id, '--yes', '--follow'), {
    exitCode: 0,
    stdout: `${name}: restored from ${first.id}\n`,
    stderr: /restore: done[\s\S]*swap: done[\s\S]*start: done/,
  });
  t.equal(await hash(), before);
  t.match((await api.get(path)).body, { status: 'running', reason: null });

  const chosen = await cli('settings', name, '--consistency', 'pause', '--keep', '9,0,0,0');
  t.match(chosen, { exitCode: 0, stdout: /^repository +its host\nconsistency +pause\n[^]*keep +9,0,0,0\n/ });
  const file = join(makeFolder(t, 'download'), 'shop.tar');
  t.match(await cli('download', second.id, '-o', file), { exitCode: 0, stdout: `${second.id}: in ${file}\n` });
  t.equal(statSync(file).size % 512, 0);
  t.match(await cli('drill', first.id, '--follow'), { exitCode: 0, stdout: `${first.id}: it came up\n` });
  t.match((await api.get(`/api/backups/${first.id}`)).body, { drill: { good: true } });
  const copy = uniqueName('backups');
  t.teardown(() => removeProject(copy));
  t.match(await cli('restore', first.id, '--as', copy, '--follow'), { exitCode: 0, stdout: /: made from bkp_/ });
  t.equal(await docker(['exec', `${copy}-db-1`, 'sh', '-ec', 'sha256sum /data/*']), before);

  await shell(`dd if=/dev/urandom of=/data/more bs=1M count=${LARGE_MB} 2>/dev/null`);
  const dying = (await api.post<Backup>(`${path}/backups`)).body;
  process.kill(await eventually(() => findRestic(up.dataDir, 'backup') ?? 0, { until: Boolean }), 'SIGKILL');
  t.match(await api.jobEnd(dying.job_id), { state: 'failed', error: { code: 'interrupted' } });
  t.match((await api.get(`/api/backups/${dying.id}`)).body, { status: 'failed', snapshot_id: null, size_bytes: null });
  t.match((await api.get(path)).body, { status: 'running', reason: null }, 'the service is as it was');
  t.match(await eventually(() => newsOf(dying.id).at(-1), { until: (last) => last?.['state'] === 'failed' }), {
    percent: null,
  });

  t.match(await cli('list', '--service', name, '--status', 'failed'), { stdout: new RegExp(dying.id) });
  t.match(await cli('create', name, '--follow'), {
    exitCode: 0,
    stdout: /: bkp_\w+, [\d.]+ MiB, [\d.]+ MiB of it new\n/,
  });
  t.match(await cli('delete', second.id, '--yes'), { exitCode: 0, stdout: `${second.id}: deleted\n` });
  t.equal((await api.get(`/api/backups/${second.id}`)).status, 404);

  t.equal((await api.delete(path)).status, 204);
  t.match((await api.get(`/api/backups/${first.id}`)).body, { status: 'succeeded' }, 'backups outlive their service');
  t.equal((await api.delete(`/api/backups/${first.id}`)).status, 204);
});
