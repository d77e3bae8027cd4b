// What runs on hosts, also what Longshore did not start, as the app layer offers it. The host answers: it must be
// connected. Not for callers that are bound to a customer: a host's containers are everybody's.
import type { Find, FoundKind, HostContainer } from '#shared/adoption.ts';
import type { Caller } from './caller.ts';
import type { Job } from './jobs.ts';
import type { Order, Page, Paging } from './page.ts';
import type { Service } from './services.ts';

/** Both lists go by name. */
export interface FindQuery extends Paging {
  search?: string | undefined;
  order: Order;
}

export interface NewAdoption {
  kind: FoundKind;
  /** Of the Compose project or the container. */
  find: string;
  /** Of the service; undefined: the same. */
  name?: string | undefined;
  displayName?: string | undefined;
  category?: string | undefined;
  customerId?: string | undefined;
  labels?: Record<string, string> | undefined;
}

export interface Adoption {
  /** What no service has. 404, 403, 409 host_offline. */
  finds(caller: Caller, hostId: string, query: FindQuery): Promise<Page<Find>>;
  /** Every container. */
  containers(caller: Caller, hostId: string, query: FindQuery): Promise<Page<HostContainer>>;
  /**
   * A service of what runs, as it runs. When its job fails there is no service, as if it had never been asked for. 404
   * also without such a find; 422 by field, compose_policy; 409 name_taken, state_conflict, host_offline.
   */
  adopt(caller: Caller, hostId: string, input: NewAdoption): Promise<{ service: Service; job: Job }>;
}
