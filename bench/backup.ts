// `backup`: a volume backed up by the agent against bare `restic backup` of the same files, in turns; then the second,
// incremental one, and the way back, byte by byte.
// usage: node bench/backup.ts [ROUNDS]      MB=1024 for the size of the volume
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { DeployHost, deployParts, specFor } from '../test/support/deploy-host.ts';
import { docker, ensureImages, removeProject, uniqueName } from '../test/support/docker.ts';
import { percentile, printTable, round, timeMs } from './support/report.ts';

const ROUNDS = Number(process.argv[2] ?? 3);
const MEGABYTES = Number(process.env['MB'] ?? 1024);
const COMPOSE = `
services: {db: {image: "busybox:1", init: true, stop_grace_period: 0s, command: sleep 100000, volumes: ["data:/data"]}}
volumes: {data: {}}
`;
const run = promisify(execFile);
const median = (samples: number[]) => percentile(samples, 0.5);

await ensureImages();
const folder = mkdtempSync(join(tmpdir(), 'longshore-bench-'));
const stopped = new AbortController();
const name = uniqueName('bench');
const host = new DeployHost(await deployParts(folder, stopped.signal), specFor(name, { compose: COMPOSE }));
await succeeded(host.deploy());
const inside = (script: string) => docker(['exec', `${name}-db-1`, 'sh', '-ec', script]);
const hash = () => inside('cd /data && find . -type f | sort | xargs sha256sum | sha256sum');
await inside(`dd if=/dev/urandom of=/data/large bs=1M count=${MEGABYTES} 2>/dev/null`);
const path = await docker(['volume', 'inspect', '--format', '{{.Mountpoint}}', `${name}_data`]);

const times = { bare: [] as number[], ours: [] as number[], bareAgain: [] as number[], oursAgain: [] as number[] };
const repository = join(folder, 'bare');
const bare = async () => {
  const env = { ...process.env, RESTIC_PASSWORD: 'x', RESTIC_REPOSITORY: repository };
  await run('restic', ['--no-cache', '-q', 'backup', path], { env });
};
for (let i = 0; i < ROUNDS; i++) {
  await begin();
  times.bare.push(await timeMs(bare));
  times.ours.push(await timeMs(() => backup(2 * i)));
  await inside(`dd if=/dev/urandom of=/data/more bs=1M count=${Math.ceil(MEGABYTES / 64)} 2>/dev/null`);
  times.bareAgain.push(await timeMs(bare));
  times.oursAgain.push(await timeMs(() => backup(2 * i + 1)));
}
const before = await hash();
await inside('rm /data/more; echo spoilt >>/data/large');
const restoreMs = await timeMs(() => succeeded(host.run({ kind: 'restore', backupId: idOf(2 * ROUNDS - 1) })));
const isSame = (await hash()) === before;

const rate = (ms: number) => `${round((MEGABYTES * 1000) / ms, 1)} MB/s`;
printTable(
  `A volume of ${MEGABYTES} MB, medians of ${ROUNDS}`,
  [
    { what: 'first', peer: median(times.bare), ours: median(times.ours) },
    { what: 'second, 1/64 of it new', peer: median(times.bareAgain), ours: median(times.oursAgain) },
  ].map(({ what, peer, ours }) => ({
    what,
    'restic backup ms': round(peer),
    'ours ms': round(ours),
    'ours/restic throughput': round(peer / ours, 2),
    'ours MB/s': rate(ours),
  })),
);
console.log(
  `restore: ${round(restoreMs)} ms, ${rate(restoreMs)}; ${isSame ? 'every byte is the same' : 'NOT THE SAME'}`,
);
stopped.abort();
await removeProject(name);
rmSync(folder, { recursive: true, force: true });
process.exit(isSame ? 0 : 1);

/** Both repositories empty, as at a first backup, and the files in memory for both. */
async function begin(): Promise<void> {
  rmSync(repository, { recursive: true, force: true });
  rmSync(join(folder, 'backups'), { recursive: true, force: true });
  await inside('rm -f /data/more; cat /data/large >/dev/null');
  const env = { ...process.env, RESTIC_PASSWORD: 'x', RESTIC_REPOSITORY: repository };
  await run('restic', ['--no-cache', '-q', 'init'], { env });
  // Ours makes its repository with the first backup: the peer's was made before it is timed, too.
  const made = await host.backups.open(host.spec.id);
  await made[Symbol.asyncDispose]();
}

function idOf(number: number): string {
  return `bkp_bench${String(number).padStart(6, '0')}`;
}

async function backup(number: number): Promise<void> {
  await succeeded(host.run({ kind: 'backup', backupId: idOf(number) }));
}

async function succeeded(job: ReturnType<DeployHost['run']>): Promise<void> {
  const outcome = await job;
  if (outcome.state !== 'succeeded') throw outcome.error;
}
