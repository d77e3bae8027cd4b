// Sets of services: list, show, change, redeploy, remove. They are made where services are, by POST /api/services.
import { z } from 'zod';
import type { App } from '../../app/api/app.ts';
import { SET_SORTS } from '../../app/api/service-sets.ts';
import { callerOf } from '../auth.ts';
import type { Http } from '../http.ts';
import { filterText, fromPaging, idParams, orderField, pagingFields, toPageView } from '../views/page.ts';
import * as view from '../views/service-set.ts';
import { writer } from '../writes.ts';
import { waitQuery } from './service-actions.ts';

const TAGS = ['service-sets'];

const listQuery = z.strictObject({
  ...pagingFields,
  customer_id: filterText.optional().describe('Only those of this customer'),
  search: filterText.optional().describe('Part of the name'),
  sort: z.enum(SET_SORTS).default('created_at'),
  order: orderField,
});

export function mountServiceSets(http: Http, app: App): void {
  const write = writer(app.idempotency);
  http.get(
    '/api/service-sets',
    {
      config: { permission: 'services.read' },
      schema: {
        tags: TAGS,
        summary: 'List service sets',
        description: 'A key that is bound to host labels sees the sets that can only come to hosts it sees.',
        querystring: listQuery,
        response: { 200: view.setPage },
      },
    },
    (request) => {
      const { customer_id: customerId, search, sort, order } = request.query;
      const query = { ...fromPaging(request.query), customerId, search, sort, order };
      return toPageView(app.sets.list(callerOf(request), query), view.toSetView);
    },
  );

  http.get(
    '/api/service-sets/:id',
    {
      config: { permission: 'services.read' },
      schema: {
        tags: TAGS,
        summary: 'Get a service set with its members',
        params: idParams,
        response: { 200: view.setDetailView },
      },
    },
    (request) => view.toSetDetailView(app.sets.detail(callerOf(request), request.params.id)),
  );

  http.patch(
    '/api/service-sets/:id',
    {
      config: { permission: 'services.update', limit: 'deploy' },
      schema: {
        tags: TAGS,
        summary: 'Change a service set, and roll the change out',
        description:
          'One host first, then at most `max_parallel` at a time; it halts at the first member that fails. A rollout that ' +
          'is under way is superseded.',
        params: idParams,
        body: view.setChangeBody,
        response: { 200: view.changedSetView },
      },
    },
    (request, reply) =>
      write(request, reply, async (caller) => {
        const change = view.fromSetChangeBody(request.body);
        const { set, rolloutId } = await app.sets.update(caller, request.params.id, change);
        return { status: 200, body: { ...view.toSetDetailView(set), rollout_id: rolloutId } };
      }),
  );

  http.post(
    '/api/service-sets/:id/redeploy',
    {
      config: { permission: 'services.update', limit: 'deploy' },
      schema: {
        tags: TAGS,
        summary: 'Pull the latest images and deploy every member again, in waves',
        params: idParams,
        body: view.redeploySetBody,
        response: { 200: view.redeployedSetView },
      },
    },
    (request, reply) =>
      write(request, reply, async (caller) => {
        const { set, rolloutId } = await app.sets.redeploy(caller, request.params.id, request.body?.pull);
        return { status: 200, body: { id: set.id, state: set.state, rollout_id: rolloutId } };
      }),
  );

  http.delete(
    '/api/service-sets/:id',
    {
      config: { permission: 'services.delete' },
      schema: {
        tags: TAGS,
        summary: 'Delete a service set with all its members and their data',
        description: 'Every host is told at once. The set is gone when its last member is.',
        params: idParams,
        querystring: waitQuery,
        response: { 202: view.removingSetView, 204: z.null() },
      },
    },
    (request, reply) =>
      write(request, reply, async (caller) => {
        const { id } = request.params;
        const { rolloutId, isDone } = await app.sets.remove(caller, id, request.query.wait * 1000);
        return isDone ? { status: 204 } : { status: 202, body: { id, rollout_id: rolloutId } };
      }),
  );
}
