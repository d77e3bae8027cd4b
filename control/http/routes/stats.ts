// What hosts and services used over time: read only, answered by the host.
import type { App } from '../../app/api/app.ts';
import { callerOf } from '../auth.ts';
import type { Http } from '../http.ts';
import { idParams } from '../views/page.ts';
import * as view from '../views/stats.ts';

const KEPT = 'An hour by ten seconds and seven days by minutes, kept on the host, which must be connected.';

export function mountStats(http: Http, { stats }: Pick<App, 'stats'>): void {
  http.get(
    '/api/hosts/:id/stats',
    {
      config: { permission: 'hosts.read' },
      schema: {
        tags: ['stats'],
        summary: 'What a host used',
        description: KEPT,
        params: idParams,
        querystring: view.statsQuery,
        response: { 200: view.hostStatsView },
      },
    },
    (request) =>
      stats.host(callerOf(request), request.params.id, view.fromStatsQuery(request.query)).then(view.toHostStatsView),
  );

  http.get(
    '/api/services/:id/stats',
    {
      config: { permission: 'services.read' },
      schema: {
        tags: ['stats'],
        summary: 'What a service used, and its containers now',
        description: KEPT,
        params: idParams,
        querystring: view.serviceStatsQuery,
        response: { 200: view.serviceStatsView },
      },
    },
    (request) => {
      const { container, ...stretch } = request.query;
      const asked = { container, ...view.fromStatsQuery(stretch) };
      return stats.service(callerOf(request), request.params.id, asked).then(view.toServiceStatsView);
    },
  );
}
