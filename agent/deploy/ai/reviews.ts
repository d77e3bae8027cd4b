// What control asks of the proposals that wait on this host.
import { LongshoreError } from '#shared/errors.ts';
import type { WaitingProposal } from '#shared/protocol/deploy-parts.ts';
import type { ServiceRecord } from '../../state/services.ts';
import { Workspace } from '../workspace.ts';

export interface ReviewsDeps {
  dataDir: string;
  services: { find(id: string): ServiceRecord | undefined };
}

export class Reviews {
  readonly #deps: ReviewsDeps;

  constructor(deps: ReviewsDeps) {
    this.#deps = deps;
  }

  /** Null: nothing waits. Throws `not_found` for a service this host does not know. */
  async show(serviceId: string): Promise<WaitingProposal | null> {
    const { loadReview } = await import('./review.ts'); // most agents are never asked
    return (await loadReview(this.#open(serviceId).workspace))?.waiting ?? null;
  }

  /** The AI is asked anew next time. Already gone is fine; another one that waits by now stays. */
  async reject(serviceId: string, proposalId: string): Promise<void> {
    const { workspace, spec } = this.#open(serviceId);
    const [{ loadReview, dropReview }, { deployedProposals }] = await Promise.all([
      import('./review.ts'),
      import('./kept-proposal.ts'),
    ]);
    const found = await loadReview(workspace);
    if (found?.waiting.id !== proposalId) return;
    await deployedProposals({ workspace, spec, dataDir: this.#deps.dataDir }).forget(found.commit);
    await dropReview(workspace);
  }

  #open(serviceId: string): { workspace: Workspace; spec: ServiceRecord['spec'] } {
    const spec = this.#deps.services.find(serviceId)?.spec;
    if (spec) return { spec, workspace: new Workspace(this.#deps.dataDir, spec.name) };
    throw new LongshoreError('not_found', { message: `This host does not know service "${serviceId}"` });
  }
}
