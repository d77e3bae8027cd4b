// What answers to names on a host, as operators see and change it.
import type { Clock } from '#shared/time.ts';
import type { Stores } from '../../store/stores.ts';
import type { Access } from '../access/access.ts';
import type { Caller } from '../api/caller.ts';
import type { Edge, EdgeChange, HostEdges } from '../api/domains.ts';
import type { IdempotencyDesk } from '../idempotency.ts';
import { missing } from '../missing.ts';
import type { Edges } from './edges.ts';

export interface HostEdgeDeskDeps {
  stores: Stores;
  access: Access;
  effects: IdempotencyDesk;
  edges: Edges;
  clock: Clock;
}

export class HostEdgeDesk implements HostEdges {
  readonly #deps: HostEdgeDeskDeps;

  constructor(deps: HostEdgeDeskDeps) {
    this.#deps = deps;
  }

  require(caller: Caller, hostId: string): Edge {
    const { access, edges, stores } = this.#deps;
    const { id } = access.requireHost(caller, hostId);
    const edge = edges.find(id);
    if (!edge) throw missing('host', hostId);
    const record = stores.hostEdges.find(id);
    const { edge: kind, baseDomain, addresses } = edge;
    return {
      hostId: id,
      edge: kind,
      baseDomain,
      addresses,
      own: { edge: record?.edge ?? null, baseDomain: record?.baseDomain ?? null, addresses: record?.addresses ?? [] },
      issuer: edges.settings.issuer.kind,
      wantedRevision: record?.revision ?? 0,
      status: record?.status ?? null,
    };
  }

  change(caller: Caller, hostId: string, change: EdgeChange): Promise<Edge> {
    const { access, stores, effects, clock } = this.#deps;
    return effects.perform(() => () => {
      access.requireHostOperator(caller);
      const { own } = this.require(caller, hostId);
      const { edge = own.edge, baseDomain = own.baseDomain, addresses = own.addresses } = change;
      stores.hostEdges.put({ hostId, edge, baseDomain, addresses, updatedAt: clock.now() });
      return this.require(caller, hostId);
    });
  }
}
