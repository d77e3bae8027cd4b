// API keys: made here, shown once, stored as a hash. The guard asks `identify` for every request and upgrade.
import { randomBytes } from 'node:crypto';
import { LongshoreError } from '#shared/errors.ts';
import { newId } from '#shared/ids.ts';
import { sha256 } from '#shared/secrets.ts';
import type { Clock } from '#shared/time.ts';
import type { KeyRecord } from '../../store/access-records.ts';
import type { Stores, WriteContext } from '../../store/stores.ts';
import { hasLabels, isBoundWithin } from './access.ts';
import type { Caller } from '../api/caller.ts';
import type { ApiKey, KeyQuery, Keys } from '../api/keys.ts';
import type { Page } from '../api/page.ts';
import { CredentialLife } from './credential-life.ts';
import type { CustomerRules } from '../customers/customer-rules.ts';
import type { IdempotencyDesk } from '../idempotency.ts';
import { holds, isPermission, PERMISSIONS, type Permission } from './permissions.ts';
import { missing } from '../missing.ts';

const SECRET_BYTES = 32;
export const HINT_CHARS = 10; // `lsk_` and six more: tells keys apart, gives nothing away
export type NewKey = Parameters<Keys['create']>[1];

export const createKeySecret = (): string => `lsk_${randomBytes(SECRET_BYTES).toString('base64url')}`;

export class KeyDesk implements Keys {
  readonly #stores: Stores;
  readonly #effects: IdempotencyDesk;
  readonly #customerRules: CustomerRules;
  readonly #clock: Clock;
  readonly #life: CredentialLife;
  #expiryCheckedAt: number;

  constructor(stores: Stores, effects: IdempotencyDesk, customerRules: CustomerRules, clock: Clock) {
    this.#stores = stores;
    this.#life = new CredentialLife(stores.writer, (id, at) => stores.keys.setUsed(id, at));
    this.#effects = effects;
    this.#customerRules = customerRules;
    this.#clock = clock;
    this.#expiryCheckedAt = clock.now();
  }

