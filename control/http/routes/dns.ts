// DNS zones: list, add, change, remove; and the names in them.
import { z } from 'zod';
import type { App } from '../../app/api/app.ts';
import { callerOf } from '../auth.ts';
import type { Http } from '../http.ts';
import * as view from '../views/dns.ts';
import { fromPaging, idParams, toPageView } from '../views/page.ts';
import { writer } from '../writes.ts';

export function mountDns(http: Http, app: App): void {
  const write = writer(app.idempotency);
  http.get(
    '/api/dns-zones',
    {
      config: { permission: 'dns.read' },
      schema: {
        tags: ['dns'],
        summary: 'List DNS zones',
        querystring: view.dnsZoneQuery,
        response: { 200: view.dnsZonePage },
      },
    },
    (request) => {
      const { sort, order } = request.query;
      const query = { ...fromPaging(request.query), sort, order };
      return toPageView(app.dnsZones.list(callerOf(request), query), view.toDnsZoneView);
    },
  );

  http.get(
    '/api/dns-zones/:id',
    {
      config: { permission: 'dns.read' },
      schema: {
        tags: ['dns'],
        summary: 'Get a DNS zone',
        params: idParams,
        response: { 200: view.dnsZoneView },
      },
    },
    (request) => view.toDnsZoneView(app.dnsZones.require(callerOf(request), request.params.id)),
  );

  http.get(
    '/api/dns-zones/:id/names',
    {
      config: { permission: 'dns.read' },
      schema: {
        tags: ['dns'],
        summary: 'List the names that Longshore keeps in a zone',
        params: idParams,
        querystring: view.dnsNameQuery,
        response: { 200: view.dnsNamePage },
      },
    },
    (request) => {
      const { state, sort, order } = request.query;
      const query = { ...fromPaging(request.query), state, sort, order };
      return toPageView(app.dnsZones.names(callerOf(request), request.params.id, query), view.toDnsNameView);
    },
  );

  http.post(
    '/api/dns-zones',
    {
      config: { permission: 'dns.create' },
      schema: {
        tags: ['dns'],
        summary: 'Add a DNS zone',
        description:
          'The provider is asked first. From then on names of services below it lead to their hosts; records that Longshore did not make are left alone.',
        body: view.newDnsZoneBody,
        response: { 201: view.dnsZoneView },
      },
    },
    (request, reply) =>
      write(request, reply, async (caller) => {
        const zone = await app.dnsZones.create(caller, view.fromNewDnsZone(request.body));
        return { status: 201, body: view.toDnsZoneView(zone) };
      }),
  );

  http.patch(
    '/api/dns-zones/:id',
    {
      config: { permission: 'dns.update' },
      schema: {
        tags: ['dns'],
        summary: 'Change how a DNS zone is reached',
        description: 'The provider is asked first. Names that failed are tried again at once.',
        params: idParams,
        body: view.dnsZoneChangeBody,
        response: { 200: view.dnsZoneView },
      },
    },
    (request, reply) =>
      write(request, reply, async (caller) => {
        const zone = await app.dnsZones.update(caller, request.params.id, view.fromDnsZoneChange(request.body));
        return { status: 200, body: view.toDnsZoneView(zone) };
      }),
  );

  http.delete(
    '/api/dns-zones/:id',
    {
      config: { permission: 'dns.delete' },
      schema: {
        tags: ['dns'],
        summary: 'Forget a DNS zone',
        description: '409 `in_use` while it holds names of services, unless their records are to stay.',
        params: idParams,
        querystring: view.dnsZoneRemoval,
        response: { 204: z.null() },
      },
    },
    (request, reply) =>
      write(request, reply, async (caller) => {
        const keepsRecords = request.query.keep_records === 'true';
        await app.dnsZones.remove(caller, request.params.id, { keepsRecords });
        return { status: 204 };
      }),
  );
}
