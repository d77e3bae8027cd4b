// How much the named volumes of each Compose project hold. Docker walks every file to tell, so it is asked seldom, and
// the more seldom the longer it takes.
import type { Scope } from '#shared/lifecycle.ts';
import type { Logger } from '#shared/log.ts';
import type { Clock } from '#shared/time.ts';
import type { Engine, VolumeSize } from '../docker/engine.ts';

const EVERY_MS = 5 * 60_000;
/** After a deploy sooner, but a deploy that is repeated must not keep the disk busy. */
const SOON_MS = 60_000;
/** Measuring takes at most a twentieth of the time. */
const REST_FACTOR = 20;

export interface VolumeSizesDeps {
  engine: Pick<Engine, 'listVolumeSizes'>;
  clock: Clock;
  log: Logger;
}

export class VolumeSizes {
  readonly #deps: VolumeSizesDeps;
  readonly #scope: Scope;
  #byProject: Map<string, number | null> | undefined;
  #nextAt = 0;
  #endedAt = -Infinity;
  #tookMs = 0;
  #isRunning = false;

  constructor(deps: VolumeSizesDeps, scope: Scope) {
    this.#deps = deps;
    this.#scope = scope;
  }

  /** Null until measured, or where Docker cannot tell. A project without volumes has 0. */
  bytesOf(project: string): number | null {
    if (!this.#byProject) return null;
    return this.#byProject.get(project) ?? (this.#byProject.has(project) ? null : 0);
  }

  /** Containers were made: there may be new volumes. */
  expectChange(): void {
    this.#nextAt = Math.min(this.#nextAt, this.#endedAt + Math.max(SOON_MS, this.#tookMs * REST_FACTOR));
  }

  /** Measures in the background when it is time; nobody waits for it. */
  tick(): void {
    if (this.#isRunning || this.#deps.clock.now() < this.#nextAt) return;
    this.#isRunning = true;
    this.#scope.run('volume sizes', (signal) => this.#measure(signal));
  }

  async #measure(signal: AbortSignal): Promise<void> {
    const { engine, clock, log } = this.#deps;
    const startedAt = clock.now();
    try {
      this.#byProject = sumsOf(await engine.listVolumeSizes(signal));
    } catch (error) {
      log.debug({ err: error }, 'could not measure the volumes'); // what was known stays
    }
    this.#endedAt = clock.now();
    this.#tookMs = this.#endedAt - startedAt;
    this.#nextAt = this.#endedAt + Math.max(EVERY_MS, this.#tookMs * REST_FACTOR);
    this.#isRunning = false;
  }
}

/** Null for a project where none of its volumes could be measured. */
function sumsOf(volumes: readonly VolumeSize[]): Map<string, number | null> {
  const sums = new Map<string, number | null>();
  for (const { project, sizeBytes } of volumes) {
    const before = sums.get(project) ?? null;
    sums.set(project, sizeBytes === null ? before : (before ?? 0) + sizeBytes);
  }
  return sums;
}
