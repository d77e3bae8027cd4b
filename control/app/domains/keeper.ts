// Keeps names and edges as services want them. Level-triggered: each sweep compares everything with what was chosen and
// sent before, so whatever was missed is found. A host gets the whole of its edge, as a durable command, when it differs.
import { newId } from '#shared/ids.ts';
import { toLongshoreError } from '#shared/errors.ts';
import type { Logger } from '#shared/log.ts';
import type { Clock } from '#shared/time.ts';
import type { DomainRecord, RoutedDomain } from '../../store/domains.ts';
import type { Stores } from '../../store/stores.ts';
import type { HostLinks } from '../hosts/host-links.ts';
import { planDefaultNames } from './default-names.ts';
import { digestOf, toParts, toWantedEdge } from './edge-state.ts';
import type { Edges, HostEdge } from './edges.ts';

export interface EdgeKeeperDeps {
  stores: Stores;
  edges: Edges;
  links: Pick<HostLinks, 'isConnected' | 'nudge'>;
  clock: Clock;
  log: Logger;
}

export class EdgeKeeper {
  readonly #deps: EdgeKeeperDeps;

  constructor(deps: EdgeKeeperDeps) {
    this.#deps = deps;
  }

  /** Safe to run at any time and twice. Never throws. */
  async sweep(): Promise<void> {
    const { stores, links, log } = this.#deps;
    try {
      if (!this.#isUsed()) return;
      const changed = await stores.writer.write(() => this.#settle());
      for (const hostId of changed) links.nudge(hostId);
    } catch (error) {
      log.warn({ err: toLongshoreError(error) }, 'could not look after the names of services');
    }
  }

  /** Most control planes have no names at all. */
  #isUsed(): boolean {
    const { stores, edges } = this.#deps;
    return edges.settings.baseDomain !== null || stores.hostEdges.whereabouts().some(({ record }) => record);
  }

  /** Returns the hosts that have something to hear. */
  #settle(): string[] {
    const edges = this.#deps.edges.all();
    this.#chooseNames(edges);
    const domains = Map.groupBy(this.#deps.stores.domains.routed(), ({ hostId }) => hostId);
    this.#showNames(edges, domains);
    return edges.filter((edge) => this.#tell(edge, domains.get(edge.hostId) ?? [])).map(({ hostId }) => hostId);
  }

  #chooseNames(edges: readonly HostEdge[]): void {
    const { domains } = this.#deps.stores;
    const { add, remove } = planDefaultNames({ services: domains.services(), edges, had: domains.routed() });
    for (const id of remove) domains.remove(id);
    for (const name of add) {
      if (!domains.findByHostname(name.hostname)) domains.insert(this.#toDefault(name));
    }
  }

  #toDefault({ serviceId, hostname }: { serviceId: string; hostname: string }): DomainRecord {
    const now = this.#deps.clock.now();
    return {
      id: newId('dom', now),
      serviceId,
      hostname,
      kind: 'default',
      target: null,
      port: null,
      redirectTo: null,
      certificate: null,
      dns: null,
      createdAt: now,
      updatedAt: now,
    };
  }

  /** The first name of each service stands in its url. */
  #showNames(edges: readonly HostEdge[], domains: ReadonlyMap<string, RoutedDomain[]>): void {
    const { stores } = this.#deps;
    const shown = new Map<string, string>();
    for (const { hostId } of edges.filter(({ edge }) => edge === 'caddy')) {
      for (const { serviceId, hostname } of domains.get(hostId) ?? []) {
        if (!shown.has(serviceId)) shown.set(serviceId, hostname);
      }
    }
    for (const { id, hostname } of stores.domains.services()) {
      const wanted = shown.get(id) ?? null;
      if (wanted !== hostname) stores.services.setHostname(id, wanted);
    }
  }

  /** A host that never had an edge and is to have none hears nothing; one that is away hears the latest when it is back. */
  #tell(edge: HostEdge, domains: readonly RoutedDomain[]): boolean {
    const { stores, edges, links, clock } = this.#deps;
    const { hostId } = edge;
    if (!links.isConnected(hostId)) return false;
    const sent = stores.hostEdges.find(hostId);
    if (edge.edge === 'none' && (sent?.digest ?? null) === null) return false;
    const certificates = edge.edge === 'none' ? [] : stores.domains.certificatesOf(hostId);
    const wanted = toWantedEdge({ edge, issuer: edges.settings.issuer, domains, certificates });
    const digest = digestOf(wanted, edge.agentVersion);
    if (digest === sent?.digest) return false;
    const revision = (sent?.revision ?? 0) + 1;
    for (const part of toParts({ ...wanted, revision })) stores.commands.append(hostId, { kind: 'edge.put', ...part });
    stores.hostEdges.setSent(hostId, { revision, digest, at: clock.now() });
    return true;
  }
}
