// A service's containers stand still, or are down, while its volumes are copied. Which ones is on disk before anything is
// done to them, so that whoever comes after a crash lets them go on.
import { rm } from 'node:fs/promises';
import type { Consistency } from '#shared/backup.ts';
import { listUp, startAgain, stop } from '../deploy/operate.ts';
import { Task } from '../deploy/task.ts';
import { readIfThere, writeAtomic } from '../deploy/workspace.ts';

type Held = { how: Exclude<Consistency, 'live'>; ids: string[] };

const NOTE_MODE = 0o600;

/** Whatever becomes of the work, what ran goes on. A container that was paused already stays so. */
export async function holding<T>(task: Task, how: Consistency, work: () => Promise<T>): Promise<T> {
  await release(task);
  if (how === 'live') return work();
  try {
    await hold(task, how);
    return await work();
  } finally {
    await release(task);
  }
}

async function hold(task: Task, how: Held['how']): Promise<void> {
  const { deps, workspace } = task;
  const containers = await deps.engine.listProject(workspace.name);
  const running = containers.filter(({ state }) => state === 'running').map(({ id }) => id);
  const ids = how === 'stop' ? await listUp(task) : running;
  await writeAtomic(noteOf(task), JSON.stringify({ how, ids } satisfies Held), NOTE_MODE);
  if (how === 'stop') return stop(task);
  // All at once: between two of them nothing is written that the other would not know of.
  await Promise.all(ids.map((id) => deps.engine.pauseContainer(id)));
}

/** Also of an attempt that ended without letting go. */
async function release(task: Task): Promise<void> {
  const text = await readIfThere(noteOf(task));
  if (text === undefined) return;
  const { how, ids } = JSON.parse(text) as Held;
  // Cancelled or not, and as patient with Docker as any step.
  const free = new Task(task.deps, { ...task.run, signal: new AbortController().signal });
  if (how === 'stop') await startAgain(free, ids);
  else await free.step('start', () => unpause(free, ids));
  await rm(noteOf(task), { force: true });
}

async function unpause({ deps, workspace }: Task, ids: readonly string[]): Promise<void> {
  const containers = await deps.engine.listProject(workspace.name);
  const paused = containers.filter(({ id, state }) => ids.includes(id) && state === 'paused');
  await Promise.all(paused.map(({ id }) => deps.engine.unpauseContainer(id)));
}

const noteOf = ({ deps, run }: Task): string => deps.backups.heldNoteOf(run.service.spec.id);
