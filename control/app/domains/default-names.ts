// Which name below a base domain each service has. Pure. A name is chosen once: it changes only with the base domain.
import type { DomainRecord, NamedService } from '../../store/domains.ts';
import type { HostEdge } from './edges.ts';

export interface NameFacts {
  services: readonly NamedService[];
  edges: readonly HostEdge[];
  /** All names there are, custom ones too. */
  had: readonly Pick<DomainRecord, 'id' | 'serviceId' | 'hostname' | 'kind'>[];
}

export interface NamePlan {
  add: { serviceId: string; hostname: string }[];
  /** Ids of default names whose base domain is no longer theirs. */
  remove: string[];
}

/** In the order of the services: who was first has the shorter name. */
export function planDefaultNames({ services, edges, had }: NameFacts): NamePlan {
  const places = new Map(edges.map((edge) => [edge.hostId, edge]));
  const defaults = new Map(had.filter(({ kind }) => kind === 'default').map((domain) => [domain.serviceId, domain]));
  const taken = new Set(had.map(({ hostname }) => hostname));
  const plan: NamePlan = { add: [], remove: [] };
  for (const service of services) {
    const place = places.get(service.hostId);
    const base = place?.edge === 'caddy' ? place.baseDomain : null;
    const own = defaults.get(service.id);
    if (own && own.hostname.replace(/^[^.]*\./, '') === base) continue;
    if (own) plan.remove.push(own.id);
    if (base === null || !place) continue;
    const hostname = candidatesFor(service, place, base).find((candidate) => !taken.has(candidate));
    if (hostname === undefined) continue;
    taken.add(hostname);
    plan.add.push({ serviceId: service.id, hostname });
  }
  return plan;
}

/** Service names are unique on a host, not over hosts. The last one is nobody else's. */
function candidatesFor({ id, name }: NamedService, { hostName }: HostEdge, base: string): string[] {
  const host = hostName.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-');
  const tail = id.slice(-8);
  return [name, `${name}-${host}`, `${name}-${tail}`]
    .map((label) => label.replace(/^-+|-+$/g, ''))
    .filter((label) => label.length <= MAX_LABEL)
    .map((label) => `${label}.${base}`);
}

/** RFC 1035 §2.3.4. */
const MAX_LABEL = 63;
