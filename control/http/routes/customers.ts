// Customers: list, make, show, change, delete, suspend, resume.
import { z } from 'zod';
import type { App } from '../../app/api/app.ts';
import { CUSTOMER_SORTS } from '../../app/api/customers.ts';
import { callerOf } from '../auth.ts';
import type { Http } from '../http.ts';
import * as view from '../views/customer.ts';
import { filterText, fromPaging, idParams, orderField, pagingFields, toPageView } from '../views/page.ts';
import { writer } from '../writes.ts';
import { noBody } from './service-actions.ts';

const listQuery = z.strictObject({
  ...pagingFields,
  status: z.enum(view.CUSTOMER_STATUSES).optional().describe('Only those in this state'),
  plan_id: filterText.optional().describe('Only those on this plan'),
  search: filterText.optional().meta({ description: 'Part of the name or the email address' }),
  sort: z.enum(CUSTOMER_SORTS).default('created_at'),
  order: orderField,
});

const SUMMARIES = {
  suspend: 'Stop all services of a customer and keep their data',
  resume: 'Bring back the services that ran when the customer was suspended',
};

export function mountCustomers(http: Http, app: App): void {
  const write = writer(app.idempotency);
  http.get(
    '/api/customers',
    {
      config: { permission: 'customers.read' },
      schema: {
        tags: ['customers'],
        summary: 'List customers',
        querystring: listQuery,
        response: { 200: view.customerPage },
      },
    },
    (request) => {
      const { status, plan_id: planId, search, sort, order } = request.query;
      const isSuspended = status && status === 'suspended';
      const query = { ...fromPaging(request.query), isSuspended, planId, search, sort, order };
      return toPageView(app.customers.list(callerOf(request), query), view.toCustomerView);
    },
  );

  http.post(
    '/api/customers',
    {
      config: { permission: 'customers.create' },
      schema: {
        tags: ['customers'],
        summary: 'Create a customer',
        body: view.newCustomerBody,
        response: { 201: view.customerDetailView },
      },
    },
    (request, reply) =>
      write(request, reply, async (caller) => {
        const made = await app.customers.create(caller, view.fromCustomerBody(request.body));
        return { status: 201, body: view.toCustomerDetailView(made) };
      }),
  );

  http.get(
    '/api/customers/:id',
    {
      config: { permission: 'customers.read' },
      schema: {
        tags: ['customers'],
        summary: 'Get a customer with what it holds of its plan',
        params: idParams,
        response: { 200: view.customerDetailView },
      },
    },
    (request) => view.toCustomerDetailView(app.customers.detail(callerOf(request), request.params.id)),
  );

  http.patch(
    '/api/customers/:id',
    {
      config: { permission: 'customers.update' },
      schema: {
        tags: ['customers'],
        summary: 'Change a customer or move it to another plan',
        params: idParams,
        body: view.customerChangeBody,
        response: { 200: view.customerDetailView },
      },
    },
    (request, reply) =>
      write(request, reply, async (caller) => {
        const change = view.fromCustomerBody(request.body);
        const changed = await app.customers.update(caller, request.params.id, change);
        return { status: 200, body: view.toCustomerDetailView(changed) };
      }),
  );

  http.delete(
    '/api/customers/:id',
    {
      config: { permission: 'customers.delete' },
      schema: {
        tags: ['customers'],
        summary: 'Delete a customer that has no services',
        params: idParams,
        response: { 204: z.null() },
      },
    },
    (request, reply) =>
      write(request, reply, async (caller) => {
        await app.customers.remove(caller, request.params.id);
        return { status: 204 };
      }),
  );

  for (const verb of ['suspend', 'resume'] as const) {
    http.post(
      `/api/customers/:id/${verb}`,
      {
        config: { permission: 'customers.update' },
        schema: {
          tags: ['customers'],
          summary: SUMMARIES[verb],
          params: idParams,
          body: noBody,
          response: { 200: view.suspensionView },
        },
      },
      (request, reply) =>
        write(request, reply, async (caller) => {
          const outcome = await app.customers[verb](caller, request.params.id);
          return { status: 200, body: view.toSuspensionView(outcome) };
        }),
    );
  }
}
