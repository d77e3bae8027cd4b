// Puts an earlier revision back, exactly: its files, its images by id or digest, its rendered file; nothing is read anew.
// It becomes the newest revision, so that the history grows and can be gone back in.
import { LongshoreError } from '#shared/errors.ts';
import { expectedAfter, snapshotOf } from '../../drift/snapshot.ts';
import { checkHost } from '../attempt.ts';
import { apply, awaitReady, standingOf } from '../execute.ts';
import { haveImages, pullContextOf, restoreImages } from '../images.ts';
import type { JobOutcome } from '../job-run.ts';
import { planDeploy, printPlan } from '../plan/plan.ts';
import { unstampRendered } from '../rendered.ts';
import { loadRevision, recordRevision, type Revision, type RevisionMeta } from './revisions.ts';
import type { Task } from '../task.ts';
import { undoneOnFailure, type Attempt } from '../undo.ts';

export const rollback = (task: Task): Promise<JobOutcome> =>
  undoneOnFailure(task, async (attempt, good) => {
    const target = await requireTarget(task);
    await prepare(task, attempt, target, good);
    await decide(task, attempt, target);
    await bringImages(task, target.meta);
    await task.step('apply', (say) => {
      attempt.hasTouchedDocker = true;
      return apply(task, target.rendered, say);
    });
    const containers = await task.step('wait', (say) => awaitReady(task, target.rendered, say));
    const meta = { ...metaOf(task, target), ...standingOf(containers), plan: attempt.plan ?? [] };
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
async function decide(task: Task, attempt: Attempt, { rendered, meta }: Revision): Promise<void> {
  const { containers } = await task.step('check', () => checkHost(task, unstampRendered(rendered)));
  const made = await task.workspace.loadRendered();
  const imageIds = Object.fromEntries(Object.entries(meta.images).map(([service, { id }]) => [service, id]));
  attempt.plan = planDeploy({ desired: rendered, made, containers, imageIds });
  const printed = printPlan(attempt.plan);
  await task.step('plan', async (say) => say({ message: printed }));
}

async function bringImages(task: Task, { images }: RevisionMeta): Promise<void> {
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
