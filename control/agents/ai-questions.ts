// Questions that hosts ask the AI. A host gets an answer for its own jobs only, while they run and deploy by AI, and only
// so often, and one for each plan that control asks it for: the endpoint costs money, and a host is no better than whoever
// broke into it.
import { LongshoreError } from '#shared/errors.ts';
import { bringsSpec } from '#shared/jobs.ts';
import type { AiProposal, AiQuestion } from '#shared/protocol/ai-parts.ts';
import type { Result } from '#shared/protocol/schema.ts';
import { Serial } from '#shared/serial.ts';
import type { AiGrants } from '../app/deploys/ai-grants.ts';
import type { Stores } from '../store/stores.ts';

/** See control/ai/adviser.ts; null where no endpoint is set. */
export type Propose = ((question: AiQuestion, project: string, signal: AbortSignal) => Promise<AiProposal>) | null;

/** One proposal and two repairs, five times over: an agent that keeps crashing starts anew. */
const MAX_QUESTIONS_PER_JOB = 15;
/** Jobs that are counted; those that asked longest ago are forgotten. */
const MAX_COUNTED_JOBS = 1_000;

export class AiQuestions {
  readonly #stores: Stores;
  readonly #grants: Pick<AiGrants, 'use'>;
  readonly #propose: Propose;
  readonly #asked = new Map<string, number>();
  /** A host's questions one at a time, so that none takes all of the endpoint. */
  readonly #serial = new Serial();

  constructor(stores: Stores, grants: Pick<AiGrants, 'use'>, propose: Propose) {
    this.#stores = stores;
    this.#grants = grants;
    this.#propose = propose;
  }

  /** Throws `not_found`, `state_conflict`, and what the adviser throws. */
  async answer(hostId: string, question: AiQuestion, signal: AbortSignal): Promise<Result<'ai.propose'>> {
    const { grant, jobId } = question;
    const leave =
      grant === undefined ? { project: this.#requireProject(hostId, jobId) } : this.#grants.use(hostId, grant);
    const propose = this.#propose;
    if (!propose) return { proposal: null };
    if (grant === undefined) this.#count(jobId);
    const stopped = 'signal' in leave ? AbortSignal.any([signal, leave.signal]) : signal;
    const proposal = await this.#serial.run(hostId, () => propose(question, leave.project, stopped), stopped);
    return { proposal };
  }

  /** The name of the service that a job of this host deploys by AI. */
  #requireProject(hostId: string, jobId: string): string {
    const { jobs, services } = this.#stores;
    const job = jobs.find(jobId);
    if (job?.hostId !== hostId) throw new LongshoreError('not_found', { message: `No job "${jobId}" on this host` });
    const service = services.find(job.serviceId);
    if (job.finishedAt !== null || !bringsSpec(job.kind) || service?.method !== 'ai')
      throw new LongshoreError('state_conflict', { message: `Job "${jobId}" does not deploy by AI now` });
    return service.name;
  }

  #count(jobId: string): void {
    const count = (this.#asked.get(jobId) ?? 0) + 1;
    if (count > MAX_QUESTIONS_PER_JOB)
      throw new LongshoreError('state_conflict', { message: `Job "${jobId}" has asked the AI too often` });
    this.#asked.delete(jobId);
    this.#asked.set(jobId, count);
    const [oldest] = this.#asked.keys();
    if (this.#asked.size > MAX_COUNTED_JOBS && oldest !== undefined) this.#asked.delete(oldest);
  }
}
