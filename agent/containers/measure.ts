// What containers use at this moment, for whoever asks: services are measured all the time (agent/stats), other
// containers only now.
import { sleep, type Clock } from '#shared/time.ts';
import type { Usage } from '#shared/stats.ts';
import type { Container } from '../docker/engine.ts';
import { SHORTEST_MS } from '../stats/counters.ts';
import { Meter, type MeterDeps } from '../stats/meter.ts';

/** Between the two looks that a rate needs; a timer may fire a moment early. */
const LOOK_MS = SHORTEST_MS + 50;

export interface MeasureDeps extends MeterDeps {
  clock: Clock;
}

/** By id; those that do not run have none. */
export async function measure(deps: MeasureDeps, containers: readonly Container[]): Promise<Map<string, Usage>> {
  const { clock } = deps;
  const running = containers.filter(({ pid }) => pid > 0);
  if (running.length === 0) return new Map();
  const meters = running.map((container) => new Meter(container, deps));
  try {
    await Promise.all(meters.map((meter) => meter.measure(clock.elapsed())));
    await sleep(clock, LOOK_MS);
    const usages = await Promise.all(meters.map((meter) => meter.measure(clock.elapsed())));
    return new Map(running.map(({ id }, i) => [id, usages[i] as Usage]));
  } finally {
    for (const meter of meters) meter.close();
  }
}
