// What Docker's images, containers, volumes and build cache hold. Docker walks all of them to tell, so it is asked once an
// hour, and the more seldom the longer it takes.
import type { Scope } from '#shared/lifecycle.ts';
import type { Logger } from '#shared/log.ts';
import type { DockerDisk } from '#shared/stats.ts';
import type { Clock } from '#shared/time.ts';
import type { Engine } from '../../docker/engine.ts';

/** An agent that starts has better things to ask for. */
const FIRST_AFTER_MS = 2 * 60_000;
const EVERY_MS = 3600_000;
/** Measuring takes at most a hundredth of the time. */
const REST_FACTOR = 100;

export interface DockerDiskDeps {
  engine: Pick<Engine, 'measureDisk'>;
  clock: Clock;
  log: Logger;
}

export class DockerDiskMeter {
  readonly #deps: DockerDiskDeps;
  readonly #scope: Scope;
  #nextAt: number;
  #isRunning = false;
  #latest: DockerDisk | null = null;

  constructor(deps: DockerDiskDeps, scope: Scope) {
    this.#deps = deps;
    this.#scope = scope;
    this.#nextAt = deps.clock.now() + FIRST_AFTER_MS;
  }

  /** Null until measured. */
  get latest(): DockerDisk | null {
    return this.#latest;
  }

  /** Measures in the background when it is time; nobody waits for it. */
  tick(): void {
    if (this.#isRunning || this.#deps.clock.now() < this.#nextAt) return;
    this.#isRunning = true;
    this.#scope.run('docker disk', (signal) => this.#measure(signal));
  }

  async #measure(signal: AbortSignal): Promise<void> {
    const { engine, clock, log } = this.#deps;
    const startedAt = clock.now();
    try {
      this.#latest = { ...(await engine.measureDisk(signal)), at: startedAt };
    } catch (error) {
      log.debug({ err: error }, "could not measure Docker's disk"); // what was known stays
    }
    const now = clock.now();
    this.#nextAt = now + Math.max(EVERY_MS, (now - startedAt) * REST_FACTOR);
    this.#isRunning = false;
  }
}

export function totalOf(disk: DockerDisk | null): number | null {
  if (!disk) return null;
  const { imageBytes, containerBytes, volumeBytes, buildCacheBytes } = disk;
  return (imageBytes ?? 0) + (containerBytes ?? 0) + (volumeBytes ?? 0) + (buildCacheBytes ?? 0);
}
