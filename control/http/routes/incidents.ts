// Incidents: list, show. They open and end by themselves.
import type { App } from '../../app/api/app.ts';
import { callerOf } from '../auth.ts';
import type { Http } from '../http.ts';
import * as view from '../views/incident.ts';
import { fromPaging, idParams, toPageView } from '../views/page.ts';

export function mountIncidents(http: Http, app: App): void {
  http.get(
    '/api/incidents',
    {
      config: { permission: 'hosts.read' },
      schema: {
        tags: ['hosts'],
        summary: 'List incidents: hosts that went away together, machines that share a key',
        querystring: view.incidentQuery,
        response: { 200: view.incidentPage },
      },
    },
    (request) => {
      const { status, kind, order } = request.query;
      const query = { ...fromPaging(request.query), status, kind, order };
      return toPageView(app.incidents.list(callerOf(request), query), view.toIncidentView);
    },
  );

  http.get(
    '/api/incidents/:id',
    {
      config: { permission: 'hosts.read' },
      schema: {
        tags: ['hosts'],
        summary: 'Get an incident with its hosts',
        params: idParams,
        response: { 200: view.incidentDetailView },
      },
    },
    (request) => view.toIncidentDetailView(app.incidents.require(callerOf(request), request.params.id)),
  );
}
