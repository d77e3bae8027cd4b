// A deploy from end to end, as DESIGN's story has it:
//
//   prepare ─▶ normalise ─▶ check ─▶ plan ─▶ pull ─▶ build ─▶ apply ─▶ wait ─▶ record
//                                                             └──────┴─ failed ─▶ rollback (to the good revision)
//
// Up to `apply` nothing on Docker's side has changed, so a failure there only puts the folder back.
import { isDeepStrictEqual } from 'node:util';
import { LongshoreError, toLongshoreError } from '#shared/errors.ts';
import type { JobStep, PlanStep, PullPolicy } from '#shared/model.ts';
import { check, inputsOf, normalise, prepare } from './attempt.ts';
import { apply, awaitReady, build, record } from './execute.ts';
import {
  findImages,
  idsOf,
  pullImages,
  pullsOf,
  requireImages,
  restoreImages,
  type FoundImages,
  type PullContext,
} from './images.ts';
import type { JobOutcome } from './job-run.ts';
import { mendLeftovers } from './leftovers.ts';
import { changesNothing, planDeploy, printPlan } from './plan.ts';
import type { Rendered } from './rendered.ts';
import { keepFailure, loadRevision, recordRevision, type Revision } from './revisions.ts';
import type { Task } from './task.ts';
import { isUnchanged } from './unchanged.ts';
import type { Sources } from './workspace.ts';

/** What an attempt has got to; kept outside of it so that a failure can be told and undone. */
interface Attempt {
  sources?: Sources;
  rendered?: Rendered;
  plan?: PlanStep[];
  hasTouchedDocker: boolean;
}

export async function deploy(task: Task): Promise<JobOutcome> {
  const { spec, goodRevision } = task.run.service;
  const good = goodRevision === null ? undefined : await loadRevision(task.workspace, goodRevision);
  const attempt: Attempt = { hasTouchedDocker: TOUCHING.some((step) => wasUnderWay(task, step)) };
  try {
    const kept = good && (await keepIfUnchanged(task, good));
    if (kept) return kept;
    await work(task, attempt, good);
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

/** After a cancel. Docker may be what is gone; the next deploy repairs. */
async function tidyUp(task: Task, { hasTouchedDocker, sources }: Attempt, good: Revision | undefined): Promise<void> {
  await mendLeftovers(task).catch(() => undefined);
  const isCancelled = task.run.signal.reason instanceof LongshoreError;
  if (!isCancelled || hasTouchedDocker || !sources || !good) return;
  await task.workspace.write(good.sources, Object.keys(sources.files));
}

const planOf = ({ plan }: Attempt) => (plan ? { plan } : {});

/** What an attempt before a crash has done leaves nothing to do, but it was done. */
function unchangedOf(task: Task, { plan = [] }: Pick<Attempt, 'plan'>): { unchanged?: true } {
  return changesNothing(plan) && !TOUCHING.some((step) => wasUnderWay(task, step)) ? { unchanged: true } : {};
}

/** Same inputs, same containers, same images: done, without starting any process. Git has to be asked first. */
async function keepIfUnchanged(task: Task, good: Revision): Promise<JobOutcome | undefined> {
  const { spec } = task.run.service;
  if (spec.git || pullPolicyOf(task) === 'always' || good.meta.inputs !== inputsOf(spec)) return undefined;
  // A failure without a rollback leaves its files.
  if (!isDeepStrictEqual(await task.workspace.loadRendered(), good.rendered)) return undefined;
  if (!(await isUnchanged(task.deps.engine, good).catch(ifDockerIsAway))) return undefined;
  const plan = Object.keys(good.rendered.services).map((service): PlanStep => {
    return { service, action: 'keep', reason: 'unchanged' };
  });
  await task.step('plan', async (say) => say({ message: printPlan(plan) }));
  if (good.meta.revision !== spec.revision) {
    const meta = { ...good.meta, revision: spec.revision, jobId: task.run.offer.jobId, plan };
    await task.step('record', () => recordRevision(task.workspace, { ...good, meta }));
  }
  return { state: 'succeeded', goodRevision: spec.revision, plan, ...unchangedOf(task, { plan }) };
}

/** Then nobody knows, and the steps of the long way wait for Docker. */
function ifDockerIsAway(error: unknown): false {
  if (error instanceof LongshoreError && error.code === 'docker_unavailable') return false;
  throw error;
}

async function work(task: Task, attempt: Attempt, good: Revision | undefined): Promise<void> {
  const { engine } = task.deps;
  const sources = await task.step('prepare', (say) => prepare(task, Object.keys(good?.sources.files ?? {}), say));
  attempt.sources = sources;
  const normalised = await task.step('normalise', (say) => normalise(task, say));
  const { rendered, containers } = await task.step('check', () => check(task, normalised));
  attempt.rendered = rendered;
  const made = await task.workspace.loadRendered();
  const decide = (found: FoundImages) => planDeploy({ desired: rendered, made, containers, imageIds: idsOf(found) });
  const found = await task.step('plan', async (say) => {
    const images = await findImages(engine, rendered);
    attempt.plan = decide(images);
    say({ message: printPlan(attempt.plan) });
    return images;
  });
  const provided = await provideImages(task, rendered, found, attempt);
  attempt.plan = decide(provided); // a pull or a build may have moved a name
  await task.step('apply', (say) => {
    attempt.hasTouchedDocker = true;
    return apply(task, rendered, say);
  });
  const ready = await task.step('wait', (say) => awaitReady(task, rendered, say));
  const outcome = { sources, rendered, containers: ready, plan: attempt.plan };
  await task.step('record', () => record(task, outcome));
}

/** Pulls and builds what is needed. */
async function provideImages(
  task: Task,
  rendered: Rendered,
  found: FoundImages,
  attempt: Attempt,
): Promise<FoundImages> {
  const { engine } = task.deps;
  const policy = pullPolicyOf(task);
  const pulls = pullsOf(rendered, found, policy);
  if (pulls.length === 0) task.skip('pull', 'every image is on the host');
  else {
    await task.step('pull', async (say) => {
      const warnings = await pullImages(pullContextOf(task), pulls, say);
      for (const message of warnings) say({ message });
    });
  }
  const mustBuild = Object.values(rendered.services).some((service) => service.build !== undefined);
  if (mustBuild) {
    await task.step('build', (say) => {
      attempt.hasTouchedDocker = true; // the built image takes the name of the one before
      return build(task, rendered, policy === 'always', say);
    });
  }
  const isSame = !mustBuild && pulls.length === 0;
  return requireImages(rendered, isSame ? found : await findImages(engine, rendered));
}

const pullContextOf = ({ deps: { engine }, run }: Task): PullContext => ({
  engine,
  logins: run.service.spec.registries ?? [],
  signal: run.signal,
});

/** A redeploy looks for newer images unless it says otherwise. */
function pullPolicyOf({ run: { offer } }: Task): PullPolicy | undefined {
  return offer.pull ?? (offer.kind === 'redeploy' ? 'always' : undefined);
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
    await rollback(task, attempt, good);
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
async function rollback(task: Task, attempt: Attempt, good: Revision): Promise<void> {
  await task.step('rollback', async (say) => {
    say({ message: `putting revision ${good.meta.revision} back` });
    await restoreFolder(task, attempt, good);
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
