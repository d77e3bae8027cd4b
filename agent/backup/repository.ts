// One service's repository, in the words of backups: a backup is a snapshot that carries its id as a tag, so that control
// and restic need no other common knowledge, and a repeated job finds what it made.
import { LongshoreError } from '#shared/errors.ts';
import type { BackupSummary } from '#shared/backup.ts';
import type { ArchiveNode } from './archive-rules.ts';
import { fromSnapshots, isVanished, toNode, type ResticLine, type Snapshot } from './restic-output.ts';
import type { Restic, ResticTask, Vault } from './restic.ts';

/** A terabyte over a slow disk. A run that takes longer than a day overlaps with tomorrow's. */
const COPY_DEADLINE_MS = 24 * 3600_000;
/** Prune rewrites packs: on a large repository hours. */
const FORGET_DEADLINE_MS = 6 * 3600_000;
/** Listing a snapshot of millions of files. */
const LIST_DEADLINE_MS = 3600_000;
/** restic's "some files could not be read": the snapshot is there and lacks them. */
const INCOMPLETE = 3;
/** restic's "there is no repository". */
const ABSENT = 10;
/** What a program inside a container printed: part of the backup whose tag it has as well, and none by itself. */
const DUMP_TAG = 'longshore-dump';

export interface CopyProgress {
  percent: number;
  bytesDone: number;
  totalBytes: number;
}

export interface CopyOptions {
  signal: AbortSignal;
  onProgress: (progress: CopyProgress) => void;
}

export class Repository {
  readonly #restic: Restic;
  readonly #vault: Vault;
  readonly #serviceId: string;
  readonly #release: () => Promise<void>;

  /** `release`: takes back what was laid out for it to be reached. */
  constructor(restic: Restic, vault: Vault, serviceId: string, release = async (): Promise<void> => undefined) {
    this.#restic = restic;
    this.#vault = vault;
    this.#serviceId = serviceId;
    this.#release = release;
  }

  /** Whoever opened it is done with it. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#release();
  }

  /** Whether it lies where others than this host may write. */
  get isElsewhere(): boolean {
    return this.#vault.elsewhere !== undefined;
  }

