// Join tokens: only the hash of the secret, and who used it.
import type { Database } from '../db/database.ts';
import type { JoinTokenRecord } from './access-records.ts';
import { hasLabelsSql, orderBy, selectPage, type Paged, type PageRequest } from './page.ts';

interface TokenRow {
  id: string;
  secret_hash: string;
  labels: string;
  max_uses: number;
  address_range: string | null;
  created_by: string;
  created_at: number;
  expires_at: number;
}

export interface JoinTokenFilter extends PageRequest {
  hostLabels: Record<string, string> | null;
  order: 'asc' | 'desc';
}

export class JoinTokenStore {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  insert(token: JoinTokenRecord): void {
    this.#db.run(
      `INSERT INTO join_tokens (id, secret_hash, labels, max_uses, address_range, created_by, created_at, expires_at)
       VALUES (:id, :secretHash, :labels, :maxUses, :addressRange, :createdBy, :createdAt, :expiresAt)`,
      { ...token, labels: JSON.stringify(token.labels) },
    );
  }

  find(id: string): JoinTokenRecord | undefined {
    const row = this.#db.get<TokenRow>('SELECT * FROM join_tokens WHERE id = :id', { id });
    return row && toToken(row);
  }

  /** Those that carry at least these labels; all of them for null. */
  list({ hostLabels, order, ...page }: JoinTokenFilter): Paged<JoinTokenRecord> {
    const wanted = hostLabels === null ? undefined : JSON.stringify(hostLabels);
    const conditions = [[hasLabelsSql('join_tokens', 'labels'), { hostLabels: wanted }]] as const;
    const listing = { table: 'join_tokens', conditions, orderBy: orderBy('created_at', order) };
    const { items, total } = selectPage<TokenRow>(this.#db, listing, page);
    return { items: items.map(toToken), total };
  }

  hostsOf(id: string): string[] {
    const rows = this.#db.all<{ host_id: string }>(
      'SELECT host_id FROM token_uses WHERE token_id = :id GROUP BY host_id ORDER BY min(at), host_id',
      { id },
    );
    return rows.map((row) => row.host_id);
  }

  /** Not removed: a host that repeats its enrolment is still told the truth. */
  end(id: string, at: number): void {
    this.#db.run('UPDATE join_tokens SET expires_at = min(expires_at, :at) WHERE id = :id', { id, at });
  }

  countUses(id: string): number {
    return (
      this.#db.get<{ uses: number }>('SELECT count(*) AS uses FROM token_uses WHERE token_id = :id', { id })?.uses ?? 0
    );
  }

  /** The host this key became by this token. */
  findUse(id: string, agentKey: string): string | undefined {
    return this.#db.get<{ host_id: string }>(
      'SELECT host_id FROM token_uses WHERE token_id = :id AND agent_key = :agentKey',
      { id, agentKey },
    )?.host_id;
  }

  addUse(use: { tokenId: string; agentKey: string; hostId: string; at: number }): void {
    this.#db.run(
      'INSERT INTO token_uses (token_id, agent_key, host_id, at) VALUES (:tokenId, :agentKey, :hostId, :at)',
      use,
    );
  }

  /** Kept for a while after their end, so that a host that repeats its enrolment is told the truth. */
  sweep(expiredBefore: number): number {
    return this.#db.run('DELETE FROM join_tokens WHERE expires_at < :expiredBefore', { expiredBefore });
  }
}

function toToken(row: TokenRow): JoinTokenRecord {
  return {
    id: row.id,
    secretHash: row.secret_hash,
    labels: JSON.parse(row.labels) as Record<string, string>,
    maxUses: row.max_uses,
    addressRange: row.address_range,
    createdBy: row.created_by,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
  };
}
