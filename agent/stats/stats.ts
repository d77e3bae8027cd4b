// Samples what the services of this host use every ten seconds, as long as the agent runs, and tells control.
import type { Scope } from '#shared/lifecycle.ts';
import type { Logger } from '#shared/log.ts';
import { sleep, type Clock } from '#shared/time.ts';
import type { Engine } from '../docker/engine.ts';
import type { EventHub } from '../docker/events.ts';
import type { ServiceTable } from '../state/services.ts';
import { KERNEL_FOLDERS, type KernelFolders } from './cgroup-files.ts';
import { UsageReport, type TellSamples } from './report.ts';
import { Roster } from './roster.ts';
import { takeSamples } from './sampler.ts';
import { VolumeSizes } from './volume-sizes.ts';

const EVERY_MS = 10_000;

export interface StatsDeps {
  services: Pick<ServiceTable, 'names'>;
  engine: Pick<Engine, 'listAll' | 'findContainer' | 'readUsage' | 'listVolumeSizes'>;
  hub: Pick<EventHub, 'subscribe'>;
  /** Reaches control while the link is up, nobody otherwise. */
  tell: TellSamples;
  clock: Clock;
  log: Logger;
  folders?: KernelFolders;
}

export interface Stats {
  /** Control is there anew and knows nothing. */
  tellAll(): void;
}

export function startStats(deps: StatsDeps, scope: Scope): Stats {
  const { services, engine, hub, tell, clock, log, folders = KERNEL_FOLDERS } = deps;
  const roster = new Roster({ engine, folders });
  const volumes = new VolumeSizes({ engine, clock, log }, scope);
  const report = new UsageReport(tell);
  const unsubscribe = hub.subscribe('*', (signal) => roster.heed(signal));
  const round = async () => report.add(await takeSamples({ services, roster, volumes, clock }));
  const run = async (signal: AbortSignal) => {
    for (;;) {
      await round().catch((error: unknown) => {
        if (!signal.aborted) log.debug({ err: error }, 'could not sample'); // Docker is away; the next round tries again
      });
      await sleep(clock, EVERY_MS, signal);
    }
  };
  scope.run('stats', (signal) =>
    run(signal).finally(() => {
      unsubscribe();
      roster.clear();
    }),
  );
  return { tellAll: () => report.tellAll() };
}
