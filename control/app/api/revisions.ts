// The revisions of a service as the app layer offers them. The host of the service answers: it must be connected.
import type { DeployKind } from '#shared/jobs.ts';
import type { ServiceLimits } from '#shared/model.ts';
import type { RevisionSummary, ServiceChange } from '#shared/protocol/deploy-parts.ts';
import type { Caller } from './caller.ts';
import type { Job } from './jobs.ts';
import type { Service } from './services.ts';

/** What its host keeps of it, with what is known of how it came to be. */
export interface Revision extends RevisionSummary {
  /** It is what runs, or would run if the service were not stopped. */
  isCurrent: boolean;
  /** Of the job that made it; null where control does not know it, and nobody can go back to it. */
  kind: DeployKind | null;
  cause: string | null;
  /** Name of the key or person that asked for it. */
  madeBy: string | null;
  limits: ServiceLimits | null;
}

export interface RevisionDetail extends Revision {
  /** As it was handed to Compose, secrets hidden. */
  compose: string;
}

export interface RevisionDiff {
  from: number;
  to: number;
  services: ServiceChange[];
}

export interface Revisions {
  /** The newest first. 404; 409 host_offline. */
  list(caller: Caller, serviceId: string): Promise<Revision[]>;
  /** 404 also for a revision that is not kept. */
  detail(caller: Caller, serviceId: string, revision: number): Promise<RevisionDetail>;
  /** From `against`, by default the one before it, to `revision`. */
  diff(caller: Caller, serviceId: string, revision: number, against: number | undefined): Promise<RevisionDiff>;
  /**
   * Puts a revision back, by default the good one before what is wanted now, and makes what it was made from what is
   * wanted. 422 for one that is not kept; 409 service_busy, host_offline, plan_limit, customer_suspended.
   */
  rollback(caller: Caller, serviceId: string, revision: number | undefined): Promise<{ service: Service; job: Job }>;
}
