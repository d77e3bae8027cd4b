// F46: the process that backs up or restores is killed at random moments, with restic or without it, and carried on by the
// next one as the journal would have it. After every kill the volume holds what it held before or what the backup has, and
// the repository lists whole backups only.
import { execFile, fork, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { JobStep } from '#shared/jobs.ts';
import type { BackupRole } from './backup-role.ts';
import { backupsIn, findRestic, passwordOf } from './backups.ts';
import type { DeployHost } from './deploy-host.ts';
import { docker } from './docker.ts';
import type { Worker } from './volume-folders.ts';

const ROLE = fileURLToPath(new URL('./backup-role.ts', import.meta.url));
const run = promisify(execFile);

export interface Rounds {
  worker: Worker;
  count: number;
  /** Uniform in [0, 1). */
  random: () => number;
  megabytes: number;
  /** Of one job: the attempt after that is let through. */
  mostKills: number;
  say: (line: string) => void;
}

export interface RoundsEnd {
  /** Of processes that were killed before they were done. */
  kills: number;
  /** What must not be; empty when all is well. */
  faults: string[];
}

/** `host` is a service with a volume `data`, deployed, and no other. */
export async function killRounds(
  host: DeployHost,
  { worker, count, random, megabytes, mostKills, say }: Rounds,
): Promise<RoundsEnd> {
  const scene = new Scene(host, worker, mostKills);
  const end: RoundsEnd = { kills: 0, faults: [] };
  let usualMs = 3_000;
  await scene.fill('0', megabytes);
  for (let i = 1; i <= count; i++) {
    const backupId = `bkp_round${String(i).padStart(6, '0')}`;
    await scene.fill(String(i), Math.max(1, megabytes / 16));
    const taken = await scene.hash();
    const started = Date.now();
    const backup = await scene.carry(
      'backup',
      backupId,
      () => random() * usualMs * 1.2,
      async () => {
        for (const id of await scene.listed())
          if (!scene.whole.has(id) && id !== backupId) end.faults.push(`${id} is listed`);
      },
    );
    scene.whole.add(backupId);
    if (backup.kills === 0) usualMs = Date.now() - started;
    if (!(await scene.listed()).includes(backupId)) end.faults.push(`round ${i}: the backup is not listed`);
    await scene.fill(`spoilt ${i}`, 1);
    const spoilt = await scene.hash();
    const restore = await scene.carry(
      'restore',
      backupId,
      () => random() * usualMs * 1.2,
      async () => {
        const now = await scene.hashIfThere();
        if (now !== undefined && now !== taken && now !== spoilt)
          end.faults.push(`round ${i}: half a volume is in place`);
      },
    );
    if ((await scene.hash()) !== taken) end.faults.push(`round ${i}: other files came back`);
    end.kills += backup.kills + restore.kills;
    say(`round ${i}: ${backup.kills} kills of the backup, ${restore.kills} of the restore`);
  }
  end.faults.push(...(await scene.check()), ...(await scene.leftContainers()));
  return end;
}

class Scene {
  readonly whole = new Set<string>();
  readonly #host: DeployHost;
  readonly #worker: Worker;
  readonly #mostKills: number;

  constructor(host: DeployHost, worker: Worker, mostKills: number) {
    this.#host = host;
    this.#worker = worker;
    this.#mostKills = mostKills;
  }

  /** New files, and an old one gone. */
  async fill(name: string, megabytes: number): Promise<void> {
    const script = `mkdir -p "/data/$0"; dd if=/dev/urandom of="/data/$0/large" bs=1M count=${Math.round(megabytes)} 2>/dev/null
      i=0; while [ $i -lt 50 ]; do echo "$0 $i" >"/data/$0/$i"; i=$((i+1)); done; chown -R 70:70 "/data/$0"`;
    await this.#inside(script, name);
  }

  hash(): Promise<string> {
    return this.#hashOf('docker', ['exec', `${this.#host.spec.name}-db-1`, 'sh', '-c', HASH]);
  }

  /** Of the volume itself: its container may be down. Undefined in the moment between two renames. */
  async hashIfThere(): Promise<string | undefined> {
    const volume = `${this.#host.spec.name}_data`;
    const path = await docker(['volume', 'inspect', '--format', '{{.Mountpoint}}', volume]);
    if (!existsSync(path)) return undefined;
    return this.#hashOf('sh', ['-c', HASH.replace('/data', '"$0"'), path]);
  }

  async listed(): Promise<string[]> {
    const { dataDir, spec } = this.#host;
    const repository = await backupsIn(dataDir, {}, new Map(), [spec.id]).find(spec.id);
    return (await repository?.list())?.flatMap(({ tags }) => tags) ?? [];
  }

  /** restic's own word on whether all that is listed can be read. */
  async check(): Promise<string[]> {
    const { dataDir, spec } = this.#host;
    const env = { ...process.env, RESTIC_PASSWORD: passwordOf(spec.id) };
    const args = ['--no-cache', '-r', `${dataDir}/backups/${spec.id}`, 'check', '--read-data'];
    return run('restic', args, { env }).then(
      () => [],
      (error: unknown) => [`restic check: ${String(error)}`],
    );
  }

  async leftContainers(): Promise<string[]> {
    const name = `longshore-restore-${this.#host.spec.name}`;
    const left = await docker(['ps', '-a', '--filter', `name=${name}`, '--format', '{{.Names}}']);
    return left === '' ? [] : [`${left} is left`];
  }

  /** Kills it at the given moments, the first of them, until it is done within one. */
  async carry(
    kind: BackupRole['kind'],
    backupId: string,
    moment: () => number,
    look: () => Promise<void>,
  ): Promise<{ kills: number }> {
    const begun: JobStep[] = [];
    for (let kills = 0; ; kills++) {
      const child = this.#start({ kind, backupId, interrupted: [...begun] });
      const isLast = kills >= this.#mostKills;
      const how = await endOf(child, isLast ? undefined : moment(), begun, () => this.#killRestic(kind));
      if (how === 'done') return { kills };
      if (how !== 'killed') throw new Error(`${kind} ${backupId} failed: ${how}`);
      await look();
    }
  }

  /** Half of the time restic lives on for a while, as an orphan would. */
  #killRestic(kind: string): void {
    const command = kind === 'restore' && this.#worker === 'container' ? 'dump' : kind;
    const pid = findRestic(this.#host.dataDir, command);
    if (pid !== undefined && pid % 2 === 0) process.kill(pid, 'SIGKILL');
  }

  #start(job: Pick<BackupRole, 'kind' | 'backupId' | 'interrupted'>): ChildProcess {
    const { dataDir, spec } = this.#host;
    const role: BackupRole = { dataDir, spec, worker: this.#worker, ...job };
    return fork(ROLE, [JSON.stringify(role)], { execArgv: ['--no-warnings'] });
  }

  async #hashOf(program: string, args: string[]): Promise<string> {
    return (await run(program, args)).stdout.trim();
  }

  async #inside(script: string, argument: string): Promise<void> {
    await docker(['exec', `${this.#host.spec.name}-db-1`, 'sh', '-ec', script, argument]);
  }
}

/** Every file with its owner, mode and content. */
const HASH =
  'cd /data && find . | LC_ALL=C sort | while read -r f; do stat -c "%n %u:%g %a" "$f"; [ ! -f "$f" ] || sha256sum <"$f"; done | sha256sum';

function endOf(
  child: ChildProcess,
  killAfterMs: number | undefined,
  begun: JobStep[],
  alsoKill: () => void,
): Promise<string> {
  let problem = '';
  child.on('message', (message: { step?: JobStep; error?: string; details?: string }) => {
    if (message.step && !begun.includes(message.step)) begun.push(message.step);
    if (message.error !== undefined) problem = `${message.error} ${message.details ?? ''}`;
  });
  const timer =
    killAfterMs === undefined
      ? undefined
      : setTimeout(() => {
          child.kill('SIGKILL');
          alsoKill();
        }, killAfterMs);
  return new Promise((resolve) => {
    child.once('exit', (code, signal) => {
      clearTimeout(timer);
      resolve(signal === 'SIGKILL' ? 'killed' : code === 0 ? 'done' : problem || `code ${code}`);
    });
  });
}
