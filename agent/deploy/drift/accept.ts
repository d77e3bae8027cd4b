// Makes what lives now the new revision. No container is touched: they count as taken over, as an adoption does it, so
// that the next deploy keeps them although Compose's own labels say that they were made from another file.
import { requireAllowed } from '#shared/compose/policy.ts';
import { LongshoreError } from '#shared/errors.ts';
import type { PlanStep } from '#shared/jobs.ts';
import { draftAccepted } from '../../drift/draft.ts';
import { recordAsIs } from '../adoption/adopt.ts';
import { complete, dockerFacts, judge, normalise, prepare } from '../attempt.ts';
import type { JobOutcome } from '../job-run.ts';
import { requireLimited } from '../limits.ts';
import { levelsOf, type Rendered } from '../rendered.ts';
import type { Revision } from '../revisions/revisions.ts';
import type { Task } from '../task.ts';

export async function accept(task: Task): Promise<JobOutcome> {
  const good = await task.step('check', () => requireAsDrafted(task));
  try {
    return await take(task, good);
  } catch (error) {
    await task.workspace.write(good.sources);
    await task.workspace.writeRendered(good.rendered);
    throw error;
  }
}

/** Somebody may have been at the containers since the file was drafted. */
async function requireAsDrafted({ deps, run: { service } }: Task): Promise<Revision> {
  const { compose, good } = await draftAccepted(deps, service);
  if (compose === service.spec.compose) return good;
  throw new LongshoreError('state_conflict', {
    message: `The containers of "${service.spec.name}" have changed again meanwhile`,
    details: 'Look at the drift again, then decide.',
  });
}

async function take(task: Task, good: Revision): Promise<JobOutcome> {
  const { deps, run, workspace } = task;
  const sources = await task.step('prepare', (say) => prepare(task, Object.keys(good.sources.files), say));
  const rendered = await task.step('normalise', async (say): Promise<Rendered> => {
    const normalised = await normalise(task, say);
    requireAllowed(judge(task, { root: normalised, services: normalised.services }, 'normalised'));
    return complete(task, normalised, (await dockerFacts(task)).cpus);
  });
  const containers = await deps.engine.listProject(workspace.name);
  requireLimited(containers, rendered, run.service.spec.limits);
  const plan = levelsOf(rendered)
    .flat()
    .map((service): PlanStep => {
      return { service, action: 'keep', reason: 'accepted as it is' };
    });
  await task.step('record', () => recordAsIs(task, { sources, rendered, containers, plan }));
  return { state: 'succeeded', goodRevision: run.service.spec.revision, plan };
}
