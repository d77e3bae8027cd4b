// What waits for review: shown, approved, rejected. The host keeps it; the store knows which one it is.
import { LongshoreError } from '#shared/errors.ts';
import type { Clock } from '#shared/time.ts';
import type { ServiceRecord } from '../../store/records.ts';
import type { WaitingMark } from '../../store/reviews.ts';
import type { Stores, WriteContext } from '../../store/stores.ts';
import type { Access } from '../access/access.ts';
import type { Caller } from '../api/caller.ts';
import type { Job } from '../api/jobs.ts';
import type { Proposal, Proposals } from '../api/proposals.ts';
import type { Service } from '../api/services.ts';
import type { DeployPlanDesk } from './deploy-plans.ts';
import type { HostLinks } from '../hosts/host-links.ts';
import type { IdempotencyDesk } from '../idempotency.ts';
import type { JobEnds } from '../jobs/job-ends.ts';
import { requireWaiting, shortCommit } from './review.ts';
import type { ServiceJobs } from '../services/service-jobs.ts';
import type { ServiceDesk } from '../services/services.ts';
import { unifiedDiff } from './unified-diff.ts';

export interface ProposalDeps {
  stores: Stores;
  access: Access;
  effects: IdempotencyDesk;
  serviceJobs: Pick<ServiceJobs, 'approve' | 'requireIdle'>;
  plans: Pick<DeployPlanDesk, 'requireAsProposed'>;
  services: Pick<ServiceDesk, 'showWithJob'>;
  ends: Pick<JobEnds, 'setStatus'>;
  links: Pick<HostLinks, 'ask'>;
  clock: Clock;
}

export class ProposalDesk implements Proposals {
  readonly #deps: ProposalDeps;

  constructor(deps: ProposalDeps) {
    this.#deps = deps;
  }

  async detail(caller: Caller, serviceId: string): Promise<Proposal> {
    const { access, stores, links } = this.#deps;
    const { name, hostId } = access.requireService(caller, serviceId);
    const waiting = stores.reviews.findWaiting(serviceId);
    const proposal = waiting && (await links.ask(hostId, 'service.proposal', { serviceId })).proposal;
    if (!proposal || proposal.id !== waiting?.id)
      throw new LongshoreError('not_found', { message: `No proposal for "${name}" waits for review` });
    return { ...proposal, diff: unifiedDiff('compose.yaml', proposal.runs, proposal.compose) };
  }

  async approve(caller: Caller, serviceId: string, proposalId: string): Promise<{ service: Service; job: Job }> {
    const { effects, plans, serviceJobs, services } = this.#deps;
    const { jobId } = await effects.perform(async () => {
      const { waiting } = this.#require(caller, serviceId, proposalId);
      const requireUnchanged = await plans.requireAsProposed(caller, serviceId, waiting);
      return (tx) => {
        requireUnchanged();
        return { jobId: serviceJobs.approve(tx, caller, serviceId, proposalId) };
      };
    });
    return services.showWithJob(serviceId, jobId);
  }

  async reject(caller: Caller, serviceId: string, proposalId: string): Promise<void> {
    const { effects, links } = this.#deps;
    await effects.perform(async () => {
      const { service } = this.#require(caller, serviceId, proposalId);
      await links.ask(service.hostId, 'service.reject', { serviceId, proposalId });
      return (tx) => this.#drop(tx, caller, serviceId, proposalId);
    });
  }

  #drop(tx: WriteContext, caller: Caller, serviceId: string, proposalId: string): { serviceId: string } {
    const { stores, ends, clock } = this.#deps;
    const { service, waiting } = this.#require(caller, serviceId, proposalId);
    stores.reviews.setWaiting(serviceId, null);
    const message = `The proposal for commit ${shortCommit(waiting)} was rejected by ${caller.name}`;
    const told = { serviceId, hostId: service.hostId, type: 'deploy', status: 'rejected', message };
    stores.events.insert({ ...told, at: clock.now() });
    ends.setStatus(tx, service, { ...service, reason: service.report?.reason ?? null }, clock.now());
    return { serviceId };
  }

  #require(caller: Caller, id: string, proposalId: string): { service: ServiceRecord; waiting: WaitingMark } {
    const { access, stores, serviceJobs } = this.#deps;
    const service = access.requireService(caller, id);
    const waiting = requireWaiting(service.name, stores.reviews.findWaiting(id), proposalId);
    serviceJobs.requireIdle(service);
    return { service, waiting };
  }
}
