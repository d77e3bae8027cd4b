// Looking at what runs on hosts, and making services of it. A host says what a service would have to be made from; it is
// checked like any other, and the job that takes the containers over is told which they are.
import type { AdoptionDraft, Find, HostContainer } from '#shared/adoption.ts';
import type { HostPage } from '#shared/protocol/host-parts.ts';
import type { WriteContext } from '../../store/stores.ts';
import { ownerFor, type Access } from '../access/access.ts';
import type { Adoption, FindQuery, NewAdoption } from '../api/adoption.ts';
import type { Caller } from '../api/caller.ts';
import type { Job } from '../api/jobs.ts';
import type { Page } from '../api/page.ts';
import type { NewService, Service } from '../api/services.ts';
import { planCreate, requireFreeName, type CreateDeps, type Created } from '../services/create-service.ts';
import type { HostLinks } from '../hosts/host-links.ts';
import type { IdempotencyDesk } from '../idempotency.ts';
import { requireOpen } from '../services/placement.ts';
import { requireName } from '../services/service-draft.ts';
import type { ServiceDesk } from '../services/services.ts';

export interface AdoptionDeps {
  access: Access;
  effects: IdempotencyDesk;
  links: Pick<HostLinks, 'ask'>;
  create: CreateDeps;
  services: Pick<ServiceDesk, 'showWithJob'>;
}

export class AdoptionDesk implements Adoption {
  readonly #deps: AdoptionDeps;

  constructor(deps: AdoptionDeps) {
    this.#deps = deps;
  }

  async finds(caller: Caller, hostId: string, query: FindQuery): Promise<Page<Find>> {
    const host = this.#requireHost(caller, hostId);
    return { ...(await this.#deps.links.ask(host, 'host.projects', toHostPage(query))), ...pagingOf(query) };
  }

  async containers(caller: Caller, hostId: string, query: FindQuery): Promise<Page<HostContainer>> {
    const host = this.#requireHost(caller, hostId);
    return { ...(await this.#deps.links.ask(host, 'host.containers', toHostPage(query))), ...pagingOf(query) };
  }

  async adopt(caller: Caller, hostId: string, input: NewAdoption): Promise<{ service: Service; job: Job }> {
    const { effects, services } = this.#deps;
    const { serviceId, jobId } = await effects.perform(() => this.#plan(caller, hostId, input));
    return services.showWithJob(serviceId, jobId);
  }

  /** What needs no answer of the host is refused before it is asked. */
  async #plan(caller: Caller, hostId: string, input: NewAdoption): Promise<(tx: WriteContext) => Created> {
    const { links, create } = this.#deps;
    const { kind, find, name = find } = input;
    const host = this.#requireHost(caller, hostId);
    requireOpen(create.stores.hosts.find(host));
    requireName(name);
    requireFreeName(create, { hostId: host, name });
    const customerId = ownerFor(caller, input.customerId);
    create.customerRules.requireKnown(customerId);
    const question = { kind, name: find, as: name, mayReadFiles: customerId === null };
    const { draft } = await links.ask(host, 'host.adoption', question);
    return planCreate(create, caller, toNewService(input, { name, hostId: host }, draft), draft.containers);
  }

  #requireHost(caller: Caller, hostId: string): string {
    const { access } = this.#deps;
    const { id } = access.requireHost(caller, hostId);
    access.requireOperator(caller, 'see what else runs on a host');
    return id;
  }
}

const toHostPage = ({ page, perPage, search, order }: FindQuery): HostPage => ({
  page,
  perPage,
  ...(search !== undefined && { search }),
  isDescending: order === 'desc',
});

const pagingOf = ({ page, perPage }: FindQuery) => ({ page, perPage });

const toNewService = (
  { displayName, category, customerId, labels }: NewAdoption,
  place: { name: string; hostId: string },
  { compose, variables }: AdoptionDraft,
): NewService => ({
  ...place,
  displayName,
  category,
  customerId,
  labels,
  variables,
  source: { method: 'compose', compose },
});
