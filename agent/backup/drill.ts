// A drill: the newest backup is restored into a scratch copy of its service, whose health says whether it is any good. The
// copy is gone afterwards; the service itself runs on and is not touched.
import { createHash } from 'node:crypto';
import { LongshoreError, toLongshoreError } from '#shared/errors.ts';
import { awaitReady, up } from '../deploy/execute.ts';
import type { JobOutcome } from '../deploy/job-run.ts';
import { withScratch } from '../deploy/plan/scratch.ts';
import { remove } from '../deploy/remove.ts';
import { Task } from '../deploy/task.ts';
import { SERVICE_LABEL } from '../docker/engine.ts';
import { fill, renderedOf } from './bring.ts';
import { findSource, Source } from './fetch.ts';
import { toScratch } from './scratch-service.ts';

export async function drill(task: Task): Promise<JobOutcome> {
  const { goodRevision } = task.run.service;
  await using source = await newestOf(task);
  const [drilled = ''] = source.snapshot.tags;
  try {
    await withScratch(task.deps.dataDir, (dataDir) => tryOut(task, scratchOf(task, dataDir), source));
    return { state: 'succeeded', goodRevision, drilled };
  } catch (error) {
    if (task.run.signal.aborted) throw error;
    return { state: 'failed', error: toLongshoreError(error), goodRevision, drilled };
  }
}

/** The one that is asked for, else the newest of where the service's backups go. */
async function newestOf(task: Task): Promise<Source> {
  const { offer, service } = task.run;
  if (offer.backupId !== undefined) return findSource(task, offer.backupId);
  const { backups } = task.deps;
  const repository = await backups.find(service.spec.id, backups.settingsOf(service.spec.id).repository);
  const snapshot = (await repository?.list())?.at(-1);
  if (repository && snapshot) return new Source(repository, snapshot);
  await repository?.[Symbol.asyncDispose]();
  throw new LongshoreError('state_conflict', { message: `Service "${service.spec.name}" has no backup to try out` });
}

async function tryOut(task: Task, scratch: Task, source: Source): Promise<void> {
  await sweep(task, scratch); // of a drill that never ended
  const rendered = toScratch(await renderedOf(source, task.run.signal), scratch.workspace.name);
  try {
    await scratch.workspace.write({ compose: '', env: '', override: '', files: {} });
    await scratch.workspace.writeRendered(rendered);
    await scratch.step('restore', (say) => fill(scratch, source, rendered, say));
    await scratch.step('drill', async (say) => {
      await up(scratch, rendered, say, {});
      const containers = await awaitReady(scratch, rendered, say);
      say({ message: `${containers.length} containers came up with what the backup holds` });
    });
  } finally {
    const isLeft = task.run.signal.aborted && !(task.run.signal.reason instanceof LongshoreError);
    if (!isLeft) await sweep(task, scratch); // a process that stops leaves it to the next one
  }
}

/** Throws `name_taken` where a service has this name: its containers have our label, those of a drill have not. */
async function sweep({ deps }: Task, scratch: Task): Promise<void> {
  const { name } = scratch.workspace;
  const containers = await deps.engine.listProject(name);
  const taken = containers.some(({ labels }) => labels[SERVICE_LABEL] !== undefined);
  if (taken) throw new LongshoreError('name_taken', { message: `A service of the host is called "${name}"` });
  await scratch.workspace.write({ compose: '', env: '', override: '', files: {} });
  if (!scratch.workspace.wasApplied) await scratch.workspace.writeRendered({ name, services: {} });
  // Cancelled or not, it goes.
  const run = { ...scratch.run, signal: new AbortController().signal };
  await remove(new Task(scratch.deps, run));
}

function scratchOf({ deps, run }: Task, dataDir: string): Task {
  const { spec } = run.service;
  const name = `drill-${createHash('sha256').update(spec.id).digest('hex').slice(0, 20)}`;
  return new Task({ ...deps, dataDir }, { ...run, service: { spec: { ...spec, name }, goodRevision: null } });
}
