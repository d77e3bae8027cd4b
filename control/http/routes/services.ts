// Services: list, make, show, change, remove. What happens to a running one is in service-actions.ts.
import { z } from 'zod';
import { LIFECYCLES } from '#shared/model.ts';
import type { App } from '../../app/api/app.ts';
import type { Caller } from '../../app/api/caller.ts';
import type { Job } from '../../app/api/jobs.ts';
import { SERVICE_SORTS, type NewService, type Service } from '../../app/api/services.ts';
import { callerOf } from '../auth.ts';
import type { Http } from '../http.ts';
import { fromNewServiceBody, newServiceBody } from '../views/new-service.ts';
import { filterText, fromPaging, idParams, newestFirst, orderField, pagingFields, toPageView } from '../views/page.ts';
import { changedServiceView, fromServiceChangeBody, serviceChangeBody } from '../views/service-change.ts';
import { ServicePages } from '../views/service-pages.ts';
import * as view from '../views/service.ts';
import { writer, type Answer } from '../writes.ts';
import { acceptedView, waitQuery } from './service-actions.ts';

const listQuery = z.strictObject({
  ...pagingFields,
  status: z.enum(LIFECYCLES).optional().describe('Only those in this state'),
  customer_id: filterText.optional().describe('Only those of this customer'),
  host_id: filterText.optional().describe('Only those on this host'),
  search: filterText.optional().describe('Part of the name'),
  update_available: z.stringbool().optional().describe('Only those with, or without, a newer image'),
  sort: z.enum(SERVICE_SORTS).default('created_at'),
  order: orderField,
});

const eventsQuery = z.strictObject({
  ...pagingFields,
  type: filterText.optional().describe('Only these, such as deploy, restart or health'),
  sort: z.literal('timestamp').default('timestamp'),
  order: newestFirst,
});

const JSON_TYPE = 'application/json; charset=utf-8';

export function mountServices(http: Http, app: App): void {
  const pages = new ServicePages();
  const write = writer(app.idempotency);
  http.get(
    '/api/services',
    {
      config: { permission: 'services.read' },
      schema: {
        tags: ['services'],
        summary: 'List services',
        querystring: listQuery,
        response: { 200: view.servicePage },
      },
    },
    async (request, reply) => {
      const { status, customer_id: customerId, host_id: hostId, search, sort, order } = request.query;
      const { update_available: updateAvailable } = request.query;
      const caller = callerOf(request);
      const found = app.services.list(caller, {
        ...fromPaging(request.query),
        status,
        customerId,
        hostId,
        search,
        updateAvailable,
        sort,
        order,
      });
      const text = pages.toText(found, factsFinder(app, caller));
      return reply.type(JSON_TYPE).send(text as never); // the view, written already
    },
  );

  http.post(
    '/api/services',
    {
      config: { permission: 'services.create', limit: 'deploy' },
      schema: {
        tags: ['services'],
        summary: 'Create and deploy a service',
        body: newServiceBody,
        response: { 201: view.createdServiceView },
      },
    },
    (request, reply) =>
      write(request, reply, async (caller) => {
        return createService(app, caller, fromNewServiceBody(request.body));
      }),
  );

  http.get(
    '/api/services/:id',
    {
      config: { permission: 'services.read' },
      schema: {
        tags: ['services'],
        summary: 'Get a service',
        params: idParams,
        response: { 200: view.serviceDetailView },
      },
    },
    (request) => {
      const caller = callerOf(request);
      return view.toServiceDetailView(app.services.detail(caller, request.params.id), factsFinder(app, caller));
    },
  );

  http.patch(
    '/api/services/:id',
    {
      // Whether it will deploy is not known before the body is read, so every change counts as one.
      config: { permission: 'services.update', limit: 'deploy' },
      schema: {
        tags: ['services'],
        summary: 'Change a service, and deploy what the change concerns',
        params: idParams,
        body: serviceChangeBody,
        response: { 200: changedServiceView },
      },
    },
    (request, reply) =>
      write(request, reply, async (caller) => {
        const change = fromServiceChangeBody(request.body);
        const { service, jobId } = await app.services.update(caller, request.params.id, change);
        const body = { ...view.toServiceDetailView(service, factsFinder(app, caller)), deploy_job_id: jobId };
        return { status: 200, body };
      }),
  );

  http.delete(
    '/api/services/:id',
    {
      config: { permission: 'services.delete' },
      schema: {
        tags: ['services'],
        summary: 'Delete a service with its containers, networks, volumes and files',
        params: idParams,
        querystring: waitQuery,
        response: { 202: acceptedView.pick({ job_id: true }), 204: z.null() },
      },
    },
    (request, reply) =>
      write(request, reply, async (caller) => {
        const { job, isDone } = await app.services.remove(caller, request.params.id, request.query.wait * 1000);
        return isDone ? { status: 204 } : { status: 202, body: { job_id: job.id } };
      }),
  );

  http.get(
    '/api/services/:id/events',
    {
      config: { permission: 'services.read' },
      schema: {
        tags: ['services'],
        summary: 'List what happened to a service',
        params: idParams,
        querystring: eventsQuery,
        response: { 200: view.eventPage },
      },
    },
    (request) => {
      const { type, order } = request.query;
      const query = { ...fromPaging(request.query), type, order };
      return toPageView(app.services.events(callerOf(request), request.params.id, query), view.toEventView);
    },
  );
}

export const createService = async (app: App, caller: Caller, input: NewService): Promise<Answer> =>
  toCreatedAnswer(app, caller, await app.services.create(caller, input));

/** What every way to ask for a new service answers. */
export function toCreatedAnswer(app: App, caller: Caller, { service, job }: { service: Service; job: Job }): Answer {
  const url = view.urlOf(service, factsFinder(app, caller));
  const { id, name, lifecycle: status, setId } = service;
  const body = { id, name, status, url, deploy_job_id: job.id, set_id: setId };
  return { status: 201, body };
}

const factsFinder =
  (app: App, caller: Caller): view.FindFacts =>
  (hostId) =>
    app.hosts.findFacts(caller, hostId);
