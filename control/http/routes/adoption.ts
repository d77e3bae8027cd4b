// What runs on a host, also what Longshore did not start, and making a service of it.
import { z } from 'zod';
import type { FindQuery } from '../../app/api/adoption.ts';
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

const toQuery = (query: z.infer<typeof listQuery>): FindQuery => ({
  ...fromPaging(query),
  search: query.search,
  order: query.order,
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
    (request) =>
      app.adoption
        .finds(callerOf(request), request.params.id, toQuery(request.query))
        .then((page) => toPageView(page, view.toFindView)),
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
    (request) =>
      app.adoption
        .containers(callerOf(request), request.params.id, toQuery(request.query))
        .then((page) => toPageView(page, view.toHostContainerView)),
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
