// Plans of deploys: what would happen, with nothing happening.
import type { App } from '../../app/api/app.ts';
import type { Http } from '../http.ts';
import { deployPlanView, planChangeBody, toDeployPlanView } from '../views/deploy-plan.ts';
import { fromNewServiceBody, newServiceBody } from '../views/new-service.ts';
import { idParams } from '../views/page.ts';
import { fromServiceChangeBody } from '../views/service-change.ts';
import { writer } from '../writes.ts';

export function mountDeployPlans(http: Http, app: App): void {
  const write = writer(app.idempotency);
  http.post(
    '/api/services/plan',
    {
      config: { permission: 'services.create', limit: 'deploy' },
      schema: {
        tags: ['services'],
        summary: 'Show what creating a service would do',
        description: 'Nothing is made. Errors are those of the create, but what the policy refuses is listed.',
        body: newServiceBody,
        response: { 200: deployPlanView },
      },
    },
    (request, reply) =>
      write(request, reply, async (caller) => {
        const plan = await app.deployPlans.planNew(caller, fromNewServiceBody(request.body));
        return { status: 200, body: toDeployPlanView(plan) };
      }),
  );

  http.post(
    '/api/services/:id/plan',
    {
      config: { permission: 'services.update', limit: 'deploy' },
      schema: {
        tags: ['services'],
        summary: 'Show what a change or a redeploy would do',
        description:
          'Nothing is changed. Sent with that change or redeploy within 10 minutes, `plan_id` makes it a 409 ' +
          'state_conflict should it be another by then.',
        params: idParams,
        body: planChangeBody,
        response: { 200: deployPlanView },
      },
    },
    (request, reply) =>
      write(request, reply, async (caller) => {
        const { pull, ...change } = request.body ?? {};
        const plan = await app.deployPlans.planChange(caller, request.params.id, fromServiceChangeBody(change), pull);
        return { status: 200, body: toDeployPlanView(plan) };
      }),
  );
}
