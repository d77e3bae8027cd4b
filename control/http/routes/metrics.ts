// GET /metrics: the fleet in Prometheus' text format.
import type { App } from '../../app/api/app.ts';
import { callerOf } from '../auth.ts';
import type { Http } from '../http.ts';
import { EXPOSITION_TYPE, renderMetrics } from '../metrics/exposition.ts';
import { fleetFamilies } from '../metrics/fleet.ts';
import { controlFamilies, LoopLag, processFamilies } from '../metrics/process.ts';

export function mountMetrics(http: Http, { metrics }: Pick<App, 'metrics'>): void {
  const lag = new LoopLag();
  http.addHook('onReady', async () => lag.start());
  http.addHook('onClose', async () => lag.stop());
  http.get(
    '/metrics',
    {
      config: { permission: 'hosts.read' },
      schema: { hide: true }, // not JSON: docs/stats.md says what is in it
    },
    (request, reply) => {
      const figures = metrics.collect(callerOf(request));
      const own = figures.control
        ? [...controlFamilies(figures.control), ...processFamilies(http.websocketServer.clients.size, lag)]
        : [];
      return reply.type(EXPOSITION_TYPE).send(renderMetrics([...fleetFamilies(figures), ...own]));
    },
  );
}
