// A backup: the named volumes of a service, the files it was made from and what its databases say of themselves. How still
// the service is meanwhile is its own setting.
//
//   dumps      each a snapshot of its own with the backup's id: it counts once the last snapshot is there
//   volumes    the snapshot that is the backup
//   thinning   older backups go as the service's retention says
import { existsSync } from 'node:fs';
import { opendir } from 'node:fs/promises';
import { LongshoreError, toLongshoreError } from '#shared/errors.ts';
import type { BackupSettings, BackupSummary, RepositorySpec } from '#shared/backup.ts';
import type { Container, Volume } from '../docker/engine.ts';
import type { JobOutcome } from '../deploy/job-run.ts';
import type { Say, Task } from '../deploy/task.ts';
import { requireBackupId } from './backup-id.ts';
import { leftOutOf } from './contents.ts';
import { takeDump } from './dump.ts';
import { planDumps } from './dump-plan.ts';
import { deniedVolume } from './faults.ts';
import { holding } from './hold.ts';
import type { Repository } from './repository.ts';
import { toForget } from './retention.ts';

export async function backup(task: Task): Promise<JobOutcome> {
  const { offer, service } = task.run;
  const backupId = requireBackupId(task.run);
  const { repository: usual } = task.deps.backups.settingsOf(service.spec.id);
  const where = offer.repository === undefined ? usual : offer.repository;
  const { summary, forgotten } = await takeBackup(task, backupId, where);
  return { state: 'succeeded', goodRevision: service.goodRevision, backup: summary, forgotten };
}

export interface Taken {
  summary: BackupSummary;
  /** Backups that had to go. */
  forgotten: string[];
}

/** Done already by an attempt before: then that one counts. */
export async function takeBackup(task: Task, backupId: string, where: RepositorySpec | null): Promise<Taken> {
  const { backups } = task.deps;
  const settings = settingsFor(task);
  await using repository = await backups.open(task.run.service.spec.id, where);
  const known = await findKnown(task, repository, backupId);
  const summary = known ?? (await make(task, repository, { backupId, settings }));
  return { summary, forgotten: await thin(task, repository, settings) };
}

/** What moves stands still already, and its older backups are of no concern to the move. */
function settingsFor({ deps, run }: Task): BackupSettings {
  const settings = deps.backups.settingsOf(run.service.spec.id);
  const bare = { consistency: 'live' as const, dumps: [], retention: null };
  return run.offer.volumesOnly === true ? { ...settings, ...bare } : settings;
}

async function findKnown(task: Task, repository: Repository, backupId: string): Promise<BackupSummary | undefined> {
  const { steps } = task.run;
  if (steps.interruptedAt('backup') === undefined && steps.interruptedAt('dump') === undefined) return undefined;
  const made = (await repository.findSnapshot(backupId))?.summary;
  if (made)
    await holding(task, 'live', async () => undefined); // lets go of what that attempt held
  else await repository.forget([backupId], task.run.signal); // its dumps
  return made;
}

interface Wanted {
  backupId: string;
  settings: BackupSettings;
}

/** Dumps first, while programs can run in its containers. */
async function make(task: Task, repository: Repository, wanted: Wanted): Promise<BackupSummary> {
  const { consistency, dumps: asked } = wanted.settings;
  const { signal } = task.run;
  try {
    const dumps = asked.length === 0 ? [] : await task.step('dump', (say) => takeDumps(task, repository, wanted, say));
    const summary = await holding(task, consistency, () =>
      task.step('backup', (say) => copy(task, repository, wanted.backupId, say)),
    );
    return { ...summary, consistency, ...(dumps.length > 0 && { dumps }) };
  } catch (error) {
    if (!signal.aborted && asked.length > 0) await repository.forget([wanted.backupId], signal).catch(() => undefined);
    throw error;
  }
}

async function copy(task: Task, repository: Repository, backupId: string, say: Say): Promise<BackupSummary> {
  const paths = await pathsOf(task);
  const rendered = await task.workspace.loadRendered();
  const options = { signal: task.run.signal, onProgress: say };
  const { vanished, ...summary } = await repository.backup(backupId, paths, options);
  say({ message: describe(summary, vanished, rendered ? leftOutOf(rendered) : []) });
  return summary;
}

async function takeDumps(task: Task, repository: Repository, wanted: Wanted, say: Say): Promise<string[]> {
  const { backupId, settings } = wanted;
  const { engine } = task.deps;
  const running = (await engine.listProject(task.workspace.name)).filter(({ state }) => state === 'running');
  const dumps = planDumps(settings.dumps, new Map(running.map(({ service, image }) => [service, image])));
  for (const dump of dumps) {
    const container = requireOne(running, dump.service);
    const deps = { engine, repository, backupId, signal: task.run.signal };
    const bytes = await takeDump(deps, dump, container.id);
    say({ message: `dumped ${dump.service}: ${dump.file}, ${bytes} bytes` });
  }
  return dumps.map(({ service }) => service);
}

function requireOne(running: readonly Container[], service: string): Container {
  const container = running.find((one) => one.service === service);
  if (container) return container;
  throw new LongshoreError('state_conflict', { message: `Cannot dump "${service}": it does not run` });
}

/** A backup that is there is none the worse for old ones that could not be deleted: the next one tries again. */
async function thin(task: Task, repository: Repository, { retention }: BackupSettings): Promise<string[]> {
  if (!retention) return [];
  return task.step('forget', async (say) => {
    try {
      const all = await repository.list();
      const ids = toForget(
        all.flatMap(({ tags, at }) => tags.filter((tag) => tag.startsWith('bkp_')).map((id) => ({ id, at }))),
        retention,
      );
      await repository.forget(ids, task.run.signal);
      if (ids.length > 0) say({ message: `${ids.length} backups deleted, as its retention says` });
      return ids;
    } catch (error) {
      if (task.run.signal.aborted) throw error;
      const { message, details = '' } = toLongshoreError(error);
      say({ message: `older backups stay for now: ${message} ${details}`.trim() });
      return [];
    }
  });
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
  const files = [...workspace.composeFiles, workspace.envFile, workspace.renderedFile];
  const paths = [...volumes.map(({ mountpoint }) => mountpoint), ...files.filter((file) => existsSync(file))];
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
