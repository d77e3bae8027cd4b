// Shared variables: list, add, show, change, remove.
import { z } from 'zod';
import type { App } from '../../app/api/app.ts';
import { callerOf } from '../auth.ts';
import type { Http } from '../http.ts';
import { fromPaging, idParams, toPageView } from '../views/page.ts';
import * as view from '../views/variable.ts';
import { writer } from '../writes.ts';

export function mountVariables(http: Http, app: App): void {
  const write = writer(app.idempotency);
  http.get(
    '/api/variables',
    {
      config: { permission: 'variables.read' },
      schema: {
        tags: ['variables'],
        summary: 'List shared variables',
        querystring: view.variableQuery,
        response: { 200: view.variablePage },
      },
    },
    (request) => {
      const { customer_id: customerId, search, sort, order } = request.query;
      const query = { ...fromPaging(request.query), customerId, search, sort, order };
      return toPageView(app.variables.list(callerOf(request), query), view.toVariableView);
    },
  );

  http.get(
    '/api/variables/:id',
    {
      config: { permission: 'variables.read' },
      schema: {
        tags: ['variables'],
        summary: 'Get a shared variable, with the services that use it',
        params: idParams,
        response: { 200: view.variableDetailView },
      },
    },
    (request) => view.toVariableDetailView(app.variables.detail(callerOf(request), request.params.id)),
  );

  http.post(
    '/api/variables',
    {
      config: { permission: 'variables.create' },
      schema: {
        tags: ['variables'],
        summary: 'Add a shared variable',
        description: 'Fills `${NAME}` of services of the same customer that have no variable of that name themselves.',
        body: view.newVariableBody,
        response: { 201: view.variableDetailView },
      },
    },
    (request, reply) =>
      write(request, reply, async (caller) => {
        const variable = await app.variables.create(caller, view.fromNewVariableBody(request.body));
        return { status: 201, body: view.toVariableDetailView(variable) };
      }),
  );

  http.patch(
    '/api/variables/:id',
    {
      config: { permission: 'variables.update' },
      schema: {
        tags: ['variables'],
        summary: 'Change a shared variable',
        description: 'Deploys nothing: each service takes the new value with its next deploy.',
        params: idParams,
        body: view.variableChangeBody,
        response: { 200: view.variableDetailView },
      },
    },
    (request, reply) =>
      write(request, reply, async (caller) => {
        const change = view.fromVariableChangeBody(request.body);
        const variable = await app.variables.update(caller, request.params.id, change);
        return { status: 200, body: view.toVariableDetailView(variable) };
      }),
  );

  http.delete(
    '/api/variables/:id',
    {
      config: { permission: 'variables.delete' },
      schema: {
        tags: ['variables'],
        summary: 'Delete a shared variable that no service uses',
        params: idParams,
        response: { 204: z.null() },
      },
    },
    (request, reply) =>
      write(request, reply, async (caller) => {
        await app.variables.remove(caller, request.params.id);
        return { status: 204 };
      }),
  );
}
