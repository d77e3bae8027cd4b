// The proposal that a service's commit is deployed by, on its host: asked once, so that the same commit is the same
// service, after a crash and at the next redeploy too. Whoever reads it back judges it like a new one.
import { rm } from 'node:fs/promises';
import * as z from 'zod';
import { aiProposal } from '#shared/protocol/ai-parts.ts';
import { readIfThere, writeAtomic, type Workspace } from '../workspace.ts';

const SECRET_MODE = 0o600;

const kept = () => z.object({ commit: z.string(), proposal: aiProposal() });
export type KeptProposal = z.infer<ReturnType<typeof kept>>;

const fileIn = (workspace: Workspace): string => workspace.path('proposal.json');

export async function keepProposal(workspace: Workspace, proposal: KeptProposal): Promise<void> {
  await writeAtomic(fileIn(workspace), `${JSON.stringify(proposal, undefined, 2)}\n`, SECRET_MODE);
}

/** Undefined when there is none, and when somebody broke the file. */
export async function loadProposal(workspace: Workspace): Promise<KeptProposal | undefined> {
  const text = await readIfThere(fileIn(workspace));
  try {
    return text === undefined ? undefined : kept().safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** One that has failed is not tried again. Already gone is fine. */
export const forgetProposal = (workspace: Workspace): Promise<void> => rm(fileIn(workspace), { force: true });
