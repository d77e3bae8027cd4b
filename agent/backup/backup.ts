// A backup: the named volumes of a service as they are now, and the files it was made from. The service works on
// meanwhile, so what is kept is what a power cut would have left.
import { existsSync } from 'node:fs';
import { opendir } from 'node:fs/promises';
import { LongshoreError } from '#shared/errors.ts';
import type { BackupSummary } from '#shared/backup.ts';
import type { Volume } from '../docker/engine.ts';
import type { JobOutcome, JobRun } from '../deploy/job-run.ts';
import type { Say, Task } from '../deploy/task.ts';
import { leftOutOf } from './contents.ts';
import { deniedVolume } from './faults.ts';
import type { Repository } from './repository.ts';

export async function backup(task: Task): Promise<JobOutcome> {
  const summary = await task.step('backup', async (say) => {
    const backupId = requireBackupId(task.run);
    const repository = await task.deps.backups.open(task.run.service.spec.id);
    const isRepeated = task.run.steps.interruptedAt('backup') !== undefined;
    const made = isRepeated ? (await repository.findSnapshot(backupId))?.summary : undefined;
    return made ?? (await copy(task, repository, backupId, say));
  });
  return { state: 'succeeded', goodRevision: task.run.service.goodRevision, backup: summary };
}

export function requireBackupId({ offer }: Pick<JobRun, 'offer'>): string {
  if (offer.backupId !== undefined) return offer.backupId;
  throw new LongshoreError('protocol_violation', { message: `Job "${offer.jobId}" names no backup` });
}

async function copy(task: Task, repository: Repository, backupId: string, say: Say): Promise<BackupSummary> {
  const paths = await pathsOf(task);
  const rendered = await task.workspace.loadRendered();
  const leftOut = rendered ? leftOutOf(rendered) : [];
  const { signal } = task.run;
  const { vanished, ...summary } = await repository.backup(backupId, paths, { signal, onProgress: say });
  say({ message: describe(summary, vanished, leftOut) });
  return summary;
}

function describe(
  { files, totalBytes, addedBytes }: BackupSummary,
  vanished: number,
  leftOut: readonly string[],
): string {
  const parts = [`${files} files, ${totalBytes} bytes, ${addedBytes} bytes more on disk`];
  if (vanished > 0) parts.push(`${vanished} files vanished meanwhile`);
  if (leftOut.length > 0) parts.push(`not in it: ${leftOut.join(', ')}`);
  return parts.join('; ');
}

async function pathsOf(task: Task): Promise<string[]> {
  const { workspace } = task;
  const volumes = await ownVolumes(task);
  for (const volume of volumes) await requireReadable(task, volume);
  const files = [...workspace.composeFiles, workspace.envFile].filter((file) => existsSync(file));
  const paths = [...volumes.map(({ mountpoint }) => mountpoint), ...files];
  if (paths.length > 0) return paths;
  throw new LongshoreError('state_conflict', {
    message: `Service "${workspace.name}" has nothing to back up`,
    details: 'it was never deployed here',
  });
}

/** Where nothing was ever handed to Compose, volumes with the project's label are somebody else's. */
export async function ownVolumes({ deps, workspace }: Task): Promise<Volume[]> {
  const volumes = workspace.wasApplied ? await deps.engine.listVolumes(workspace.name) : [];
  const foreign = volumes.find(({ isPlain }) => !isPlain);
  if (!foreign) return volumes;
  throw new LongshoreError('not_supported', {
    message: `Volume "${foreign.name}" is not kept on this host`,
    details: 'Its driver or its options bring it from elsewhere; back it up there.',
  });
}

/** restic would go on without it. */
async function requireReadable({ workspace }: Task, { mountpoint }: Volume): Promise<void> {
  try {
    await (await opendir(mountpoint)).close();
  } catch (cause) {
    throw deniedVolume(`Cannot back up "${workspace.name}"`, mountpoint, cause);
  }
}
