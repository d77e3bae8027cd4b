// How much the named volumes of each Compose project hold. Docker walks every file to tell, so it is asked seldom.
import type { Scope } from '#shared/lifecycle.ts';
import type { Engine, VolumeSize } from '../docker/engine.ts';
import { Seldom, type Pace, type SeldomDeps } from './seldom.ts';

/** Measuring takes at most a twentieth of the time. */
const PACE: Pace = { everyMs: 5 * 60_000, restFactor: 20 };
/** After a deploy sooner, but a deploy that is repeated must not keep the disk busy. */
const SOON_MS = 60_000;

export interface VolumeSizesDeps extends SeldomDeps {
  engine: Pick<Engine, 'listVolumeSizes'>;
}

export class VolumeSizes {
  readonly #measuring: Seldom;
  #byProject: Map<string, number | null> | undefined;

  constructor(deps: VolumeSizesDeps, scope: Scope) {
    this.#measuring = new Seldom(deps, scope, 'sizes of volumes', PACE, async (signal) => {
      this.#byProject = sumsOf(await deps.engine.listVolumeSizes(signal));
    });
  }

  /** Null until measured, or where Docker cannot tell. A project without volumes has 0. */
  bytesOf(project: string): number | null {
    if (!this.#byProject) return null;
    return this.#byProject.get(project) ?? (this.#byProject.has(project) ? null : 0);
  }

  /** Containers were made: there may be new volumes. */
  expectChange(): void {
    this.#measuring.hasten(SOON_MS);
  }

  /** Measures in the background when it is time; nobody waits for it. */
  tick(): void {
    this.#measuring.tick();
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
