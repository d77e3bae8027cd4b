// What this host can tell of all its containers: those of services, and those that somebody else started. Looks closely
// only at what is asked for.
import { hostname } from 'node:os';
import type { Find, HostContainer } from '#shared/adoption.ts';
import { LongshoreError } from '#shared/errors.ts';
import type { HostPage } from '#shared/protocol/host-parts.ts';
import { TOOL_LABEL, toContainerView, type Container, type ContainerSummary, type Engine } from '../docker/engine.ts';
import { ownerOf, type OwnService } from '../owner.ts';
import { groupFinds, toFind, type Group, type Surroundings } from './finds.ts';

export interface DiscoveryDeps {
  engine: Pick<Engine, 'listAll' | 'findContainer'>;
  services: { names(): OwnService[] };
  /** Compose project of what answers to names: Longshore's own. */
  edgeProject: string;
}

interface Found<T> {
  items: T[];
  total: number;
}

export class Discovery {
  readonly #deps: DiscoveryDeps;

  constructor(deps: DiscoveryDeps) {
    this.#deps = deps;
  }

  /** What no service has, by name. */
  async projects(page: HostPage): Promise<Found<Find>> {
    const { groups, around } = await this.#look();
    const { items, total } = cut(groups, page);
    return { items: await Promise.all(items.map((group) => this.#find(group, around))), total };
  }

  /** All containers, by name. */
  async containers(page: HostPage): Promise<Found<HostContainer>> {
    const all = (await this.#deps.engine.listAll()).toSorted((a, b) => (a.name < b.name ? -1 : 1));
    const { items, total } = cut(all, page);
    const services = this.#deps.services.names();
    const found = await this.#inspect(items.map(({ id }) => id));
    const toHostContainer = (container: Container): HostContainer => ({
      ...toContainerView(container),
      project: container.project,
      serviceId: ownerOf(container, services)?.serviceId ?? null,
    });
    return { items: found.map(toHostContainer), total };
  }

  /** Throws `not_found`, also for what a service has already. */
  async require(wanted: Pick<Group, 'kind' | 'name'>): Promise<Find> {
    const { groups, around } = await this.#look();
    const group = groups.find(({ kind, name }) => kind === wanted.kind && name === wanted.name);
    if (group) return this.#find(group, around);
    const what = wanted.kind === 'compose' ? 'Compose project' : 'container';
    throw new LongshoreError('not_found', { message: `The host has no ${what} "${wanted.name}" to adopt` });
  }

  async #look(): Promise<{ groups: Group[]; around: Surroundings }> {
    const all: ContainerSummary[] = await this.#deps.engine.listAll();
    const isOurs = ({ project, labels }: ContainerSummary) =>
      project === this.#deps.edgeProject || labels[TOOL_LABEL] !== undefined;
    const others = all.filter((one) => !isOurs(one));
    const services = this.#deps.services.names();
    const projects = new Set(all.map(({ project }) => project));
    return { groups: groupFinds(others, services), around: { services, projects, hostname: hostname() } };
  }

  async #find(group: Group, around: Surroundings): Promise<Find> {
    return toFind(group, await this.#inspect(group.ids), around);
  }

  /** One that is gone meanwhile is left out. */
  async #inspect(ids: readonly string[]): Promise<Container[]> {
    const found = await Promise.all(ids.map((id) => this.#deps.engine.findContainer(id)));
    return found.filter((container) => container !== undefined).toSorted((a, b) => (a.name < b.name ? -1 : 1));
  }
}

function cut<T extends { name: string }>(list: readonly T[], { page, perPage, search, isDescending }: HostPage) {
  const found = search === undefined ? [...list] : list.filter(({ name }) => name.includes(search));
  const ordered = isDescending ? found.toReversed() : found;
  return { items: ordered.slice((page - 1) * perPage, page * perPage), total: found.length };
}
