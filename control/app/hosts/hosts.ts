// Hosts as callers see them, and the tokens by which new ones come in.
import { LongshoreError } from '#shared/errors.ts';
import { newId } from '#shared/ids.ts';
import { createJoinSecret, formatJoinToken, hashJoinSecret } from '#shared/protocol/identity.ts';
import { isJobEnd } from '#shared/jobs.ts';
import type { HostFacts } from '#shared/model.ts';
import type { Clock } from '#shared/time.ts';
import type { HostRecord } from '../../store/records.ts';
import type { Stores, WriteContext } from '../../store/stores.ts';
import { hasLabels, isHostSeen, type Access } from '../access/access.ts';
import { readAddressRange } from '../access/address-range.ts';
import type { Caller } from '../api/caller.ts';
import type { Host, HostEvent, HostQuery, Hosts, NewJoinToken } from '../api/hosts.ts';
import type { Order, Page, Paging } from '../api/page.ts';
import type { HostLinks } from './host-links.ts';
import type { IdempotencyDesk } from '../idempotency.ts';
import type { JobEnds } from '../jobs/job-ends.ts';
import type { UsageBoard } from '../services/usage-board.ts';

/** A token lies in shell histories and chat logs: it must not be worth much for long. */
const MAX_LIFE_S = 24 * 3600;
const DEFAULT_LIFE_S = 3600;
const MAX_USES = 1000;
/** Where the agent keeps its things on a machine of its own. */
const AGENT_DIR = '/var/lib/longshore';

export interface HostDeskDeps {
  stores: Stores;
  access: Access;
  effects: IdempotencyDesk;
  ends: JobEnds;
  links: HostLinks;
  usage: Pick<UsageBoard, 'findHost'>;
  clock: Clock;
  /** Where hosts reach control: asked at each token, because the port may be known late. */
  publicUrl: () => string;
  /** Pin of control's key; goes into each token. */
  controlPin: string;
}

export type CreatedToken = Awaited<ReturnType<Hosts['createJoinToken']>>;

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

  createJoinToken(caller: Caller, input: NewJoinToken): Promise<CreatedToken> {
    const { effects, stores, access, clock, publicUrl, controlPin } = this.#deps;
    return effects.perform(() => {
      access.requireHostOperator(caller);
      checkToken(caller, input);
      const now = clock.now();
      const secret = createJoinSecret();
      const record = {
        id: newId('jtk', now),
        secretHash: hashJoinSecret(secret),
        labels: { ...caller.hostLabels, ...input.labels },
        maxUses: input.uses ?? 1,
        addressRange: input.addressRange ?? null,
        createdBy: caller.keyId,
        createdAt: now,
        expiresAt: now + (input.expiresInS ?? DEFAULT_LIFE_S) * 1000,
      };
      const url = publicUrl();
      const token = formatJoinToken({ url, tokenId: record.id, secret, controlPin });
      const command = `longshore agent --token ${token} --data-dir ${AGENT_DIR}`;
      return () => {
        stores.joinTokens.insert(record);
        return { id: record.id, token, expiresAt: record.expiresAt, command };
      };
    });
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
    const { stores, ends, links, clock } = this.#deps;
    const now = clock.now();
    stores.hosts.revoke(id, now);
    stores.hosts.setOnline(id, false);
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

function checkToken(caller: Caller, { uses = 1, expiresInS = 1, addressRange, labels = {} }: NewJoinToken): void {
  const fields: Record<string, string> = {};
  if (!isWithin(uses, MAX_USES)) fields['uses'] = `must be 1 to ${MAX_USES}`;
  if (!isWithin(expiresInS, MAX_LIFE_S)) fields['expires_in'] = `must be 1 to ${MAX_LIFE_S} seconds`;
  if (addressRange !== undefined && !readAddressRange(addressRange)) {
    fields['address_range'] = 'must be an address or a range such as 203.0.113.0/24';
  }
  if (Object.keys(fields).length > 0) throw new LongshoreError('validation_error', { fields });
  if (caller.hostLabels && !hasLabels({ ...caller.hostLabels, ...labels }, caller.hostLabels)) {
    throw new LongshoreError('forbidden', { message: 'This API key is bound to hosts with other labels' });
  }
}

const isWithin = (value: number, max: number): boolean => Number.isInteger(value) && value >= 1 && value <= max;
