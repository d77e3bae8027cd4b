// What waits for review: show, approve, reject.
import { z } from 'zod';
import type { App } from '../../app/api/app.ts';
import { callerOf } from '../auth.ts';
import type { Http } from '../http.ts';
import { idParams } from '../views/page.ts';
import { proposalBody, proposalView, toProposalView } from '../views/proposal.ts';
import { writer } from '../writes.ts';
import { redeployView } from './service-actions.ts';

export function mountProposals(http: Http, app: App): void {
  const write = writer(app.idempotency);
  http.get(
    '/api/services/:id/proposal',
    {
      config: { permission: 'services.read' },
      schema: {
        tags: ['proposals'],
        summary: 'Get what waits for review',
        description:
          'Of a service by AI whose deploys stop at their plan; secrets are hidden. Its host must be connected.',
        params: idParams,
        response: { 200: proposalView },
      },
    },
    (request) => app.proposals.detail(callerOf(request), request.params.id).then(toProposalView),
  );

  http.post(
    '/api/services/:id/proposal/approve',
    {
      config: { permission: 'services.update', limit: 'deploy', action: 'services.proposal.approve' },
      schema: {
        tags: ['proposals'],
        summary: 'Deploy what waits for review',
        description:
          'Exactly what was shown, its commit included. 409 state_conflict when another proposal waits, or when this one ' +
          'would do anything else by now. Should it fail, no other proposal is tried.',
        params: idParams,
        body: proposalBody,
        response: { 200: redeployView },
      },
    },
    (request, reply) =>
      write(request, reply, async (caller) => {
        const { proposal_id: proposalId } = request.body;
        const { service, job } = await app.proposals.approve(caller, request.params.id, proposalId);
        return { status: 200, body: { id: service.id, status: service.lifecycle, deploy_job_id: job.id } };
      }),
  );

  http.post(
    '/api/services/:id/proposal/reject',
    {
      config: { permission: 'services.update', action: 'services.proposal.reject' },
      schema: {
        tags: ['proposals'],
        summary: 'Drop what waits for review',
        description: 'What runs goes on. The next deploy asks the AI anew, also about the same commit.',
        params: idParams,
        body: proposalBody,
        response: { 204: z.null() },
      },
    },
    (request, reply) =>
      write(request, reply, async (caller) => {
        await app.proposals.reject(caller, request.params.id, request.body.proposal_id);
        return { status: 204 };
      }),
  );
}
