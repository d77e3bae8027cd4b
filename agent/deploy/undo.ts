// Work that makes a new revision, with the way back: when it fails, what was there before is put back, and what failed is
// kept to look at.
//
//   work ─▶ succeeded
//     └─ failed before `apply` ─▶ the folder and the names of images go back
//     └─ failed after ──────────▶ the good revision is put back, exactly (unless the service does not want that)
import { LongshoreError, toLongshoreError } from '#shared/errors.ts';
import type { JobStep, PlanStep } from '#shared/jobs.ts';
import { apply, awaitReady } from './execute.ts';
import { pullContextOf, restoreImages } from './images.ts';
import type { BackupBefore, JobOutcome } from './job-run.ts';
import { mendLeftovers } from './leftovers.ts';
import { changesNothing } from './plan/plan.ts';
import type { Rendered } from './rendered.ts';
import { keepFailure, loadRevision, type Revision } from './revisions/revisions.ts';
import type { Task } from './task.ts';
import type { Sources } from './workspace.ts';

/** What an attempt has got to; kept outside of it so that a failure can be told and undone. */
export interface Attempt {
  sources?: Sources;
  rendered?: Rendered;
  plan?: PlanStep[];
  /** What it took of what it is about to change. */
  backupBefore?: BackupBefore;
  hasTouchedDocker: boolean;
}

/** Fills the attempt in as it goes. An outcome of its own ends the job with that; else it has made the new revision. */
type Work = (attempt: Attempt, good: Revision | undefined) => Promise<JobOutcome | void>;

export async function undoneOnFailure(task: Task, work: Work): Promise<JobOutcome> {
  const { spec, goodRevision } = task.run.service;
  const good = goodRevision === null ? undefined : await loadRevision(task.workspace, goodRevision);
  const attempt: Attempt = { hasTouchedDocker: TOUCHING.some((step) => wasUnderWay(task, step)) };
  try {
    const outcome = await work(attempt, good);
    if (outcome) return outcome;
    return { state: 'succeeded', goodRevision: spec.revision, ...planOf(attempt), ...unchangedOf(task, attempt) };
  } catch (error) {
    if (task.run.signal.aborted) {
      await tidyUp(task, attempt, good);
      throw error;
    }
    return fail(task, attempt, good, toLongshoreError(error));
  }
}

/** Steps that change what is on Docker's side. */
const TOUCHING: readonly JobStep[] = ['build', 'apply', 'wait', 'record', 'rollback'];

/** An attempt before a crash was in the middle of it. */
const wasUnderWay = ({ run }: Task, step: JobStep): boolean => run.steps.interruptedAt(step) !== undefined;

const planOf = ({ plan, backupBefore }: Attempt) => ({ ...(plan && { plan }), ...(backupBefore && { backupBefore }) });

/** What an attempt before a crash has done leaves nothing to do, but it was done. */
export function unchangedOf(task: Task, { plan = [] }: Pick<Attempt, 'plan'>): { unchanged?: true } {
  return changesNothing(plan) && !TOUCHING.some((step) => wasUnderWay(task, step)) ? { unchanged: true } : {};
}

/** After a cancel. Docker may be what is gone; the next deploy repairs. */
async function tidyUp(task: Task, { hasTouchedDocker, sources }: Attempt, good: Revision | undefined): Promise<void> {
  await mendLeftovers(task).catch(() => undefined);
  const isCancelled = task.run.signal.reason instanceof LongshoreError;
  if (!isCancelled || hasTouchedDocker || !sources || !good) return;
  await task.workspace.write(good.sources, Object.keys(sources.files));
}

async function fail(
  task: Task,
  attempt: Attempt,
  good: Revision | undefined,
  error: LongshoreError,
): Promise<JobOutcome> {
  const { spec, goodRevision } = task.run.service;
  await keepEvidence(task, attempt, error).catch((reason: unknown) => {
    task.deps.log.warn({ err: reason }, 'could not keep the evidence of a failed deploy');
  });
  const end = { state: 'failed', goodRevision, ...planOf(attempt) } as const;
  if (!good || (attempt.hasTouchedDocker && !spec.rollbackOnFailure)) return { ...end, error };
  try {
    if (!attempt.hasTouchedDocker) {
      await restoreFolder(task, attempt, good);
      return { ...end, error };
    }
    await putGoodBack(task, attempt, good);
    return { ...end, error, rolledBackTo: good.meta.revision };
  } catch (second) {
    if (task.run.signal.aborted) throw second;
    return { ...end, error: withSecond(error, toLongshoreError(second), good.meta.revision) };
  }
}

async function keepEvidence(task: Task, attempt: Attempt, error: LongshoreError): Promise<void> {
  const { run, workspace, deps } = task;
  if (!attempt.sources) return; // refused before anything was written
  const failure = {
    jobId: run.offer.jobId,
    revision: run.service.spec.revision,
    step: task.currentStep,
    error: error.toWire(),
    at: deps.clock.now(),
  };
  await keepFailure(workspace, { sources: attempt.sources, rendered: attempt.rendered }, failure);
}

/** A pull may have moved a name before another pull failed: names go back as well. */
async function restoreFolder(task: Task, attempt: Attempt, good: Revision): Promise<void> {
  await task.workspace.write(good.sources, Object.keys(attempt.sources?.files ?? {}));
  await restoreImages(pullContextOf(task), good.meta.images);
}

/** The good revision exactly: its files, its images by id, its rendered file, and healthy again. */
async function putGoodBack(task: Task, attempt: Attempt, good: Revision): Promise<void> {
  await task.step('rollback', async (say) => {
    say({ message: `putting revision ${good.meta.revision} back` });
    await restoreFolder(task, attempt, good);
    task.deps.judgeBy(task.run.service.spec.id, good.meta.healthChecks ?? []);
    await apply(task, good.rendered, say);
    await awaitReady(task, good.rendered, say);
  });
}

function withSecond(error: LongshoreError, second: LongshoreError, revision: number): LongshoreError {
  const more = `Putting revision ${revision} back failed too: ${second.message}`;
  const details = error.details === undefined ? more : `${error.details}\n${more}`;
  const fields = error.fields === undefined ? {} : { fields: error.fields };
  return new LongshoreError(error.code, { message: error.message, details, ...fields, cause: error });
}
