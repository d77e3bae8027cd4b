// What waits for review, as the API shows it.
import { z } from 'zod';
import { toRfc3339 } from '#shared/time.ts';
import type { Proposal } from '../../app/api/proposals.ts';
import { aiProposalView, plannedFields, toAiProposalView, toPlannedFields } from './deploy-plan.ts';
import { timestamp } from './page.ts';

const proposalId = z.string().meta({
  description: 'Names what is shown here: another proposal, or the same on a host that has changed, has another',
  example: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
});

export const proposalView = z
  .object({
    proposal_id: proposalId,
    job_id: z.string().meta({ description: 'That made it: its log says how', example: 'job_xyz456' }),
    made_at: timestamp,
    compose: z.string().meta({ description: 'What would be deployed, a proposed Dockerfile in it' }),
    diff: z.string().meta({
      description: 'A unified diff from what runs to that; empty when it is the same',
      example:
        '--- a/compose.yaml\n+++ b/compose.yaml\n@@ -2,2 +2,2 @@\n   web:\n-    image: app:1\n+    image: app:2\n',
    }),
    proposal: aiProposalView,
    plan: z.object(plannedFields).meta({ id: 'PlannedDeploy', description: 'As it was when this was made' }),
  })
  .meta({ id: 'Proposal' });

export const proposalBody = z.strictObject({
  proposal_id: z.string().min(1).max(128).meta({
    description: 'Of the proposal that was read: 409 state_conflict when it is another by now',
  }),
});

export const toProposalView = (proposal: Proposal): z.infer<typeof proposalView> => ({
  proposal_id: proposal.id,
  job_id: proposal.jobId,
  made_at: toRfc3339(proposal.madeAt),
  compose: proposal.compose,
  diff: proposal.diff,
  proposal: toAiProposalView(proposal.plan.proposal),
  plan: toPlannedFields(proposal.plan),
});
