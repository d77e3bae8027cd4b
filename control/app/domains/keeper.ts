// Keeps names and edges as services want them. Level-triggered: each sweep compares everything with what was chosen and
// sent before, so whatever was missed is found. A host gets the whole of its edge, as a durable command, when it differs.
import { newId } from '#shared/ids.ts';
import { toLongshoreError } from '#shared/errors.ts';
import type { Logger } from '#shared/log.ts';
import type { Clock } from '#shared/time.ts';
import type { DomainRecord, RoutedDomain } from '../../store/domains.ts';
import type { Stores } from '../../store/stores.ts';
import type { HostLinks } from '../hosts/host-links.ts';
import { Pace } from '../pace.ts';
import { planDefaultNames, type NamePlan } from './default-names.ts';
import { digestOf, toParts, toWantedEdge, type EdgeFacts, type WantedEdge } from './edge-state.ts';
import type { Edges, HostEdge } from './edges.ts';

export interface EdgeKeeperDeps {
  stores: Stores;
  edges: Edges;
  links: Pick<HostLinks, 'isConnected' | 'nudge'>;
  clock: Clock;
  log: Logger;
}

/** What a host is to hear. */
interface NewState {
  hostId: string;
  wanted: WantedEdge;
  digest: string;
  revision: number;
}

export class EdgeKeeper {
  readonly #deps: EdgeKeeperDeps;
  readonly #pace: Pace;

  constructor(deps: EdgeKeeperDeps) {
    this.#deps = deps;
    this.#pace = new Pace(deps.stores.writer, deps.clock);
  }

  /** Safe to run at any time and twice. Never throws. */
  async sweep(): Promise<void> {
    const { stores, links, log } = this.#deps;
    try {
      if (this.#pace.rests(() => this.#isSettled())) return;
      const changed = await stores.writer.write(() => this.#settle());
      for (const hostId of changed) links.nudge(hostId);
    } catch (error) {
      log.warn({ err: toLongshoreError(error) }, 'could not look after the names of services');
    }
  }

  /** Read before anything is written: mostly nothing is to be done, and most control planes have no names at all. */
  #isSettled(): boolean {
    const { stores, edges } = this.#deps;
    if (edges.settings.baseDomain === null && !stores.hostEdges.isUsed()) return true;
    const all = edges.all();
    const { add, remove } = this.#planNames(all);
    if (add.length > 0 || remove.length > 0) return false;
    const domains = this.#domainsByHost();
    return this.#planShown(all, domains).length === 0 && this.#planStates(all, domains).length === 0;
  }

  /** Returns the hosts that have something to hear. */
  #settle(): string[] {
    const { stores, edges } = this.#deps;
    const all = edges.all();
    this.#chooseNames(all);
    const domains = this.#domainsByHost();
    for (const { id, wanted } of this.#planShown(all, domains)) stores.services.setHostname(id, wanted);
    const states = this.#planStates(all, domains);
    for (const state of states) this.#tell(state);
    return states.map(({ hostId }) => hostId);
  }

  #domainsByHost(): ReadonlyMap<string, RoutedDomain[]> {
    return Map.groupBy(this.#deps.stores.domains.routed(), ({ hostId }) => hostId);
  }

  #planNames(edges: readonly HostEdge[]): NamePlan {
    const { domains } = this.#deps.stores;
    return planDefaultNames({ services: domains.services(), edges, had: domains.routed() });
  }

  #chooseNames(edges: readonly HostEdge[]): void {
    const { domains } = this.#deps.stores;
    const { add, remove } = this.#planNames(edges);
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

  /** The first name of each service stands in its url: those where another one does. */
  #planShown(edges: readonly HostEdge[], domains: ReadonlyMap<string, RoutedDomain[]>) {
    const shown = new Map<string, string>();
    for (const { hostId } of edges.filter(({ edge }) => edge === 'caddy')) {
      for (const { serviceId, hostname } of domains.get(hostId) ?? []) {
        if (!shown.has(serviceId)) shown.set(serviceId, hostname);
      }
    }
    const services = this.#deps.stores.domains.services();
    return services.flatMap(({ id, hostname }) => {
      const wanted = shown.get(id) ?? null;
      return wanted === hostname ? [] : [{ id, wanted }];
    });
  }

  #planStates(edges: readonly HostEdge[], domains: ReadonlyMap<string, RoutedDomain[]>): NewState[] {
    const { links, stores } = this.#deps;
    const withCertificates = stores.domains.hostsWithCertificates();
    return edges.flatMap((edge) => {
      if (!links.isConnected(edge.hostId)) return [];
      const certificates = withCertificates.has(edge.hostId) ? stores.domains.certificatesOf(edge.hostId) : [];
      return this.#planState(edge, domains.get(edge.hostId) ?? [], certificates) ?? [];
    });
  }

  /** A host that never had an edge and is to have none hears nothing; one that is away hears the latest when it is back. */
  #planState(edge: HostEdge, domains: readonly RoutedDomain[], pairs: EdgeFacts['certificates']): NewState | null {
    const { hostId, sent } = edge;
    if (edge.edge === 'none' && (sent?.digest ?? null) === null) return null;
    const certificates = edge.edge === 'none' ? [] : pairs;
    const wanted = toWantedEdge({ edge, issuer: this.#deps.edges.settings.issuer, domains, certificates });
    const digest = digestOf(wanted, edge.agentVersion);
    return digest === sent?.digest ? null : { hostId, wanted, digest, revision: (sent?.revision ?? 0) + 1 };
  }

  #tell({ hostId, wanted, digest, revision }: NewState): void {
    const { stores, clock } = this.#deps;
    for (const part of toParts({ ...wanted, revision })) stores.commands.append(hostId, { kind: 'edge.put', ...part });
    stores.hostEdges.setSent(hostId, { revision, digest, at: clock.now() });
  }
}
