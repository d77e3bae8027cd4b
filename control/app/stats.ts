// What hosts and services used. None of it is stored here: the host has it.
import type { Access } from './access/access.ts';
import type { Caller } from './api/caller.ts';
import type { HostStats, ServiceStats, Stats, StretchAsked } from './api/stats.ts';
import type { HostLinks } from './hosts/host-links.ts';

export interface StatsDeps {
  access: Access;
  links: Pick<HostLinks, 'ask'>;
}

export class StatsDesk implements Stats {
  readonly #deps: StatsDeps;

  constructor(deps: StatsDeps) {
    this.#deps = deps;
  }

  async host(caller: Caller, id: string, asked: StretchAsked): Promise<HostStats> {
    const { access, links } = this.#deps;
    return links.ask(access.requireHost(caller, id).id, 'host.stats', asked);
  }

  async service(
    caller: Caller,
    id: string,
    asked: StretchAsked & { container?: string | undefined },
  ): Promise<ServiceStats> {
    const { access, links } = this.#deps;
    const { hostId } = access.requireService(caller, id);
    return links.ask(hostId, 'service.stats', { serviceId: id, ...asked });
  }
}
