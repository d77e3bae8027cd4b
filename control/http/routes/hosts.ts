// Hosts: list, show, shut one out.
import { z } from 'zod';
import type { App } from '../../app/api/app.ts';
import { HOST_SORTS } from '../../app/api/hosts.ts';
import { callerOf } from '../auth.ts';
import type { Http } from '../http.ts';
import * as view from '../views/host.ts';
import { filterText, fromPaging, idParams, newestFirst, orderField, pagingFields, toPageView } from '../views/page.ts';
import { writer } from '../writes.ts';
import { noBody } from './service-actions.ts';

const listQuery = z.strictObject({
  ...pagingFields,
  search: filterText.optional().describe('Part of the name'),
  sort: z.enum(HOST_SORTS).default('name'),
  order: orderField,
});
const eventsQuery = z.strictObject({
  ...pagingFields,
  status: filterText.optional().describe('Only these, such as `offline` or `renamed`'),
  sort: z.literal('timestamp').default('timestamp'),
  order: newestFirst,
});
const revokedView = z
  .object({
    id: z.string().meta({ example: 'host_jkl012' }),
    status: z.literal('revoked'),
    message: z.string().meta({ example: 'Host revoked' }),
  })
  .meta({ id: 'RevokedHost' });

export function mountHosts(http: Http, app: App): void {
  const write = writer(app.idempotency);
  http.get(
    '/api/hosts',
    {
      config: { permission: 'hosts.read' },
      schema: { tags: ['hosts'], summary: 'List hosts', querystring: listQuery, response: { 200: view.hostPage } },
    },
    (request) => {
      const { search, sort, order } = request.query;
      const query = { ...fromPaging(request.query), search, sort, order };
      return toPageView(app.hosts.list(callerOf(request), query), view.toHostView);
    },
  );

  http.get(
    '/api/hosts/:id',
    {
      config: { permission: 'hosts.read' },
      schema: { tags: ['hosts'], summary: 'Get a host', params: idParams, response: { 200: view.hostView } },
    },
    (request) => view.toHostView(app.hosts.require(callerOf(request), request.params.id)),
  );

  http.get(
    '/api/hosts/:id/events',
    {
      config: { permission: 'hosts.read' },
      schema: {
        tags: ['hosts'],
        summary: 'List what happened to a host: when it was here, what it lost, who else used its key',
        params: idParams,
        querystring: eventsQuery,
        response: { 200: view.hostEventPage },
      },
    },
    (request) => {
      const query = { ...fromPaging(request.query), order: request.query.order, status: request.query.status };
      return toPageView(app.hosts.events(callerOf(request), request.params.id, query), view.toHostEventView);
    },
  );

  http.post(
    '/api/hosts/:id/revoke',
    {
      config: { permission: 'hosts.delete' },
      schema: {
        tags: ['hosts'],
        summary: 'Shut a host out; its services stay as they are',
        params: idParams,
        body: noBody,
        response: { 200: revokedView },
      },
    },
    (request, reply) =>
      write(request, reply, async (caller) => {
        await app.hosts.revoke(caller, request.params.id);
        return { status: 200, body: { id: request.params.id, status: 'revoked', message: 'Host revoked' } };
      }),
  );
}
