// What runs on a host, also what Longshore did not start, and making a service of it.
import { z } from 'zod';
import type { App } from '../../app/api/app.ts';
import { callerOf } from '../auth.ts';
import type { Http } from '../http.ts';
import * as view from '../views/adoption.ts';
import { filterText, fromPaging, idParams, orderField, pagingFields, toPageView } from '../views/page.ts';
import { createdServiceView } from '../views/service.ts';
import { writer } from '../writes.ts';
import { toCreatedAnswer } from './services.ts';

const listQuery = z.strictObject({
  ...pagingFields,
  search: filterText.optional().describe('Part of the name'),
  sort: z.literal('name').default('name'),
  order: orderField,
});

export function mountAdoption(http: Http, app: App): void {
  const write = writer(app.idempotency);
  http.get(
    '/api/hosts/:id/projects',
    {
      config: { permission: 'hosts.read' },
      schema: {
        tags: ['hosts'],
        summary: 'List what runs on a host that no service has',
        description: 'Compose projects, and containers that belong to none. The host must be connected.',
        params: idParams,
        querystring: listQuery,
        response: { 200: view.findPage },
      },
    },
    async (request) => {
      const { search, order } = request.query;
      const query = { ...fromPaging(request.query), search, order };
      return toPageView(await app.adoption.finds(callerOf(request), request.params.id, query), view.toFindView);
    },
  );

  http.get(
    '/api/hosts/:id/containers',
    {
      config: { permission: 'hosts.read' },
      schema: {
        tags: ['hosts'],
        summary: 'List all containers of a host',
        description: 'Those of services and all others. The host must be connected.',
        params: idParams,
        querystring: listQuery,
        response: { 200: view.hostContainerPage },
      },
    },
    async (request) => {
      const { search, order } = request.query;
      const query = { ...fromPaging(request.query), search, order };
      const found = await app.adoption.containers(callerOf(request), request.params.id, query);
      return toPageView(found, view.toHostContainerView);
    },
  );

  http.post(
    '/api/hosts/:id/adopt',
    {
      config: { permission: 'services.create', limit: 'deploy' },
      schema: {
        tags: ['hosts'],
        summary: 'Make a service of what runs on a host, as it runs',
        description:
          'No container is stopped, restarted or made anew. The service is there at once; should its job fail, it is gone ' +
          'again. The host must be connected.',
        params: idParams,
        body: view.adoptionBody,
        response: { 201: createdServiceView },
      },
    },
    (request, reply) =>
      write(request, reply, async (caller) => {
        const input = view.fromAdoptionBody(request.body);
        return toCreatedAnswer(app, caller, await app.adoption.adopt(caller, request.params.id, input));
      }),
  );
}
