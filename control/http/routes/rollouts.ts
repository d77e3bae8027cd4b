// Rollouts of a service set: list, show, go on with one, end one.
import { z } from 'zod';
import type { App } from '../../app/api/app.ts';
import { ROLLOUT_STATES } from '../../app/api/service-sets.ts';
import { callerOf } from '../auth.ts';
import type { Http } from '../http.ts';
import { fromPaging, idParams, newestFirst, pagingFields, toPageView } from '../views/page.ts';
import * as view from '../views/rollout.ts';
import { writer } from '../writes.ts';
import { noBody } from './service-actions.ts';

const TAGS = ['service-sets'];

const listQuery = z.strictObject({
  ...pagingFields,
  state: z.enum(ROLLOUT_STATES).optional().describe('Only those in this state'),
  sort: z.literal('created_at').default('created_at'),
  order: newestFirst,
});

const ACTS = {
  resume: 'Go on with a halted rollout, those that failed first',
  cancel: 'End a rollout: who had no turn keeps what it has',
} as const;

export function mountRollouts(http: Http, app: App): void {
  const write = writer(app.idempotency);
  http.get(
    '/api/service-sets/:id/rollouts',
    {
      config: { permission: 'services.read' },
      schema: {
        tags: TAGS,
        summary: 'List the last rollouts of a service set',
        params: idParams,
        querystring: listQuery,
        response: { 200: view.rolloutPage },
      },
    },
    (request) => {
      const { state, order } = request.query;
      const query = { ...fromPaging(request.query), state, order };
      return toPageView(app.sets.rollouts(callerOf(request), request.params.id, query), view.toRolloutView);
    },
  );

  http.get(
    '/api/service-sets/:id/rollouts/:rollout_id',
    {
      config: { permission: 'services.read' },
      schema: {
        tags: TAGS,
        summary: 'Get a rollout with its waves',
        params: view.rolloutParams,
        response: { 200: view.rolloutDetailView },
      },
    },
    (request) => {
      const { id, rollout_id: rolloutId } = request.params;
      return view.toRolloutDetailView(app.sets.rollout(callerOf(request), id, rolloutId));
    },
  );

  for (const act of ['resume', 'cancel'] as const) {
    http.post(
      `/api/service-sets/:id/rollouts/:rollout_id/${act}`,
      {
        config: { permission: 'services.update', ...(act === 'resume' && { limit: 'deploy' as const }) },
        schema: {
          tags: TAGS,
          summary: ACTS[act],
          params: view.rolloutParams,
          body: noBody,
          response: { 200: view.rolloutDetailView },
        },
      },
      (request, reply) =>
        write(request, reply, async (caller) => {
          const { id, rollout_id: rolloutId } = request.params;
          const rollout = await app.sets[act](caller, id, rolloutId);
          return { status: 200, body: view.toRolloutDetailView(rollout) };
        }),
    );
  }
}
