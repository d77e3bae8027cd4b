// Names of services, and what answers to them on a host.
import { z } from 'zod';
import type { App } from '../../app/api/app.ts';
import { callerOf } from '../auth.ts';
import type { Http } from '../http.ts';
import * as view from '../views/domain.ts';
import { fromPaging, idParams, toPageView } from '../views/page.ts';
import { writer } from '../writes.ts';
import { noBody } from './service-actions.ts';

const tags = ['domains'];
const PATH = '/api/services/:id/domains';
const ONE = `${PATH}/:domain_id`;

export function mountDomains(http: Http, app: App): void {
  mountNames(http, app);
  mountCertificates(http, app);
  mountEdges(http, app);
}

function mountNames(http: Http, app: App): void {
  const write = writer(app.idempotency);
  http.get(
    PATH,
    {
      config: { permission: 'services.read' },
      schema: {
        tags,
        summary: 'List the names of a service',
        params: idParams,
        querystring: view.domainQuery,
        response: { 200: view.domainPage },
      },
    },
    (request) => {
      const { sort, order } = request.query;
      const query = { ...fromPaging(request.query), sort, order };
      return toPageView(app.domains.list(callerOf(request), request.params.id, query), view.toDomainView);
    },
  );

  http.get(
    ONE,
    {
      config: { permission: 'services.read' },
      schema: {
        tags,
        summary: 'Get a name of a service',
        params: view.domainParams,
        response: { 200: view.domainView },
      },
    },
    (request) => {
      const { id, domain_id } = request.params;
      return view.toDomainView(app.domains.require(callerOf(request), id, domain_id));
    },
  );

  http.post(
    PATH,
    {
      config: { permission: 'services.update' },
      schema: {
        tags,
        summary: 'Give a service a name',
        description:
          'The name answers as soon as its host has heard of it; a certificate is asked for once DNS leads it there. 409 `name_taken`; 409 `state_conflict` where the host has no edge.',
        params: idParams,
        body: view.newDomainBody,
        response: { 201: view.domainView },
      },
    },
    (request, reply) =>
      write(request, reply, async (caller) => {
        const domain = await app.domains.create(caller, request.params.id, view.fromNewDomain(request.body));
        return { status: 201, body: view.toDomainView(domain) };
      }),
  );

  http.patch(
    ONE,
    {
      config: { permission: 'services.update' },
      schema: {
        tags,
        summary: 'Change where a name leads',
        params: view.domainParams,
        body: view.domainChangeBody,
        response: { 200: view.domainView },
      },
    },
    (request, reply) =>
      write(request, reply, async (caller) => {
        const { id, domain_id } = request.params;
        const domain = await app.domains.change(caller, id, domain_id, view.fromDomainChange(request.body));
        return { status: 200, body: view.toDomainView(domain) };
      }),
  );

  http.delete(
    ONE,
    {
      config: { permission: 'services.update' },
      schema: {
        tags,
        summary: 'Take a name away',
        description: '409 `state_conflict` for the one that the service has by itself.',
        params: view.domainParams,
        response: { 204: z.null() },
      },
    },
    (request, reply) =>
      write(request, reply, async (caller) => {
        await app.domains.remove(caller, request.params.id, request.params.domain_id);
        return { status: 204 };
      }),
  );

  http.post(
    `${ONE}/verify`,
    {
      config: { permission: 'services.update' },
      schema: {
        tags,
        summary: 'Look again whether DNS leads a name to its host',
        params: view.domainParams,
        body: noBody,
        response: { 200: view.domainView },
      },
    },
    (request, reply) =>
      write(request, reply, async (caller) => {
        const { id, domain_id } = request.params;
        return { status: 200, body: view.toDomainView(await app.domains.verify(caller, id, domain_id)) };
      }),
  );
}

function mountCertificates(http: Http, app: App): void {
  const write = writer(app.idempotency);
  http.put(
    `${ONE}/certificate`,
    {
      config: { permission: 'services.update' },
      schema: {
        tags,
        summary: 'Use a certificate of your own for a name',
        description:
          'It takes the place of the one that is asked for. 422 for one that does not fit the name or its key.',
        params: view.domainParams,
        body: view.certificateBody,
        response: { 200: view.domainView },
      },
    },
    (request, reply) =>
      write(request, reply, async (caller) => {
        const { id, domain_id } = request.params;
        const domain = await app.domains.putCertificate(caller, id, domain_id, request.body);
        return { status: 200, body: view.toDomainView(domain) };
      }),
  );

  http.delete(
    `${ONE}/certificate`,
    {
      config: { permission: 'services.update' },
      schema: {
        tags,
        summary: 'Go back to a certificate that is asked for',
        params: view.domainParams,
        response: { 200: view.domainView },
      },
    },
    (request, reply) =>
      write(request, reply, async (caller) => {
        const { id, domain_id } = request.params;
        return { status: 200, body: view.toDomainView(await app.domains.removeCertificate(caller, id, domain_id)) };
      }),
  );
}

function mountEdges(http: Http, app: App): void {
  const write = writer(app.idempotency);
  http.get(
    '/api/hosts/:id/edge',
    {
      config: { permission: 'hosts.read' },
      schema: {
        tags,
        summary: 'Get what answers to names on a host',
        params: idParams,
        response: { 200: view.edgeView },
      },
    },
    (request) => view.toEdgeView(app.hostEdges.require(callerOf(request), request.params.id)),
  );

  http.patch(
    '/api/hosts/:id/edge',
    {
      config: { permission: 'hosts.update' },
      schema: {
        tags,
        summary: 'Change what answers to names on a host',
        description: "Null goes back to the control plane's settings, an empty list of addresses to the host's facts.",
        params: idParams,
        body: view.edgeChangeBody,
        response: { 200: view.edgeView },
      },
    },
    (request, reply) =>
      write(request, reply, async (caller) => {
        const edge = await app.hostEdges.change(caller, request.params.id, view.fromEdgeChange(request.body));
        return { status: 200, body: view.toEdgeView(edge) };
      }),
  );
}
