// Registry logins: list, add, change, remove.
import { z } from 'zod';
import type { App } from '../../app/api/app.ts';
import { callerOf } from '../auth.ts';
import type { Http } from '../http.ts';
import { fromPaging, idParams, toPageView } from '../views/page.ts';
import * as view from '../views/registry.ts';
import { writer } from '../writes.ts';

export function mountRegistries(http: Http, app: App): void {
  const write = writer(app.idempotency);
  http.get(
    '/api/registries',
    {
      config: { permission: 'registries.read' },
      schema: {
        tags: ['registries'],
        summary: 'List registry logins',
        querystring: view.registryQuery,
        response: { 200: view.registryPage },
      },
    },
    (request) => {
      const { customer_id: customerId, search, sort, order } = request.query;
      const query = { ...fromPaging(request.query), customerId, search, sort, order };
      return toPageView(app.registries.list(callerOf(request), query), view.toRegistryView);
    },
  );

  http.get(
    '/api/registries/:id',
    {
      config: { permission: 'registries.read' },
      schema: {
        tags: ['registries'],
        summary: 'Get a registry login',
        params: idParams,
        response: { 200: view.registryView },
      },
    },
    (request) => view.toRegistryView(app.registries.require(callerOf(request), request.params.id)),
  );

  http.post(
    '/api/registries',
    {
      config: { permission: 'registries.create' },
      schema: {
        tags: ['registries'],
        summary: 'Add a login for a registry',
        description: 'Hosts use it for the images of services of the same customer, from the next deploy on.',
        body: view.newRegistryBody,
        response: { 201: view.registryView },
      },
    },
    (request, reply) =>
      write(request, reply, async (caller) => {
        const registry = await app.registries.create(caller, view.fromNewRegistryBody(request.body));
        return { status: 201, body: view.toRegistryView(registry) };
      }),
  );

  http.patch(
    '/api/registries/:id',
    {
      config: { permission: 'registries.update' },
      schema: {
        tags: ['registries'],
        summary: 'Change a registry login',
        description: 'Counts from the next deploy on.',
        params: idParams,
        body: view.registryChangeBody,
        response: { 200: view.registryView },
      },
    },
    (request, reply) =>
      write(request, reply, async (caller) => {
        const registry = await app.registries.update(caller, request.params.id, request.body);
        return { status: 200, body: view.toRegistryView(registry) };
      }),
  );

  http.delete(
    '/api/registries/:id',
    {
      config: { permission: 'registries.delete' },
      schema: {
        tags: ['registries'],
        summary: 'Delete a registry login; what runs stays',
        params: idParams,
        response: { 204: z.null() },
      },
    },
    (request, reply) =>
      write(request, reply, async (caller) => {
        await app.registries.remove(caller, request.params.id);
        return { status: 204 };
      }),
  );
}
