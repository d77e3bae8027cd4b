// A restore into place: every volume of the backup gets exactly the files it had then, or all keep those they have.
//
//   restore   the files come beside the volume's own, while the service runs on
//   stop      its containers stop
//   swap      the folders change places; from its end on the restored files count
//   start     what ran before runs again, also when something failed on the way
//   wait      it comes up with the restored files, or the old ones are put back
//
// A note on disk says how far it is. After a crash the job runs again: before the swap had ended the old files are put
// back and everything is done anew, after it only the rest is. The old files go last of all.
import { LongshoreError, toLongshoreError } from '#shared/errors.ts';
import { awaitReady } from '../deploy/execute.ts';
import { listUp, startAgain, stop } from '../deploy/operate.ts';
import { Task } from '../deploy/task.ts';
import { ownVolumes } from './backup.ts';
import { requireBackupId } from './backup-id.ts';
import { volumesOf } from './contents.ts';
import { renderedOf } from './bring.ts';
import { fetchAll, findSource, type Source, type Target } from './fetch.ts';
import { RestoreNotes, type RestoreNote } from './restore-note.ts';
import type { VolumeFolders } from './folders/volume-folders.ts';
import { dropOld, requireNoOld, stagingOf, swapIn, undoSwap } from './swap.ts';
import { pairVolumes } from './volume-map.ts';

export async function restore(task: Task): Promise<void> {
  const notes = new RestoreNotes(task.deps.backups.noteOf(task.run.service.spec.id));
  let note = await notes.load();
  try {
    if (!note?.isSwapped || note.jobId !== task.run.offer.jobId) note = await bringIn(task, notes, note);
  } catch (error) {
    if (isShutdown(task)) throw error;
    await giveUp(task, notes).catch((second: unknown) => {
      // The note stays: the next restore begins with putting the old files back.
      task.deps.log.error({ err: second, service: task.workspace.name }, 'could not undo a restore that failed');
    });
    throw error;
  }
  await startAgain(task, note.stopped ?? []);
  try {
    await prove(task, note);
  } catch (error) {
    if (isShutdown(task)) throw error;
    await putBack(task, notes, note);
    throw withOldBack(toLongshoreError(error));
  }
  await settle(task, note);
  await notes.remove();
}

/** What was down before has nothing to prove. */
async function prove(task: Task, { stopped }: RestoreNote): Promise<void> {
  const rendered = await task.workspace.loadRendered();
  const containers = await task.deps.engine.listProject(task.workspace.name);
  const only = containers.filter(({ id }) => stopped?.includes(id)).map(({ service }) => service);
  if (rendered && only.length > 0) await task.step('wait', (say) => awaitReady(task, rendered, say, { only }));
}

/** Noted before it is done: should this process die, the next one does it anew. Also after a cancel. */
async function putBack({ deps, run }: Task, notes: RestoreNotes, note: RestoreNote): Promise<void> {
  const task = new Task(deps, { ...run, signal: new AbortController().signal });
  await stop(task);
  await notes.save({ ...note, isSwapped: false });
  await giveUp(task, notes);
}

const withOldBack = ({ code, message, details }: LongshoreError): LongshoreError => {
  const said = details === undefined ? '' : `${details}\n`;
  return new LongshoreError(code, { message, details: `${said}The files of before the restore are in place again.` });
};

/** Up to the swap. `earlier`: what an attempt before, or another restore that never ended, has left. */
async function bringIn(task: Task, notes: RestoreNotes, earlier: RestoreNote | undefined): Promise<RestoreNote> {
  const { jobId } = task.run.offer;
  const stoppedBefore = earlier?.jobId === jobId ? earlier.stopped : null;
  await using opened = new AsyncDisposableStack();
  const { targets, folders } = await task.step('restore', async (say) => {
    if (earlier) await settle(task, earlier);
    await using source = await findSource(task, requireBackupId(task.run));
    const found = await targetsOf(task, source);
    const mountpoints = found.map(({ mountpoint }) => mountpoint);
    const folders = opened.use(foldersOf(task, mountpoints));
    for (const mountpoint of mountpoints) await requireNoOld(folders, mountpoint);
    await notes.save({ jobId, mountpoints, stopped: stoppedBefore, isSwapped: false });
    await fetchAll(task, source, { targets: found, folders }, say);
    return { targets: mountpoints, folders };
  });
  const note = { jobId, mountpoints: targets, stopped: stoppedBefore ?? (await listUp(task)), isSwapped: false };
  await notes.save(note);
  await stop(task);
  return await task.step('swap', async () => {
    await requireUnused(task, targets);
    await folders.syncFiles(targets.map(stagingOf));
    for (const mountpoint of targets) await swapIn(folders, mountpoint);
    return notes.save({ ...note, isSwapped: true });
  });
}

/** The old files count again, and what ran runs. */
async function giveUp(task: Task, notes: RestoreNotes): Promise<void> {
  const note = await notes.load();
  if (!note) return;
  await settle(task, note);
  if (note.stopped !== null) await startAgain(task, note.stopped);
  await notes.remove();
}

async function settle(task: Task, { mountpoints, isSwapped }: RestoreNote): Promise<void> {
  await using folders = foldersOf(task, mountpoints);
  for (const mountpoint of mountpoints) await (isSwapped ? dropOld : undoSwap)(folders, mountpoint);
}

const foldersOf = ({ deps, workspace }: Task, mountpoints: readonly string[]): VolumeFolders =>
  deps.openFolders(workspace.name, mountpoints);

async function targetsOf(task: Task, source: Source): Promise<Target[]> {
  const volumes = await ownVolumes(task);
  const held = volumesOf(source.snapshot.paths);
  if (held.length === 0) throw new LongshoreError('state_conflict', { message: 'The backup holds no volumes' });
  const nameHere = await namesHere(
    task,
    source,
    held.map(({ name }) => name),
  );
  return held.map(({ name, path }) => {
    const mountpoint = volumes.find((volume) => volume.name === nameHere(name))?.mountpoint;
    if (mountpoint !== undefined) return { path, mountpoint };
    throw new LongshoreError('state_conflict', {
      message: `Volume "${name}" of the backup is not there any more`,
      details: 'Deploy the service with this volume, then restore again.',
    });
  });
}

/** A backup of another service has other names for the same volumes. */
async function namesHere(task: Task, source: Source, held: readonly string[]): Promise<(name: string) => string> {
  const rendered = await task.workspace.loadRendered();
  if (task.run.offer.backupOf === undefined || !rendered) return (name) => name;
  const pairs = pairVolumes(held, await renderedOf(source, task.run.signal), rendered);
  return (name) => pairs.find(({ from }) => from === name)?.to ?? name;
}

/** A container of another project would write on into files that nobody sees any more. */
async function requireUnused({ deps, workspace }: Task, mountpoints: readonly string[]): Promise<void> {
  const volumes = await deps.engine.listVolumes(workspace.name);
  for (const { name } of volumes.filter(({ mountpoint }) => mountpoints.includes(mountpoint))) {
    const users = await deps.engine.listUsers(name);
    const user = users.find(({ state }) => state === 'running' || state === 'paused' || state === 'restarting');
    if (user) throw new LongshoreError('in_use', { message: `Volume "${name}" is in use by container "${user.name}"` });
  }
}

/** The next process goes on. */
const isShutdown = ({ run: { signal } }: Task): boolean => signal.aborted && !(signal.reason instanceof LongshoreError);
