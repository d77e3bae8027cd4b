// Drift as the app layer offers it: what runs beside what the good revision says. The host of the service answers: it
// must be connected.
import type { ShownDrift } from '#shared/protocol/drift-parts.ts';
import type { Caller } from './caller.ts';
import type { Job } from './jobs.ts';
import type { Service } from './services.ts';

export interface Drifts {
  /** Looked for now. 404; 409 host_offline. */
  detail(caller: Caller, serviceId: string): Promise<ShownDrift>;
  /** Makes what drifted what it was. 409 service_busy, state_conflict, host_offline, customer_suspended. */
  revert(caller: Caller, serviceId: string): Promise<{ service: Service; job: Job }>;
  /**
   * Makes what lives now what is wanted, without touching a container. 409 state_conflict for what no file of the service
   * can say; 422 compose_policy; 409 service_busy, host_offline, plan_limit, customer_suspended.
   */
  accept(caller: Caller, serviceId: string): Promise<{ service: Service; job: Job }>;
}
