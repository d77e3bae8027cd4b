// Plans: list, make, show, change, delete.
import { z } from 'zod';
import type { App } from '../../app/api/app.ts';
import { PLAN_SORTS } from '../../app/api/customers.ts';
import { callerOf } from '../auth.ts';
import type { Http } from '../http.ts';
import { filterText, fromPaging, idParams, orderField, pagingFields, toPageView } from '../views/page.ts';
import * as view from '../views/plan.ts';
import { writer } from '../writes.ts';

const listQuery = z.strictObject({
  ...pagingFields,
  search: filterText.optional().describe('Part of the name'),
  sort: z.enum(PLAN_SORTS).default('created_at'),
  order: orderField,
});

export function mountPlans(http: Http, app: App): void {
  const write = writer(app.idempotency);
  http.get(
    '/api/plans',
    {
      config: { permission: 'plans.read' },
      schema: { tags: ['plans'], summary: 'List plans', querystring: listQuery, response: { 200: view.planPage } },
    },
    (request) => {
      const { search, sort, order } = request.query;
      const query = { ...fromPaging(request.query), search, sort, order };
      return toPageView(app.plans.list(callerOf(request), query), view.toPlanView);
    },
  );

  http.post(
    '/api/plans',
    {
      config: { permission: 'plans.create' },
      schema: {
        tags: ['plans'],
        summary: 'Create a plan',
        body: view.newPlanBody,
        response: { 201: view.planView },
      },
    },
    (request, reply) =>
      write(request, reply, async (caller) => {
        const made = await app.plans.create(caller, view.fromPlanBody(request.body));
        return { status: 201, body: view.toPlanView(made) };
      }),
  );

  http.get(
    '/api/plans/:id',
    {
      config: { permission: 'plans.read' },
      schema: { tags: ['plans'], summary: 'Get a plan', params: idParams, response: { 200: view.planView } },
    },
    (request) => view.toPlanView(app.plans.require(callerOf(request), request.params.id)),
  );

  http.patch(
    '/api/plans/:id',
    {
      config: { permission: 'plans.update' },
      schema: {
        tags: ['plans'],
        summary: 'Change a plan',
        params: idParams,
        body: view.planChangeBody,
        response: { 200: view.planView },
      },
    },
    (request, reply) =>
      write(request, reply, async (caller) => {
        const changed = await app.plans.update(caller, request.params.id, view.fromPlanBody(request.body));
        return { status: 200, body: view.toPlanView(changed) };
      }),
  );

  http.delete(
    '/api/plans/:id',
    {
      config: { permission: 'plans.delete' },
      schema: {
        tags: ['plans'],
        summary: 'Delete a plan that no customer is on',
        params: idParams,
        response: { 204: z.null() },
      },
    },
    (request, reply) =>
      write(request, reply, async (caller) => {
        await app.plans.remove(caller, request.params.id);
        return { status: 204 };
      }),
  );
}
