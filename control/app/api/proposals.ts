// Proposals of AI deploys as the app layer offers them: worked out on the host, done only when somebody approves. The host
// of the service answers: it must be connected.
import type { WaitingProposal } from '#shared/protocol/deploy-parts.ts';
import type { Caller } from './caller.ts';
import type { Job } from './jobs.ts';
import type { Service } from './services.ts';

export interface Proposal extends WaitingProposal {
  /** From what runs to what is proposed; empty where that is the same text. */
  diff: string;
}

export interface Proposals {
  /** 404 when none waits; 409 host_offline. */
  detail(caller: Caller, serviceId: string): Promise<Proposal>;
  /**
   * Deploys exactly what was shown under this id. 409 state_conflict when another one waits, or none, and when it would
   * do anything else by now; service_busy, host_offline, plan_limit, customer_suspended.
   */
  approve(caller: Caller, serviceId: string, proposalId: string): Promise<{ service: Service; job: Job }>;
  /** Forgets it: the next deploy asks anew. 409 as approve. */
  reject(caller: Caller, serviceId: string, proposalId: string): Promise<void>;
}
