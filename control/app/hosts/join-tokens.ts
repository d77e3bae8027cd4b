// The tokens by which new hosts come in: made, looked at, ended. Only the hash of a token's secret is kept.
import { LongshoreError } from '#shared/errors.ts';
import { newId } from '#shared/ids.ts';
import { createJoinSecret, formatJoinToken, hashJoinSecret } from '#shared/protocol/identity.ts';
import type { Clock } from '#shared/time.ts';
import type { JoinTokenRecord } from '../../store/access-records.ts';
import type { Stores } from '../../store/stores.ts';
import { hasLabels, type Access } from '../access/access.ts';
import { readAddressRange } from '../access/address-range.ts';
import type { Caller } from '../api/caller.ts';
import type { Host } from '../api/hosts.ts';
import type { JoinToken, JoinTokens, MadeJoinToken, NewJoinToken } from '../api/join-tokens.ts';
import type { Order, Page, Paging } from '../api/page.ts';
import type { IdempotencyDesk } from '../idempotency.ts';
import { missing } from '../missing.ts';
import { toJoinLines } from './join-lines.ts';
import type { JoinRefusals } from './join-refusals.ts';

/** A token lies in shell histories and chat logs: it must not be worth much for long. */
const MAX_LIFE_S = 24 * 3600;
const DEFAULT_LIFE_S = 3600;
const MAX_USES = 1000;

export interface JoinTokenDeskDeps {
  stores: Stores;
  access: Access;
  effects: IdempotencyDesk;
  refusals: Pick<JoinRefusals, 'find'>;
  /** Undefined for one that is not there or that the caller may not see. */
  findHost: (caller: Caller, id: string) => Host | undefined;
  clock: Clock;
  /** Where hosts reach control: asked at each token, because the port may be known late. */
  publicUrl: () => string;
  /** Pin of control's identity, and of the TLS key that it shows at a URL where no authority vouches for it. */
  controlPin: string;
  tlsPinFor: (url: string) => string | undefined;
}

export class JoinTokenDesk implements JoinTokens {
  readonly #deps: JoinTokenDeskDeps;

  constructor(deps: JoinTokenDeskDeps) {
    this.#deps = deps;
  }

  create(caller: Caller, input: NewJoinToken): Promise<MadeJoinToken> {
    const { effects, stores, access } = this.#deps;
    return effects.perform(() => {
      access.requireHostOperator(caller);
      checkToken(caller, input);
      const secret = createJoinSecret();
      const record = this.#toRecord(caller, input, secret);
      const made = this.#present(record, secret);
      return () => {
        stores.joinTokens.insert(record);
        return made;
      };
    });
  }

  list(caller: Caller, { page, perPage, order = 'asc' }: Paging & { order?: Order | undefined }): Page<JoinToken> {
    const { stores, access } = this.#deps;
    access.requireHostOperator(caller);
    const { hostLabels } = caller;
    const { items, total } = stores.joinTokens.list({ page, perPage, order, hostLabels });
    return { items: items.map((record) => this.#toToken(record)), total, page, perPage };
  }

  require(caller: Caller, id: string): JoinToken & { hosts: Host[] } {
    const record = this.#requireRecord(caller, id);
    const { stores, findHost } = this.#deps;
    const hosts = stores.joinTokens.hostsOf(id).flatMap((hostId) => findHost(caller, hostId) ?? []);
    return { ...this.#toToken(record), hosts };
  }

  async end(caller: Caller, id: string): Promise<void> {
    const { effects, stores, clock } = this.#deps;
    await effects.perform(() => () => {
      this.#requireRecord(caller, id);
      stores.joinTokens.end(id, clock.now());
      return null;
    });
  }

  #toRecord(caller: Caller, input: NewJoinToken, secret: string): JoinTokenRecord {
    const now = this.#deps.clock.now();
    return {
      id: newId('jtk', now),
      secretHash: hashJoinSecret(secret),
      labels: { ...caller.hostLabels, ...input.labels },
      maxUses: input.uses ?? 1,
      addressRange: input.addressRange ?? null,
      createdBy: caller.keyId,
      createdAt: now,
      expiresAt: now + (input.expiresInS ?? DEFAULT_LIFE_S) * 1000,
    };
  }

  #present({ id, expiresAt }: JoinTokenRecord, secret: string): MadeJoinToken {
    const { publicUrl, controlPin, tlsPinFor } = this.#deps;
    const url = publicUrl();
    const tlsPin = tlsPinFor(url);
    const token = formatJoinToken({ url, tokenId: id, secret, controlPin, tlsPin });
    return { id, token, expiresAt, url, tlsPin: tlsPin ?? null, ...toJoinLines({ url, token, tlsPin }) };
  }

  #requireRecord(caller: Caller, id: string): JoinTokenRecord {
    const { stores, access } = this.#deps;
    access.requireHostOperator(caller);
    const record = stores.joinTokens.find(id);
    if (record && hasLabels(record.labels, caller.hostLabels ?? {})) return record;
    throw missing('join token', id);
  }

  #toToken({ id, labels, maxUses, addressRange, createdAt, expiresAt }: JoinTokenRecord): JoinToken {
    const { stores, refusals, clock } = this.#deps;
    const uses = stores.joinTokens.countUses(id);
    const status = uses >= maxUses ? 'used_up' : expiresAt <= clock.now() ? 'expired' : 'open';
    return { id, status, labels, maxUses, uses, addressRange, createdAt, expiresAt, refusal: refusals.find(id) };
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
