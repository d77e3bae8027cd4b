// What the AI says of a commit: kept for as long as the commit stays, asked anew for another one and after a failure.
import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { MAX_GIVEN_VARIABLES, type AiProposal, type AiQuestion } from '#shared/protocol/ai-parts.ts';
import { createMask, secretsOf } from '../../secrets/mask.ts';
import type { Checkout } from '../git/checkouts.ts';
import { listFiles, readBeginning } from '../git/read-repository.ts';
import type { Say, Task } from '../task.ts';
import { describeRepository } from './describe.ts';
import { deployedProposals, type Proposals } from './kept-proposal.ts';
import { composeOf, variablesOf } from './proposal.ts';

/** The compose text of a commit; undefined where nobody can be asked. Sets the job's advice. */
export async function adviseOn(
  task: Task,
  from: Checkout,
  say: Say,
): Promise<{ text: string; origin: string } | undefined> {
  const proposal = await proposalFor(task, from, say);
  if (!proposal) return undefined;
  task.advice = { proposal, variables: variablesOf(proposal, task.run.service.spec.variables) };
  const text = composeOf(proposal);
  return { text, origin: `sources as the AI proposes. ${proposal.reasons.join('. ')}\n${text}` };
}

async function proposalFor(task: Task, { commit, directory }: Checkout, say: Say): Promise<AiProposal | null> {
  const { advice, run, deps, approved } = task;
  const proposals = proposalsOf(task);
  if (approved) {
    if (approved.proposal) await proposals.keep({ commit, proposal: approved.proposal });
    return approved.proposal;
  }
  const kept = advice?.failure ? undefined : await proposals.find(commit);
  if (kept) return kept;
  say({ message: advice?.failure ? `asking the AI again: ${advice.failure.message}` : 'asking the AI how to run it' });
  const previous = advice?.proposal ?? (await proposals.findPrevious());
  const question: AiQuestion = {
    jobId: run.offer.jobId,
    repository: await describe(task, directory),
    variables: Object.keys(run.service.spec.variables).slice(0, MAX_GIVEN_VARIABLES),
    previous: previous
      ? { compose: previous.compose, dockerfile: previous.dockerfile, failure: advice?.failure ?? null }
      : null,
  };
  const proposal = await deps.askAi(question, run.signal);
  if (proposal) await proposals.keep({ commit, proposal });
  return proposal;
}

/** Those of a deploy, unless the task only tries things. */
export const proposalsOf = ({ proposals, workspace, deps, run }: Task): Proposals =>
  proposals ?? deployedProposals({ workspace, dataDir: deps.dataDir, spec: run.service.spec });

async function describe({ run }: Task, directory: string): Promise<AiQuestion['repository']> {
  const mask = createMask(secretsOf(run.service.spec));
  const files = {
    paths: await listFiles(directory),
    sizeOf: async (path: string) => (await lstat(join(directory, path))).size,
    read: (path: string, limitBytes: number) => readBeginning(join(directory, path), limitBytes),
  };
  return describeRepository(files, (text) => mask?.text(text) ?? text);
}
