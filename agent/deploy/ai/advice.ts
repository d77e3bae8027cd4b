// What the AI says of a commit: kept for as long as the commit stays, asked anew for another one and after a failure.
import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { MAX_GIVEN_VARIABLES, type AiProposal, type AiQuestion } from '#shared/protocol/ai-parts.ts';
import { createMask, secretsOf } from '../../secrets/mask.ts';
import type { Checkout } from '../git/checkouts.ts';
import { listFiles, readBeginning } from '../git/read-repository.ts';
import type { Say, Task } from '../task.ts';
import { describeRepository } from './describe.ts';
import { keepProposal, loadProposal } from './kept-proposal.ts';
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
  const { advice, workspace, run, deps } = task;
  const kept = await loadProposal(workspace);
  if (kept?.commit === commit && !advice?.failure) return kept.proposal;
  say({ message: advice?.failure ? `asking the AI again: ${advice.failure.message}` : 'asking the AI how to run it' });
  const previous = advice?.proposal ?? kept?.proposal;
  const question: AiQuestion = {
    jobId: run.offer.jobId,
    repository: await describe(task, directory),
    variables: Object.keys(run.service.spec.variables).slice(0, MAX_GIVEN_VARIABLES),
    previous: previous
      ? { compose: previous.compose, dockerfile: previous.dockerfile, failure: advice?.failure ?? null }
      : null,
  };
  const proposal = await deps.askAi(question, run.signal);
  if (proposal) await keepProposal(workspace, { commit, proposal });
  return proposal;
}

async function describe({ run }: Task, directory: string): Promise<AiQuestion['repository']> {
  const mask = createMask(secretsOf(run.service.spec));
  const files = {
    paths: await listFiles(directory),
    sizeOf: async (path: string) => (await lstat(join(directory, path))).size,
    read: (path: string, limitBytes: number) => readBeginning(join(directory, path), limitBytes),
  };
  return describeRepository(files, (text) => mask?.text(text) ?? text);
}
