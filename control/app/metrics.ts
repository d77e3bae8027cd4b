// Puts together what a monitoring system gets: from memory and two counts, so that asking costs the fleet nothing.
import { LongshoreError } from '#shared/errors.ts';
import type { Stores } from '../store/stores.ts';
import type { Caller } from './api/caller.ts';
import type { Hosts } from './api/hosts.ts';
import type { ControlFigures, FleetFigures, Metrics } from './api/metrics.ts';
import type { Services } from './api/services.ts';
import type { HostLinks } from './hosts/host-links.ts';
import { holds } from './access/permissions.ts';

/** Each has about a dozen series: a monitoring system keeps all of them in memory, for as long as it keeps anything. */
export const MAX_HOSTS = 1_000;
export const MAX_SERVICES = 1_000;

export interface MetricsDeps {
  stores: Pick<Stores, 'jobs' | 'deliveries'>;
  hosts: Pick<Hosts, 'list'>;
  services: Pick<Services, 'list'>;
  links: Pick<HostLinks, 'connectedCount'>;
}

export class MetricsDesk implements Metrics {
  readonly #deps: MetricsDeps;

  constructor(deps: MetricsDeps) {
    this.#deps = deps;
  }

  collect(caller: Caller): FleetFigures {
    if (!holds(caller.permissions, 'services.read')) {
      throw new LongshoreError('forbidden', { details: 'Needs services.read' });
    }
    const { hosts, services } = this.#deps;
    const isWhole = caller.customerId === null && caller.hostLabels === null;
    const first = { page: 1, sort: 'name', order: 'asc' } as const;
    return {
      hosts: hosts.list(caller, { ...first, perPage: MAX_HOSTS }),
      services: services.list(caller, { ...first, perPage: MAX_SERVICES }),
      control: isWhole ? this.control() : null,
    };
  }

  /** Of the control plane itself; who may ask is the caller's business. */
  control(): ControlFigures {
    const { stores, links } = this.#deps;
    return {
      agentsConnected: links.connectedCount(),
      jobs: stores.jobs.countOpen(),
      deliveriesWaiting: stores.deliveries.countAllPending(),
    };
  }
}