  identify(secret: string): Caller | undefined {
    // Hash and lookup happen for any input, so a missing key takes as long as an unknown one.
    const key = this.#stores.keys.findByHash(sha256(secret));
    if (!key || this.#isOver(key)) return undefined;
    this.#life.use(key.id, this.#clock.now());
    const { id, name, customerId, hostLabels, rateLimit } = key;
    const permissions = key.permissions as Permission[];
    return { kind: 'key', keyId: id, name, permissions, customerId, hostLabels, rateLimit };
  }

  isLive(id: string): boolean {
    const key = this.#stores.keys.find(id);
    return key !== undefined && !this.#isOver(key);
  }

  list(caller: Caller, query: KeyQuery): Page<ApiKey> {
    const { items, total } = this.#stores.keys.list({ ...query, boundTo: caller });
    return { items: items.map((key) => this.#withUse(key)), total, page: query.page, perPage: query.perPage };
  }

  require(caller: Caller, id: string): ApiKey {
    return this.#withUse(this.#requireSeen(caller, id));
  }

  async create(caller: Caller, input: NewKey): Promise<{ key: ApiKey; secret: string }> {
    return this.#effects.perform(() => {
      this.#requireGivable(caller, input);
      const secret = createKeySecret();
      const key = this.#toRecord(caller, input, secret);
      return () => {
        this.#customerRules.requireKnown(key.customerId);
        this.#stores.keys.insert(key);
        return { key: toApiKey(key), secret };
      };
    });
  }

  async revoke(caller: Caller, id: string): Promise<void> {
    await this.#effects.perform(() => (tx) => {
      this.#requireSeen(caller, id);
      this.revokeNow(tx, id);
      return null;
    });
  }

  /** Keys of a customer that is being deleted go with it. */
  revokeOfCustomer(tx: WriteContext, customerId: string): void {
    for (const id of this.#stores.keys.idsOfCustomer(customerId)) this.revokeNow(tx, id);
  }

  /** Inside a write of somebody who may. */
  revokeNow(tx: WriteContext, id: string): void {
    this.#stores.keys.remove(id);
    tx.afterCommit(() => this.#life.end(id));
  }

  onRevoked(listener: (keyId: string) => void): () => void {
    return this.#life.onEnd(listener);
  }

  /** Tells of the keys that expired since the last call; they stay listed, so that their owner sees why. */
  async endExpired(): Promise<void> {
    const [after, until] = [this.#expiryCheckedAt, this.#clock.now()];
    this.#expiryCheckedAt = until;
    for (const id of this.#stores.keys.expiredBetween(after, until)) this.#life.end(id);
  }

  /** Writes down when keys were last used. */
  noteUses(): Promise<void> {
    return this.#life.noteUses();
  }

  #requireSeen(caller: Caller, id: string): KeyRecord {
    const key = this.#stores.keys.find(id);
    if (key && isBoundWithin(caller, key)) return key;
    throw missing('API key', id);
  }

  #isOver({ expiresAt }: KeyRecord): boolean {
    return expiresAt !== null && expiresAt <= this.#clock.now();
  }

  #withUse(key: KeyRecord): ApiKey {
    return toApiKey({ ...key, lastUsedAt: this.#life.lastUse(key.id) ?? key.lastUsedAt });
  }

  #toRecord(caller: Caller, input: NewKey, secret: string): KeyRecord {
    const now = this.#clock.now();
    return {
      id: newId('key', now),
      name: input.name,
      hint: secret.slice(0, HINT_CHARS),
      secretHash: sha256(secret),
      permissions: input.permissions,
      customerId: input.customerId ?? caller.customerId,
      hostLabels: input.hostLabels ?? caller.hostLabels,
      rateLimit: input.rateLimit ?? caller.rateLimit,
      createdAt: now,
      expiresAt: input.expiresAt ?? this.#expiryOf(caller),
      lastUsedAt: null,
    };
  }

  /** Nobody gives what it does not hold: neither permissions nor a wider binding nor a longer life. */
  #requireGivable(caller: Caller, input: NewKey): void {
    const { customerId, hostLabels, rateLimit } = caller;
    if (input.expiresAt !== undefined && input.expiresAt <= this.#clock.now())
      throw new LongshoreError('validation_error', { fields: { expires_at: 'must be in the future' } });
    const own = this.#expiryOf(caller);
    const missing = input.permissions.find((permission) => !covers(caller.permissions, permission));
    if (missing !== undefined) throw forbidden(`permission "${missing}"`);
    if (customerId !== null && (input.customerId ?? customerId) !== customerId) throw forbidden('another customer');
    if (hostLabels && !hasLabels(input.hostLabels ?? hostLabels, hostLabels)) throw forbidden('other hosts');
    if (rateLimit !== null && (input.rateLimit ?? rateLimit) > rateLimit) throw forbidden('a higher rate limit');
    if (own !== null && (input.expiresAt ?? own) > own) throw forbidden('a longer life');
  }

  #expiryOf(caller: Caller): number | null {
    return this.#stores.keys.find(caller.keyId)?.expiresAt ?? null;
  }
}

/** Whether `granted` holds all that a permission stands for. */
function covers(granted: readonly Permission[], permission: Permission): boolean {
  if (!isPermission(permission)) return false;
  if (granted.includes('*') || granted.includes(permission)) return true;
  if (permission === '*') return false;
  const parts = PERMISSIONS.filter((exact) => holds([permission], exact));
  return parts.every((exact) => holds(granted, exact));
}

function toApiKey({ secretHash: _s, permissions, ...key }: KeyRecord): ApiKey {
  return { ...key, permissions: permissions as Permission[] };
}

const forbidden = (what: string): LongshoreError =>
  new LongshoreError('forbidden', { message: `This API key cannot give ${what}: it does not hold it` });
