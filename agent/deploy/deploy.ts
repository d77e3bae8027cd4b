// A deploy from end to end, as DESIGN's story has it:
//
//   prepare ─▶ normalise ─▶ check ─▶ plan ─▶ pull ─▶ build ─▶ apply ─▶ wait ─▶ record
//                                                             └──────┴─ failed ─▶ rollback (see undo.ts)
//
// Up to `apply` nothing on Docker's side has changed.
import type { PullPolicy } from '#shared/jobs.ts';
import { check, normalise, prepare } from './attempt.ts';
import { awaitReady, build, record } from './execute.ts';
import { findImages, idsOf, pullContextOf, pullImages, pullsOf, requireImages, type FoundImages } from './images.ts';
import { checksOf } from './health-checks.ts';
import type { JobOutcome } from './job-run.ts';
import { planReplacing } from './overlap/order.ts';
import { replace } from './overlap/replace.ts';
import { changesNothing, planNothing, printPlan } from './plan/plan.ts';
import type { Rendered } from './rendered.ts';
import { madeOf } from './revisions/origin.ts';
import { recordRevision, type Revision } from './revisions/revisions.ts';
import type { Task } from './task.ts';
import { unchangedOf, undoneOnFailure, type Attempt } from './undo.ts';
import { isRepeat } from './plan/unchanged.ts';

export const deploy = (task: Task): Promise<JobOutcome> =>
  withApproval(task, () =>
    undoneOnFailure(task, async (attempt, good) => {
      const kept = good && (await keepIfUnchanged(task, good));
      return kept ?? workRepaired(task, () => work(task, attempt, good));
    }),
  );

/** A deploy of what was reviewed takes exactly that; what waits is over with any other good one. */
async function withApproval(task: Task, carryOut: () => Promise<JobOutcome>): Promise<JobOutcome> {
  const { run, workspace } = task;
  if (run.service.spec.method !== 'ai') return carryOut();
  const { dropReview, requireReview } = await import('./ai/review.ts');
  const { approves } = run.offer;
  if (approves !== undefined) task.approved = await requireReview(workspace, approves);
  const outcome = await carryOut();
  // After a crash the same job needs what was approved again: it stays until the next proposal.
  if (!task.approved && outcome.state === 'succeeded') await dropReview(workspace);
  return outcome;
}

/** Loaded when a service first asks for it: most hosts never meet an AI. */
async function workRepaired(task: Task, attempt: () => Promise<void>): Promise<void> {
  if (task.run.service.spec.method !== 'ai') return attempt();
  const { withRepairs } = await import('./ai/repair.ts');
  return withRepairs(task, attempt);
}

/** Done without starting any process. */
async function keepIfUnchanged(task: Task, good: Revision): Promise<JobOutcome | undefined> {
  const { spec } = task.run.service;
  if (!(await isRepeat(task, good, pullPolicyOf(task)))) return undefined;
  // A failure that nobody undid left its own in force, though everything else is as it was.
  task.deps.judgeBy(spec.id, good.meta.healthChecks ?? []);
  const plan = planNothing(good.rendered);
  await task.step('plan', async (say) => say({ message: printPlan(plan) }));
  if (good.meta.revision !== spec.revision) {
    const now = { revision: spec.revision, jobId: task.run.offer.jobId, plan, rollbackOf: undefined };
    const meta = { ...good.meta, ...now };
    await task.step('record', () => recordRevision(task.workspace, { ...good, meta }));
  }
  return { state: 'succeeded', goodRevision: spec.revision, plan, ...unchangedOf(task, { plan }) };
}

async function work(task: Task, attempt: Attempt, good: Revision | undefined): Promise<void> {
  const { engine } = task.deps;
  const sources = await task.step('prepare', (say) => prepare(task, Object.keys(good?.sources.files ?? {}), say));
  attempt.sources = sources;
  const normalised = await task.step('normalise', (say) => normalise(task, say));
  const { rendered, containers } = await task.step('check', () => check(task, normalised));
  attempt.rendered = rendered;
  const made = madeOf(await task.workspace.loadRendered(), good, containers);
  const decide = (images: FoundImages) => {
    const healthChecks = checksOf(task, rendered, images);
    const facts = { desired: rendered, made, containers, good, images, imageIds: idsOf(images), healthChecks };
    return { plan: planReplacing(facts), healthChecks };
  };
  const found = await task.step('plan', async (say) => {
    const images = await findImages(engine, rendered);
    attempt.plan = decide(images).plan;
    say({ message: printPlan(attempt.plan) });
    return images;
  });
  const provided = await provideImages(task, rendered, found, attempt);
  const { plan, healthChecks } = decide(provided); // a pull or a build may have moved a name
  attempt.plan = plan;
  if (good && !changesNothing(plan)) await backUpFirst(task, attempt);
  if (task.run.offer.backupOf !== undefined) await bringBackup(task, rendered);
  await task.step('apply', (say) => {
    attempt.hasTouchedDocker = true;
    task.deps.judgeBy(task.run.service.spec.id, healthChecks);
    return replace(task, { rendered, plan, good }, say);
  });
  const ready = await task.step('wait', (say) => awaitReady(task, rendered, say));
  const outcome = { sources, rendered, containers: ready, plan, healthChecks, before: good?.live };
  await task.step('record', () => record(task, outcome));
}

/** Under an id that a repeat of the job finds again. */
async function backUpFirst(task: Task, attempt: Attempt): Promise<void> {
  const { run, deps } = task;
  const { beforeDeploy, repository } = deps.backups.settingsOf(run.service.spec.id);
  if (!beforeDeploy) return;
  const { takeBackup } = await import('../backup/backup.ts');
  const id = `bkp_${run.offer.jobId.slice('job_'.length)}`;
  const { summary } = await takeBackup(task, id, repository);
  attempt.backupBefore = { id, repositoryId: repository?.id ?? null, summary };
}

/** A service that is made from a backup of another one. */
async function bringBackup(task: Task, rendered: Rendered): Promise<void> {
  const { bringData } = await import('../backup/bring.ts');
  await bringData(task, rendered);
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

/** A redeploy looks for newer images unless it says otherwise. */
function pullPolicyOf({ run: { offer } }: Task): PullPolicy | undefined {
  return offer.pull ?? (offer.kind === 'redeploy' ? 'always' : undefined);
}
