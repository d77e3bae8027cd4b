// Plans of deploys as the app layer offers them: what would happen, with nothing happening. The host answers: it must be
// connected, and the service must not be busy.
import type { PullPolicy } from '#shared/jobs.ts';
import type { DeployPlan as HostPlan } from '#shared/protocol/deploy-parts.ts';
import type { Caller } from './caller.ts';
import type { NewService, ServiceChange } from './services.ts';

export interface DeployPlan extends Omit<HostPlan, 'digest'> {
  hostId: string;
  /** False for a change that reaches no container: the plan is then what a deploy would do anyway. */
  deploys: boolean;
  /** Names this plan to the change or redeploy that is to do exactly this; null for a service that is not there yet. */
  planId: string | null;
  /** Of the plan's id. */
  expiresAt: number | null;
}

export interface DeployPlans {
  /** Errors as create; 409 host_offline. What the policy refuses is listed instead. */
  planNew(caller: Caller, input: NewService): Promise<DeployPlan>;
  /** Of a change, or with an empty one of a redeploy. Errors as update and redeploy; what the policy refuses is listed. */
  planChange(caller: Caller, id: string, change: ServiceChange, pull: PullPolicy | undefined): Promise<DeployPlan>;
}
