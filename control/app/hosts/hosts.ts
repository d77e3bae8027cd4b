// Hosts as callers see them.
import type { HostFacts } from '#shared/model.ts';
import type { Clock } from '#shared/time.ts';
import type { HostRecord } from '../../store/records.ts';
import type { Stores } from '../../store/stores.ts';
import { isHostSeen, type Access } from '../access/access.ts';
import type { Caller } from '../api/caller.ts';
import type { Host, HostEvent, HostEventQuery, HostQuery, Hosts } from '../api/hosts.ts';
import type { Page } from '../api/page.ts';
import type { IncidentLog } from '../incidents/incident-log.ts';
import type { HostLinks } from './host-links.ts';
import { shutOut } from './shut-out.ts';
import type { IdempotencyDesk } from '../idempotency.ts';
import type { JobEnds } from '../jobs/job-ends.ts';
import type { UsageBoard } from '../services/usage-board.ts';

export interface HostDeskDeps {
  stores: Stores;
  access: Access;
  effects: IdempotencyDesk;
  ends: JobEnds;
  links: HostLinks;
  incidents: IncidentLog;
  usage: Pick<UsageBoard, 'findHost'>;
  clock: Clock;
}

export class HostDesk implements Hosts {
  readonly #deps: HostDeskDeps;

  constructor(deps: HostDeskDeps) {
    this.#deps = deps;
  }

  list(caller: Caller, query: HostQuery): Page<Host> {
    const { stores, access } = this.#deps;
    const { hostIds } = access.visibility(caller);
    const { items, total } = stores.hosts.list({ ...query, hostIds });
    return { items: items.map((host) => this.#toHost(host)), total, page: query.page, perPage: query.perPage };
  }

  find(caller: Caller, id: string): Host | undefined {
    const host = this.#deps.stores.hosts.find(id);
    return host && host.removedAt === null && isHostSeen(caller, host) ? this.#toHost(host) : undefined;
  }

  require(caller: Caller, id: string): Host {
    return this.#toHost(this.#deps.access.requireHost(caller, id));
  }

  events(caller: Caller, id: string, query: HostEventQuery): Page<HostEvent> {
    const { stores, access } = this.#deps;
    access.requireOperator(caller, 'see what happened to hosts'); // it may name services of anybody
    const { id: hostId } = access.requireHost(caller, id);
    const { page, perPage } = query;
    return { ...stores.events.list({ ...query, hostId, type: 'host' }), page, perPage };
  }

  findFacts(caller: Caller, id: string): HostFacts | null {
    const card = this.#deps.stores.hosts.findCard(id);
    return card && isHostSeen(caller, card) ? card.facts : null;
  }

  async revoke(caller: Caller, id: string): Promise<void> {
    const { effects, access } = this.#deps;
    await effects.perform(() => (tx) => {
      access.requireHostOperator(caller);
      shutOut(this.#deps, tx, access.requireHost(caller, id));
      return null;
    });
  }

  #toHost(host: HostRecord): Host {
    const { links, usage, clock } = this.#deps;
    const { id, name, labels, facts, factsAt, lastSeenAt, createdAt, cordonedAt, drainedAt } = host;
    const status = this.#statusOf(host);
    const isConnected = links.isConnected(id);
    const seen = { lastSeenAt: isConnected ? clock.now() : lastSeenAt, usage: usage.findHost(id) };
    const statusSince = this.#since(host, status);
    return { id, name, labels, status, statusSince, facts, factsAt, createdAt, cordonedAt, drainedAt, ...seen };
  }

  #statusOf({ id, revokedAt }: HostRecord): Host['status'] {
    const { links } = this.#deps;
    if (revokedAt !== null) return 'revoked';
    if (links.isFenced(id)) return 'fenced';
    return links.isConnected(id) ? 'connected' : 'offline';
  }

  #since({ id, revokedAt, lastSeenAt }: HostRecord, status: Host['status']): number | null {
    const { links, stores } = this.#deps;
    if (status === 'revoked') return revokedAt;
    if (status === 'connected') return links.connectedAt(id);
    if (status === 'offline') return lastSeenAt;
    return stores.incidents.findOpenOf(id, 'host.identity_conflict')?.startedAt ?? lastSeenAt;
  }
}
