// What control asks about drift: how a service differs from its good revision, and the file that would say what lives.
import type { DriftDraft, ShownDrift } from '#shared/protocol/drift-parts.ts';
import { hideIn } from '../secrets/hide.ts';
import type { ServiceTable } from '../state/services.ts';
import type { DraftDeps } from './draft.ts';
import { showDrift } from './show.ts';
import type { DriftWatch } from './watch.ts';

export interface DriftDeskDeps extends Omit<DraftDeps, 'services'> {
  services: Pick<ServiceTable, 'find' | 'secretsOf'>;
  watch: Pick<DriftWatch, 'check'>;
}

export class DriftDesk {
  readonly #deps: DriftDeskDeps;

  constructor(deps: DriftDeskDeps) {
    this.#deps = deps;
  }

  /** Throws `not_found`, `docker_unavailable`. */
  async show(serviceId: string): Promise<ShownDrift> {
    const { watch, services } = this.#deps;
    return showDrift(await watch.check(serviceId), hideIn(services.secretsOf(serviceId)));
  }

  /** Throws `state_conflict` where there is nothing to accept, or no file can say it; `compose_policy`. */
  async draft(serviceId: string): Promise<DriftDraft> {
    const { draftFromLive } = await import('./draft.ts'); // most agents are never asked
    return draftFromLive(this.#deps, serviceId);
  }
}
