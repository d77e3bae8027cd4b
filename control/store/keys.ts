// API keys by the hash of their secret.
import type { Database } from '../db/database.ts';
import { hasLabelsSql, parseJson, orderBy, selectPage, toJson, type Paged, type PageRequest } from './page.ts';
import { RecordCache } from './record-cache.ts';
import type { KeyRecord } from './access-records.ts';

interface KeyRow {
  id: string;
  name: string;
  hint: string;
  secret_hash: string;
  permissions: string;
  customer_id: string | null;
  host_labels: string | null;
  rate_limit: number | null;
  created_at: number;
  expires_at: number | null;
  last_used_at: number | null;
}

export interface KeyFilter extends PageRequest {
  boundTo: Pick<KeyRecord, 'customerId' | 'hostLabels'>;
  /** Names of columns. */
  sort?: 'created_at' | 'name' | undefined;
  order?: 'asc' | 'desc' | undefined;
}

/** Keys that call again and again; less than 1 KB each. */
const MAX_KEPT_KEYS = 1000;

export class KeyStore {
  readonly #db: Database;
  readonly #byHash: RecordCache<KeyRecord>;

  constructor(db: Database) {
    this.#db = db;
    this.#byHash = new RecordCache(db, MAX_KEPT_KEYS);
  }

  insert(key: KeyRecord): void {
    this.#db.run(
      `INSERT INTO api_keys (id, name, hint, secret_hash, permissions, customer_id, host_labels, rate_limit, created_at,
         expires_at, last_used_at)
       VALUES (:id, :name, :hint, :secretHash, :permissions, :customerId, :hostLabels, :rateLimit, :createdAt,
         :expiresAt, :lastUsedAt)`,
      { ...key, permissions: JSON.stringify(key.permissions), hostLabels: toJson(key.hostLabels) },
    );
  }

  find(id: string): KeyRecord | undefined {
    const row = this.#db.get<KeyRow>('SELECT * FROM api_keys WHERE id = :id', { id });
    return row && toKey(row);
  }

  findByHash(secretHash: string): KeyRecord | undefined {
    return this.#byHash.find(secretHash, () => {
      const row = this.#db.get<KeyRow>('SELECT * FROM api_keys WHERE secret_hash = :secretHash', { secretHash });
      return row && toKey(row);
    });
  }

  /** Keys bound at least as tightly as `boundTo`. */
  list(query: KeyFilter): Paged<KeyRecord> {
    const { customerId, hostLabels } = query.boundTo;
    const { items, total } = selectPage<KeyRow>(
      this.#db,
      {
        table: 'api_keys',
        conditions: [
          ['customer_id = :customerId', { customerId: customerId ?? undefined }],
          [hasLabelsSql('api_keys'), { hostLabels: toJson(hostLabels) ?? undefined }],
        ],
        orderBy: orderBy(query.sort ?? 'created_at', query.order ?? 'asc'),
      },
      query,
    );
    return { items: items.map(toKey), total };
  }

  remove(id: string): boolean {
    this.#forget(id);
    return this.#db.run('DELETE FROM api_keys WHERE id = :id', { id }) > 0;
  }

  setUsed(id: string, at: number): void {
    this.#forget(id);
    this.#db.run('UPDATE api_keys SET last_used_at = :at WHERE id = :id', { id, at });
  }

  #forget(id: string): void {
    const key = this.find(id);
    if (key) this.#byHash.forget(key.secretHash);
  }

  idsOfCustomer(customerId: string): string[] {
    return this.#db
      .all<{ id: string }>('SELECT id FROM api_keys WHERE customer_id = :customerId', { customerId })
      .map(({ id }) => id);
  }

  /** Ids of the keys whose time ended in (after, until]. */
  expiredBetween(after: number, until: number): string[] {
    return this.#db
      .all<{ id: string }>('SELECT id FROM api_keys WHERE expires_at > :after AND expires_at <= :until', {
        after,
        until,
      })
      .map(({ id }) => id);
  }
}

function toKey(row: KeyRow): KeyRecord {
  return {
    id: row.id,
    name: row.name,
    hint: row.hint,
    secretHash: row.secret_hash,
    permissions: JSON.parse(row.permissions) as string[],
    customerId: row.customer_id,
    hostLabels: parseJson<Record<string, string>>(row.host_labels),
    rateLimit: row.rate_limit,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    lastUsedAt: row.last_used_at,
  };
}
