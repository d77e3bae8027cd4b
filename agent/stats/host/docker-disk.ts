// What Docker's images, containers, volumes and build cache hold. Docker walks all of them to tell, so it is asked once an
// hour at most.
import type { Scope } from '#shared/lifecycle.ts';
import type { DockerDisk } from '#shared/stats.ts';
import type { Engine } from '../../docker/engine.ts';
import { Seldom, type Pace, type SeldomDeps } from '../seldom.ts';

/** An agent that starts has better things to ask for; measuring takes at most a hundredth of the time. */
const PACE: Pace = { everyMs: 3600_000, restFactor: 100, firstAfterMs: 2 * 60_000 };

export interface DockerDiskDeps extends SeldomDeps {
  engine: Pick<Engine, 'measureDisk'>;
}

export class DockerDiskMeter {
  readonly #measuring: Seldom;
  #latest: DockerDisk | null = null;

  constructor(deps: DockerDiskDeps, scope: Scope) {
    this.#measuring = new Seldom(deps, scope, 'disk of Docker', PACE, async (signal) => {
      const at = deps.clock.now();
      this.#latest = { ...(await deps.engine.measureDisk(signal)), at };
    });
  }

  /** Null until measured; what was known stays when Docker cannot tell. */
  get latest(): DockerDisk | null {
    return this.#latest;
  }

  /** Measures in the background when it is time; nobody waits for it. */
  tick(): void {
    this.#measuring.tick();
  }
}

export function totalOf(disk: DockerDisk | null): number | null {
  if (!disk) return null;
  const { imageBytes, containerBytes, volumeBytes, buildCacheBytes } = disk;
  return (imageBytes ?? 0) + (containerBytes ?? 0) + (volumeBytes ?? 0) + (buildCacheBytes ?? 0);
}
