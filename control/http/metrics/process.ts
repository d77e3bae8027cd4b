// The control plane as a process, and its work under way.
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { JOB_STATES, isJobEnd } from '#shared/jobs.ts';
import type { ControlFigures } from '../../app/api/metrics.ts';
import { gauge, type Family, type Series } from './exposition.ts';

/** Between two looks; shorter ones would cost more than they find. */
const RESOLUTION_MS = 50;
const NANOS_A_SECOND = 1e9;
const QUANTILES = [0.5, 0.9, 0.99, 1];

/** How late timers are: what one piece of work makes all others wait. */
export class LoopLag {
  readonly #histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });

  start(): void {
    this.#histogram.enable();
  }

  stop(): void {
    this.#histogram.disable();
  }

  /** Since the last time it was asked. */
  take(): Series[] {
    const { count } = this.#histogram;
    const series = QUANTILES.map((quantile) => {
      const nanos = this.#histogram.percentile(quantile * 100);
      const lag = Math.max(0, nanos / NANOS_A_SECOND - RESOLUTION_MS / 1000);
      return { labels: { quantile: String(quantile) }, value: count === 0 ? null : lag };
    });
    this.#histogram.reset();
    return series;
  }
}

export function controlFamilies({ agentsConnected, jobs, deliveriesWaiting }: ControlFigures): Family[] {
  const open = JOB_STATES.filter((state) => !isJobEnd(state));
  const jobSeries = open.map((state) => ({ labels: { state }, value: jobs[state] ?? 0 }));
  return [
    gauge('longshore_agents_connected', 'Hosts with a link', [{ value: agentsConnected }]),
    gauge('longshore_jobs_open', 'Jobs that have not ended, by state', jobSeries),
    gauge('longshore_webhook_deliveries_waiting', 'Calls of webhooks that have not arrived', [
      { value: deliveriesWaiting },
    ]),
  ];
}

export function processFamilies(openWebSockets: number, lag: LoopLag): Family[] {
  const { user, system } = process.cpuUsage();
  return [
    gauge('longshore_websockets_open', 'WebSockets, of agents and of clients', [{ value: openWebSockets }]),
    gauge('longshore_event_loop_lag_seconds', 'How late work began, since the scrape before', lag.take()),
    gauge('process_resident_memory_bytes', 'Memory of the control plane', [{ value: process.memoryUsage.rss() }]),
    {
      name: 'process_cpu_seconds_total',
      help: 'CPU time of the control plane',
      type: 'counter',
      series: [{ value: (user + system) / 1e6 }],
    },
  ];
}
