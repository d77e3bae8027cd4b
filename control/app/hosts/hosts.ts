// Hosts as callers see them.
import { isJobEnd } from '#shared/jobs.ts';
import type { HostFacts } from '#shared/model.ts';
import type { Clock } from '#shared/time.ts';
import type { HostRecord } from '../../store/records.ts';
import type { Stores, WriteContext } from '../../store/stores.ts';
import { isHostSeen, type Access } from '../access/access.ts';
import type { Caller } from '../api/caller.ts';
import type { Host, HostEvent, HostQuery, Hosts } from '../api/hosts.ts';
import type { Order, Page, Paging } from '../api/page.ts';
import type { IncidentLog } from '../incidents/incident-log.ts';
import type { HostLinks } from './host-links.ts';
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
    return host && isHostSeen(caller, host) ? this.#toHost(host) : undefined;
  }

  require(caller: Caller, id: string): Host {
    return this.#toHost(this.#deps.access.requireHost(caller, id));
  }

  events(caller: Caller, id: string, query: Paging & { order?: Order | undefined }): Page<HostEvent> {
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
      this.#revoke(tx, access.requireHost(caller, id));
      return null;
    });
  }

  /** What it was doing is over as far as we will ever know; its containers run on. */
  #revoke(tx: WriteContext, { id, name, revokedAt }: HostRecord): void {
    if (revokedAt !== null) return;
    const { stores, ends, links, incidents, clock } = this.#deps;
    const now = clock.now();
    stores.hosts.revoke(id, now);
    stores.hosts.setOnline(id, false);
    incidents.dismiss(tx, id, now);
    stores.commands.removeAll(id);
    stores.schedules.forgetSent(id);
    const error = { code: 'revoked', message: `Host "${name}" was revoked` };
    for (const job of stores.jobs.openOfHost(id)) {
      if (!isJobEnd(job.state)) ends.abandon(tx, job.id, 'failed', error, now);
    }
    stores.events.insert({
      hostId: id,
      type: 'host',
      status: 'revoked',
      message: error.message,
      at: now,
    });
    tx.afterCommit(() => links.drop(id));
  }

  #toHost({ id, name, labels, facts, lastSeenAt, createdAt, revokedAt }: HostRecord): Host {
    const { links, usage, clock } = this.#deps;
    const isConnected = links.isConnected(id);
    const live = isConnected ? 'connected' : 'offline';
    const status = revokedAt !== null ? 'revoked' : links.isFenced(id) ? 'fenced' : live;
    const seen = { lastSeenAt: isConnected ? clock.now() : lastSeenAt, usage: usage.findHost(id) };
    return { id, name, labels, status, facts, createdAt, ...seen };
  }
}
