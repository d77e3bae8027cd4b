// What answers to names on each host, by its own settings and those of the control plane.
import type { EdgeKind } from '#shared/protocol/edge-parts.ts';
import type { HostEdgeRecord, HostWhereabouts } from '../../store/host-edges.ts';
import type { Stores } from '../../store/stores.ts';
import { addressesOf } from './addresses.ts';
import type { WantedName } from '../dns/plan.ts';

export interface EdgeSettings {
  /** Below which services get names; null: they get none unless their host says so. */
  baseDomain: string | null;
  issuer: { kind: 'acme'; email: string | null; directory: string | null } | { kind: 'internal' };
}

export interface HostEdge {
  hostId: string;
  hostName: string;
  edge: EdgeKind;
  baseDomain: string | null;
  readonly addresses: string[];
  /** Null: it has not said. */
  agentVersion: string | null;
  /** Null: nothing, ever. */
  sent: Pick<HostEdgeRecord, 'revision' | 'digest'> | null;
}

export class Edges {
  readonly settings: EdgeSettings;
  readonly #stores: Pick<Stores, 'domains' | 'hostEdges'>;

  constructor(stores: Pick<Stores, 'domains' | 'hostEdges'>, settings: EdgeSettings) {
    this.#stores = stores;
    this.settings = settings;
  }

  all(): HostEdge[] {
    return this.#stores.hostEdges.whereabouts().map((host) => this.#toEdge(host));
  }

  find(hostId: string): HostEdge | undefined {
    const [host] = this.#stores.hostEdges.whereabouts(hostId);
    return host && this.#toEdge(host);
  }

  /** The names that something answers to, and where. */
  wantedNames(): WantedName[] {
    const edges = new Map(this.all().map((edge) => [edge.hostId, edge]));
    return this.#stores.domains.routed().flatMap(({ hostname, serviceId, hostId }) => {
      const edge = edges.get(hostId);
      return edge?.edge === 'caddy' ? [{ hostname, serviceId, hostId, addresses: edge.addresses }] : [];
    });
  }

  /** A base domain is a wish for names: it brings the edge along unless a host says otherwise. */
  #toEdge(host: HostWhereabouts): HostEdge {
    const baseDomain = host.record?.baseDomain ?? this.settings.baseDomain;
    const edge = host.record?.edge ?? (baseDomain === null ? 'none' : 'caddy');
    const agentVersion = host.facts?.agentVersion ?? null;
    return {
      hostId: host.hostId,
      hostName: host.name,
      edge,
      baseDomain,
      agentVersion,
      sent: host.record ?? null,
      // Judged when asked for: of ten thousand hosts that takes longer than all the rest.
      get addresses() {
        return addressesOf(host);
      },
    };
  }
}
