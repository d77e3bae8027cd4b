// Images of services and hosts as the app layer offers them.
import type { PruneRequest, PruneResult } from '#shared/protocol/image-parts.ts';
import type { Caller } from './caller.ts';
import type { ServiceDetail } from './services.ts';

export interface Images {
  /** Has its host look now. Throws not_found, host_offline, timed_out. */
  checkUpdates(caller: Caller, serviceId: string): Promise<ServiceDetail>;
  /** Throws not_found, forbidden for a key that is bound to a customer, host_offline, service_busy. */
  prune(caller: Caller, hostId: string, request: PruneRequest): Promise<PruneResult>;
}
