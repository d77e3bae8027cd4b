// One service's repository, in the words of backups: a backup is a snapshot that carries its id as a tag, so that control
// and restic need no other common knowledge, and a repeated job finds what it made.
import { LongshoreError } from '#shared/errors.ts';
import type { BackupSummary } from '#shared/backup.ts';
import { fromSnapshots, isVanished, type ResticLine, type Snapshot } from './restic-output.ts';
import type { Restic, ResticTask, Vault } from './restic.ts';

/** A terabyte over a slow disk. A run that takes longer than a day overlaps with tomorrow's. */
const COPY_DEADLINE_MS = 24 * 3600_000;
/** Prune rewrites packs: on a large repository hours. */
const FORGET_DEADLINE_MS = 6 * 3600_000;
/** Deriving the key takes half a second; a minute of patience for locks is part of every command. */
const QUICK_DEADLINE_MS = 5 * 60_000;
/** restic's "some files could not be read": the snapshot is there and lacks them. */
const INCOMPLETE = 3;

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

  constructor(restic: Restic, vault: Vault, serviceId: string) {
    this.#restic = restic;
    this.#vault = vault;
    this.#serviceId = serviceId;
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
    return (await this.#snapshots(backupId)).at(-1);
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
    const task = { args, action: 'Cannot back up', deadlineMs: COPY_DEADLINE_MS, accepts: [INCOMPLETE] };
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
    await this.#run({ args, ...fault, deadlineMs: COPY_DEADLINE_MS, signal, onLine });
  }

  /** Removes a backup and gives back its space. One that is not there is fine. */
  async forget(backupId: string, signal: AbortSignal): Promise<void> {
    const ids = (await this.#snapshots(backupId)).map(({ id }) => id);
    if (ids.length > 0) await this.#forget(ids, signal);
  }

  async #forget(ids: string[], signal?: AbortSignal): Promise<void> {
    const args = ['forget', '--prune', ...ids];
    await this.#run({ args, action: 'Cannot delete a backup', deadlineMs: FORGET_DEADLINE_MS, signal });
  }

  async #snapshots(backupId: string): Promise<Snapshot[]> {
    const out: string[] = [];
    const action = 'Cannot list backups';
    await this.#run({ args: ['snapshots', '--tag', backupId], action, onText: (line) => out.push(line) });
    try {
      return fromSnapshots(out.join('\n'));
    } catch (cause) {
      throw new LongshoreError('backup_failed', { message: action, details: 'restic gave no list', cause });
    }
  }

  #run(task: Omit<ResticTask, 'deadlineMs' | 'otherwise'> & Partial<ResticTask>) {
    return this.#restic.run(this.#vault, { deadlineMs: QUICK_DEADLINE_MS, otherwise: 'backup_failed', ...task });
  }
}
