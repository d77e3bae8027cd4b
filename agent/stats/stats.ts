// Measures this host and its services every ten seconds, as long as the agent runs: keeps it, tells control what changed,
// and answers what it was.
import { join } from 'node:path';
import type { Scope } from '#shared/lifecycle.ts';
import type { Logger } from '#shared/log.ts';
import type { Params, Result } from '#shared/protocol/schema.ts';
import type { HostSample } from '#shared/stats.ts';
import { sleep, type Clock } from '#shared/time.ts';
import type { Engine } from '../docker/engine.ts';
import type { EventHub } from '../docker/events.ts';
import type { ServiceTable } from '../state/services.ts';
import { KERNEL_FOLDERS, type KernelFolders } from './cgroup-files.ts';
import { History } from './history/history.ts';
import { DockerDiskMeter, totalOf } from './host/docker-disk.ts';
import { HostMeter } from './host/host-meter.ts';
import { isHostNews } from './host/host-news.ts';
import { UsageReport, type TellSamples } from './report.ts';
import { Roster } from './roster.ts';
import { measureServices, type MeasuredService } from './sampler.ts';
import { VolumeSizes } from './volume-sizes.ts';

const EVERY_MS = 10_000;

export interface StatsDeps {
  dataDir: string;
  services: Pick<ServiceTable, 'names' | 'secretsOf'>;
  engine: Pick<Engine, 'listAll' | 'findContainer' | 'readUsage' | 'listVolumeSizes' | 'measureDisk'>;
  hub: Pick<EventHub, 'subscribe'>;
  /** Reach control while the link is up, nobody otherwise. */
  tell: TellSamples;
  tellHost: (sample: HostSample) => void;
  clock: Clock;
  log: Logger;
  folders?: KernelFolders;
}

export interface Stats {
  /** Control is there anew and knows nothing. */
  tellAll(): void;
  host(asked: Params<'host.stats'>): Promise<Result<'host.stats'>>;
  service(asked: Params<'service.stats'>): Promise<Result<'service.stats'>>;
}

export function startStats(deps: StatsDeps, scope: Scope): Stats {
  const parts = createParts(deps, scope);
  const { roster, hostMeter, history } = parts;
  const rounds = new Rounds(deps, parts);
  const unsubscribe = deps.hub.subscribe('*', (signal) => roster.heed(signal));
  scope.run('stats', (signal) =>
    rounds.run(signal).finally(() => {
      unsubscribe();
      roster.clear();
      hostMeter.close();
      history.close();
    }),
  );
  return rounds;
}

/** At least half a round: a timer may fire a moment early. */
function untilNext(now: number): number {
  const restMs = EVERY_MS - (now % EVERY_MS);
  return restMs < EVERY_MS / 2 ? restMs + EVERY_MS : restMs;
}

type Parts = ReturnType<typeof createParts>;

function createParts(
  { dataDir, services, engine, tell, clock, log, folders = KERNEL_FOLDERS }: StatsDeps,
  scope: Scope,
) {
  return {
    roster: new Roster({ engine, secrets: services, folders }),
    volumes: new VolumeSizes({ engine, clock, log }, scope),
    dockerDisk: new DockerDiskMeter({ engine, clock, log }, scope),
    hostMeter: new HostMeter({ folders, dataDir }),
    history: new History({ path: join(dataDir, 'stats.ring'), clock, log }),
    report: new UsageReport(tell),
  };
}

class Rounds implements Stats {
  readonly #deps: StatsDeps;
  readonly #parts: Parts;
  /** Of the last round; undefined while Docker is away. */
  #services: readonly MeasuredService[] | undefined;
  #host: HostSample | undefined;
  #toldHost: HostSample | undefined;

  constructor(deps: StatsDeps, parts: Parts) {
    this.#deps = deps;
    this.#parts = parts;
  }

  /** At full tens of seconds: a round that takes its time does not move the next one into another slot of the history. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#deps;
    for (;;) {
      await this.#round().catch((error: unknown) => {
        if (!signal.aborted) log.debug({ err: error }, 'could not sample'); // the next round tries again
      });
      await sleep(clock, untilNext(clock.now()), signal);
    }
  }

  tellAll(): void {
    this.#toldHost = undefined;
    this.#tellHost();
    this.#parts.report.tellAll();
  }

  host({ since, until, stepMs }: Params<'host.stats'>): Promise<Result<'host.stats'>> {
    return this.#parts.history.host({ since, until, stepMs });
  }

  async service(asked: Params<'service.stats'>): Promise<Result<'service.stats'>> {
    const { serviceId, container, since, until, stepMs } = asked;
    const answer = await this.#parts.history.service(serviceId, container, { since, until, stepMs });
    const now = this.#services?.find(({ sample }) => sample.serviceId === serviceId);
    return { ...answer, containers: now?.containers ?? [] };
  }

  async #round(): Promise<void> {
    const { services, clock, log } = this.#deps;
    const { roster, volumes, history, report } = this.#parts;
    const at = clock.now();
    const host = await this.#measureHost(at);
    this.#services = await measureServices({ services, roster, volumes, clock }).catch((error: unknown) => {
      log.debug({ err: error }, 'could not measure services'); // Docker is away
      return undefined;
    });
    const measured = this.#services ?? [];
    const containers = measured.flatMap(({ sample: { serviceId }, containers: running }) =>
      running.map((usage) => ({ serviceId, name: usage.name, usage })),
    );
    const idle = measured.filter(({ containers: running }) => running.length === 0);
    history.add({ host, containers, idle: idle.map(({ sample }) => sample.serviceId), at });
    this.#tellHost();
    if (this.#services) report.add(measured.map(({ sample }) => sample));
  }

  async #measureHost(at: number): Promise<HostSample> {
    const { hostMeter, dockerDisk } = this.#parts;
    dockerDisk.tick();
    const docker = dockerDisk.latest;
    const used = await hostMeter.measure(this.#deps.clock.elapsed());
    this.#host = { ...used, docker, dockerBytes: totalOf(docker), at };
    return this.#host;
  }

  #tellHost(): void {
    if (!this.#host || !isHostNews(this.#toldHost, this.#host)) return;
    this.#toldHost = this.#host;
    this.#deps.tellHost(this.#host);
  }
}
