// What waits for review in a service's folder: a deploy that was worked out and shown, and is done only when somebody
// approves it. There is one at most; the next one takes its place.
import { mkdir, rm } from 'node:fs/promises';
import * as z from 'zod';
import { LongshoreError } from '#shared/errors.ts';
import { aiProposal } from '#shared/protocol/ai-parts.ts';
import { waitingProposal } from '#shared/protocol/deploy-parts.ts';
import { readIfThere, writeAtomic, type Workspace } from '../workspace.ts';

const SECRET_MODE = 0o600;

const review = () =>
  z.object({
    commit: z.string(),
    /** Null: the repository's own files, there was no AI to ask. */
    proposal: aiProposal().nullable(),
    waiting: waitingProposal(),
  });
export type Review = z.infer<ReturnType<typeof review>>;

const fileIn = (workspace: Workspace): string => workspace.path('review.json');

export async function keepReview(workspace: Workspace, kept: Review): Promise<void> {
  await mkdir(workspace.directory, { recursive: true, mode: 0o700 });
  await writeAtomic(fileIn(workspace), `${JSON.stringify(kept, undefined, 2)}\n`, SECRET_MODE);
}

/** Undefined when nothing waits, and when somebody broke the file. */
export async function loadReview(workspace: Workspace): Promise<Review | undefined> {
  const text = await readIfThere(fileIn(workspace));
  try {
    return text === undefined ? undefined : review().safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** Throws `state_conflict` when another one waits, or none. */
export async function requireReview(workspace: Workspace, id: string): Promise<Review> {
  const found = await loadReview(workspace);
  if (found?.waiting.id === id) return found;
  throw new LongshoreError('state_conflict', {
    message: `The proposal for "${workspace.name}" that was approved does not wait any more`,
  });
}

/** Already gone is fine. */
export const dropReview = (workspace: Workspace): Promise<void> => rm(fileIn(workspace), { force: true });