  /** False where there is none yet. Fails when its server does not answer, or the password is another one. */
  async exists(signal?: AbortSignal): Promise<boolean> {
    const task = { args: ['cat', 'config'], action: 'Cannot open the repository', accepts: [ABSENT], signal };
    return (await this.#run({ ...task, onText: () => undefined })).code !== ABSENT;
  }

  async init(): Promise<void> {
    await this.#run({ args: ['init'], action: 'Cannot make a repository for backups' });
  }

  /** Removes locks whose owner is dead; others stay. */
  async unlock(): Promise<void> {
    await this.#run({ args: ['unlock'], action: 'Cannot unlock the repository' });
  }

  /** Undefined when the repository has no such backup. Of several by the same name the newest counts. */
  async findSnapshot(backupId: string): Promise<Snapshot | undefined> {
    return (await this.#snapshots(['--tag', backupId])).findLast(isWhole);
  }

  /** Every backup of the service, the oldest first. */
  async list(): Promise<Snapshot[]> {
    return this.#snapshots(['--host', this.#serviceId]);
  }

  /** The dumps that belong to a backup. */
  async findDumps(backupId: string): Promise<Snapshot[]> {
    return (await this.#snapshots(['--tag', `${backupId},${DUMP_TAG}`])).filter((one) => !isWhole(one));
  }

  /** Keeps what `feed` writes, under that name. It must fail when it has not written all. */
  async dump(
    backupId: string,
    file: string,
    { signal, feed }: { signal: AbortSignal; feed: NonNullable<ResticTask['feed']> },
  ): Promise<BackupSummary> {
    let summary: BackupSummary | undefined;
    const onLine = (line: ResticLine) => line.kind === 'summary' && (summary = line.summary);
    // Of another host, so that it is nobody's parent.
    const own = ['--host', `${this.#serviceId}.dump`, '--group-by', 'host,paths', '--tag', `${backupId},${DUMP_TAG}`];
    const args = ['backup', ...own, '--stdin', '--stdin-filename', `/${file}`];
    const task = { args, action: 'Cannot keep a dump', deadlineMs: COPY_DEADLINE_MS, mustMove: true };
    const result = await this.#run({ ...task, signal, feed, onLine });
    if (summary) return summary;
    throw result.toFault();
  }

  /**
   * Copies these paths as they are now. A file that vanished meanwhile is no fault; for any other that could not be
   * read the snapshot is taken back and `volume_denied` or `backup_failed` thrown.
   */
  async backup(
    backupId: string,
    paths: readonly string[],
    { signal, onProgress }: CopyOptions,
  ): Promise<BackupSummary & { vanished: number }> {
    let summary: BackupSummary | undefined;
    const onLine = (line: ResticLine) => {
      if (line.kind === 'summary') summary = line.summary;
      else if (line.kind === 'status') onProgress(line);
    };
    // The parent is the service's last backup, also when a volume has come or gone since.
    const args = ['backup', '--host', this.#serviceId, '--group-by', 'host', '--tag', backupId, '--', ...paths];
    const long = { deadlineMs: COPY_DEADLINE_MS, mustMove: true };
    const task = { args, action: 'Cannot back up', ...long, accepts: [INCOMPLETE] };
    const result = await this.#run({ ...task, signal, onLine });
    if (!summary) throw result.toFault();
    const isHarmless = ({ item, message }: (typeof result.errors)[number]) =>
      isVanished(message) && !paths.includes(item);
    if (!result.errors.every(isHarmless)) {
      await this.#forget([summary.snapshotId]);
      throw result.toFault();
    }
    return { ...summary, vanished: new Set(result.errors.map(({ item }) => item)).size };
  }

  /** Writes what the snapshot has below `path` into an empty folder, with owners, modes and times. */
  async restore(snapshotId: string, path: string, target: string, { signal, onProgress }: CopyOptions): Promise<void> {
    const onLine = (line: ResticLine) => line.kind === 'status' && onProgress(line);
    // A database may keep far larger files than it has filled.
    const args = ['restore', `${snapshotId}:${path}`, '--sparse', '--target', target];
    const fault = { action: 'Cannot restore', otherwise: 'restore_failed' as const };
    await this.#run({ args, ...fault, deadlineMs: COPY_DEADLINE_MS, mustMove: true, signal, onLine });
  }

  /** Everything below `path`, which stands for the root of what is listed: folders before what is in them. */
  async walk(
    snapshotId: string,
    path: string,
    onNode: (node: ArchiveNode) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const problem = new AbortController();
    const onText = (line: string) => {
      if (problem.signal.aborted) return;
      try {
        const node = toNode(line);
        if (node) onNode(node);
      } catch (error) {
        problem.abort(error);
      }
    };
    const task = {
      args: ['ls', `${snapshotId}:${path}`],
      action: 'Cannot list a backup',
      deadlineMs: LIST_DEADLINE_MS,
    };
    await this.#run({ ...task, signal: AbortSignal.any([signal, problem.signal]), onText });
    problem.signal.throwIfAborted();
  }

  /** Everything of the snapshot as a tar, or one file of it as it is. */
  async pour(
    snapshotId: string,
    path: string,
    take: NonNullable<ResticTask['pour']>,
    signal: AbortSignal,
  ): Promise<void> {
    const args = ['dump', '--archive', 'tar', snapshotId, path];
    await this.#run({ args, action: 'Cannot read from a backup', deadlineMs: COPY_DEADLINE_MS, signal, pour: take });
  }

  /** What the snapshot has below `path`, as a tar; ends when it gets no further for long. */
  async pourBelow(
    snapshotId: string,
    path: string,
    take: NonNullable<ResticTask['pour']>,
    signal: AbortSignal,
  ): Promise<void> {
    const args = ['dump', '--archive', 'tar', `${snapshotId}:${path}`, '/'];
    const fault = { action: 'Cannot restore', otherwise: 'restore_failed' as const };
    await this.#run({ args, ...fault, deadlineMs: COPY_DEADLINE_MS, mustMove: true, signal, pour: take });
  }

  /** A file of the snapshot, as text. */
  async read(snapshotId: string, path: string, signal: AbortSignal): Promise<string> {
    const lines: string[] = [];
    const task = { args: ['dump', snapshotId, path], action: 'Cannot read from a backup', signal };
    await this.#run({ ...task, onText: (line) => lines.push(line) });
    return lines.join('\n');
  }

  /** Removes backups with their dumps and gives back their space. Those that are not there are fine. */
  async forget(backupIds: readonly string[], signal: AbortSignal): Promise<void> {
    if (backupIds.length === 0) return;
    const all = await this.#snapshots(backupIds.flatMap((id) => ['--tag', id]));
    if (all.length > 0)
      await this.#forget(
        all.map(({ id }) => id),
        signal,
      );
  }

  async #forget(ids: string[], signal?: AbortSignal): Promise<void> {
    if (this.isElsewhere) await this.unlock(); // of a run that was killed: nobody else clears it away
    const args = ['forget', '--prune', ...ids];
    await this.#run({ args, action: 'Cannot delete a backup', deadlineMs: FORGET_DEADLINE_MS, signal });
  }

  async #snapshots(filter: readonly string[]): Promise<Snapshot[]> {
    const out: string[] = [];
    const action = 'Cannot list backups';
    await this.#run({ args: ['snapshots', ...filter], action, onText: (line) => out.push(line) });
    try {
      return fromSnapshots(out.join('\n'));
    } catch (cause) {
      throw new LongshoreError('backup_failed', { message: action, details: 'restic gave no list', cause });
    }
  }

  #run(task: Omit<ResticTask, 'otherwise'> & Partial<ResticTask>) {
    return this.#restic.run(this.#vault, { otherwise: 'backup_failed', ...task });
  }
}

const isWhole = ({ tags }: Snapshot): boolean => !tags.includes(DUMP_TAG);
