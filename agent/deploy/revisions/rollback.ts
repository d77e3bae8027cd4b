// Puts an earlier revision back, exactly: its files, its images by id or digest, its rendered file; nothing is read anew.
// It becomes the newest revision, so that the history grows and can be gone back in.
import { LongshoreError } from '#shared/errors.ts';
import type { PlanStep } from '#shared/jobs.ts';
import type { Container } from '../../docker/engine.ts';
import { expectedAfter, snapshotOf } from '../../drift/snapshot.ts';
import { checkHost } from '../attempt.ts';
import { awaitReady, standingOf } from '../execute.ts';
import { requireMayRun } from '../health-checks.ts';
import { findRecorded, haveImages, pullContextOf, restoreImages } from '../images.ts';
import type { JobOutcome } from '../job-run.ts';
import { planReplacing } from '../overlap/order.ts';
import { replace } from '../overlap/replace.ts';
import { printPlan } from '../plan/plan.ts';
import { unstampRendered } from '../rendered.ts';
import { madeOf } from './origin.ts';
import { loadRevision, recordRevision, type Revision, type RevisionMeta } from './revisions.ts';
import type { Task } from '../task.ts';
import { undoneOnFailure, type Attempt } from '../undo.ts';

export const rollback = (task: Task): Promise<JobOutcome> =>
  undoneOnFailure(task, async (attempt, good) => {
    const target = await requireTarget(task);
    await prepare(task, attempt, target, good);
    const containers = await check(task, target);
    const plan = await decide(task, { target, good, containers });
    attempt.plan = plan;
    await bringImages(task, target.meta);
    await task.step('apply', (say) => {
      attempt.hasTouchedDocker = true;
      task.deps.judgeBy(task.run.service.spec.id, target.meta.healthChecks ?? []);
      return replace(task, { rendered: target.rendered, plan, good }, say);
    });
    const ready = await task.step('wait', (say) => awaitReady(task, target.rendered, say));
    const meta = { ...metaOf(task, target), ...standingOf(ready), plan };
    await task.step('record', async () => {
      const live = expectedAfter(good?.live, snapshotOf(await task.deps.engine.describeProject(task.workspace.name)));
      await recordRevision(task.workspace, { ...target, meta, live });
    });
  });

async function requireTarget({ run, workspace }: Task): Promise<Revision> {
  const { rollbackTo } = run.offer;
  const target = rollbackTo === undefined ? undefined : await loadRevision(workspace, rollbackTo);
  if (target?.meta.serviceId === run.service.spec.id) return target;
  throw new LongshoreError('state_conflict', {
    message: `The host does not keep revision ${rollbackTo ?? '?'} of "${workspace.name}"`,
  });
}

async function prepare(task: Task, attempt: Attempt, target: Revision, good: Revision | undefined): Promise<void> {
  await task.step('prepare', async (say) => {
    say({ message: `putting revision ${target.meta.revision} back` });
    await task.workspace.write(target.sources, Object.keys(good?.sources.files ?? {}));
  });
  attempt.sources = target.sources;
  attempt.rendered = target.rendered;
}

/** The policy of the host may be another one than then. */
async function check(task: Task, { rendered, meta }: Revision): Promise<Container[]> {
  const { containers } = await task.step('check', () => {
    requireMayRun(task, meta.healthChecks ?? []);
    return checkHost(task, unstampRendered(rendered));
  });
  return containers;
}

interface Situation {
  target: Revision;
  good: Revision | undefined;
  containers: readonly Container[];
}

function decide(task: Task, { target, good, containers }: Situation): Promise<PlanStep[]> {
  return task.step('plan', async (say) => {
    const { rendered, meta } = target;
    const made = madeOf(await task.workspace.loadRendered(), good, containers);
    const images = await findRecorded(task.deps.engine, meta.images);
    const imageIds = Object.fromEntries(Object.entries(meta.images).map(([service, { id }]) => [service, id]));
    const { healthChecks = [] } = meta;
    const plan = planReplacing({ desired: rendered, made, good, containers, images, imageIds, healthChecks });
    say({ message: printPlan(plan) });
    return plan;
  });
}

export async function bringImages(task: Task, { images }: Pick<RevisionMeta, 'images'>): Promise<void> {
  if (await haveImages(task.deps.engine, images)) return task.skip('pull', 'every image is on the host');
  await task.step('pull', () => restoreImages(pullContextOf(task), images));
}

/** Made from the same as the one that is put back: whoever deploys that again finds nothing to do. */
const metaOf = ({ run, deps }: Task, { meta }: Revision): RevisionMeta => ({
  ...meta,
  revision: run.service.spec.revision,
  jobId: run.offer.jobId,
  rollbackOf: meta.revision,
  recordedAt: deps.clock.now(),
});
