// Works out a deploy and stops: what would happen is kept beside the service for somebody to review. Nothing is pulled,
// built or started, and what runs goes on; only the commit is fetched to where the deploy will find it.
import { requireAllowed } from '#shared/compose/policy.ts';
import { LongshoreError, type ErrorCode } from '#shared/errors.ts';
import { hideIn } from '../../secrets/hide.ts';
import { secretsOf } from '../../secrets/mask.ts';
import { hideSecrets } from '../ai/hide-secrets.ts';
import { plannedProposals } from '../ai/kept-proposal.ts';
import { keepReview, type Review } from '../ai/review.ts';
import type { JobOutcome } from '../job-run.ts';
import { loadRevision } from '../revisions/revisions.ts';
import { Task } from '../task.ts';
import { fetchInto, look, type Looked } from './look.ts';
import { withScratch } from './scratch.ts';

/** What another answer might do better. */
const REFUSED: readonly ErrorCode[] = ['compose_policy', 'compose_invalid'];

export async function propose(task: Task): Promise<JobOutcome> {
  const { run, deps, workspace } = task;
  const { spec, goodRevision } = run.service;
  const secrets = [...secretsOf(spec), ...deps.services.secretsOf(spec.id)];
  const proposals = plannedProposals({ workspace, dataDir: deps.dataDir, spec });
  try {
    const looked = await withScratch(deps.dataDir, (dataDir) => {
      const scratch = new Task({ ...deps, dataDir }, run);
      scratch.proposals = proposals;
      const { pull } = run.offer;
      const step: Task['step'] = (name, work) => task.step(name, work);
      return look({ real: task, scratch, pull, secrets, step, fetch: fetchInto(task), refuse: requireAllowed });
    });
    const review = await toReview(task, looked, secrets);
    await keepReview(workspace, review);
    const plan = looked.plan.services.map(({ fields: _fields, ...step }) => step);
    const { commit, waiting } = review;
    return { state: 'succeeded', goodRevision, plan, proposal: { id: waiting.id, commit } };
  } catch (error) {
    const isRefused = error instanceof LongshoreError && REFUSED.includes(error.code);
    if (isRefused && task.checkout) await proposals.forget(task.checkout.commit);
    throw error;
  }
}

async function toReview(
  { run, deps, workspace, advice, checkout }: Task,
  { plan, sources }: Looked,
  secrets: readonly string[],
): Promise<Review> {
  const { goodRevision } = run.service;
  const good = goodRevision === null ? undefined : await loadRevision(workspace, goodRevision);
  const hide = hideIn(secrets);
  const showFile = (text: string) => hide(hideSecrets(text)); // of a repository: what it has committed is no AI's word
  return {
    commit: checkout?.commit ?? '',
    proposal: advice?.proposal ?? null,
    waiting: {
      id: plan.digest,
      jobId: run.offer.jobId,
      madeAt: deps.clock.now(),
      compose: (advice ? hide : showFile)(sources?.compose ?? ''),
      runs: good ? showFile(good.sources.compose) : null,
      plan,
    },
  };
}
