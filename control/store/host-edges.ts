// What answers to names on each host: as it is to be, what was sent, and what the host says.
import type { HostFacts } from '#shared/model.ts';
import type { EdgeKind, EdgeStatus } from '#shared/protocol/edge-parts.ts';
import type { Database } from '../db/database.ts';
import { parseJson } from './page.ts';

export interface HostEdgeRecord {
  hostId: string;
  /** Null: as the control plane's setting says. */
  edge: EdgeKind | null;
  /** Below which its services get names; null: likewise. */
  baseDomain: string | null;
  /** Where the world reaches it; none: by its facts. */
  addresses: string[];
  /** Of the state that was sent last; 0: none. */
  revision: number;
  /** Of that state. */
  digest: string | null;
  /** The host's last word. */
  status: EdgeStatus | null;
  updatedAt: number;
}

/** With what else is known of the host. */
export interface HostWhereabouts {
  hostId: string;
  name: string;
  facts: HostFacts | null;
  /** Undefined: nobody has set anything. */
  record: HostEdgeRecord | undefined;
}

interface Row {
  host_id: string;
  edge: EdgeKind | null;
  base_domain: string | null;
  addresses: string;
  revision: number;
  digest: string | null;
  status: string | null;
  updated_at: number;
}

export class HostEdgeStore {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  find(hostId: string): HostEdgeRecord | undefined {
    const row = this.#db.get<Row>('SELECT * FROM host_edges WHERE host_id = :hostId', { hostId });
    return row && toRecord(row);
  }

  /** As an operator wants it. */
  put({
    hostId,
    edge,
    baseDomain,
    addresses,
    updatedAt,
  }: Omit<HostEdgeRecord, 'revision' | 'digest' | 'status'>): void {
    this.#db.run(
      `INSERT INTO host_edges (host_id, edge, base_domain, addresses, updated_at)
       VALUES (:hostId, :edge, :baseDomain, :addresses, :updatedAt)
       ON CONFLICT (host_id) DO UPDATE SET edge = :edge, base_domain = :baseDomain, addresses = :addresses,
         updated_at = :updatedAt`,
      { hostId, edge, baseDomain, addresses: JSON.stringify(addresses), updatedAt },
    );
  }

  setSent(hostId: string, { revision, digest, at }: { revision: number; digest: string; at: number }): void {
    this.#db.run(
      `INSERT INTO host_edges (host_id, revision, digest, updated_at) VALUES (:hostId, :revision, :digest, :at)
       ON CONFLICT (host_id) DO UPDATE SET revision = :revision, digest = :digest`,
      { hostId, revision, digest, at },
    );
  }

  /** What it was told may be lost: it is told anew. */
  forgetSent(hostId: string): void {
    this.#db.run("UPDATE host_edges SET digest = '' WHERE host_id = :hostId AND digest IS NOT NULL", { hostId });
  }

  setStatus(hostId: string, status: EdgeStatus): void {
    this.#db.run(
      `INSERT INTO host_edges (host_id, status, updated_at) VALUES (:hostId, :status, :at)
       ON CONFLICT (host_id) DO UPDATE SET status = :status`,
      { hostId, status: JSON.stringify(status), at: status.at },
    );
  }

  /** Whether anybody has ever set anything. */
  isUsed(): boolean {
    return this.#db.get('SELECT 1 FROM host_edges LIMIT 1') !== undefined;
  }

  /** Every host that has not been removed, or one. */
  whereabouts(hostId?: string): HostWhereabouts[] {
    const which = hostId === undefined ? '' : 'AND hosts.id = :hostId';
    return this.#db
      .all<Partial<Row> & { id: string; name: string; facts: string | null }>(
        `SELECT hosts.id AS id, hosts.name AS name, hosts.facts AS facts, host_edges.*
         FROM hosts LEFT JOIN host_edges ON host_edges.host_id = hosts.id WHERE hosts.removed_at IS NULL ${which}`,
        hostId === undefined ? {} : { hostId },
      )
      .map(({ id, name, facts, ...row }) => ({
        hostId: id,
        name,
        facts: parseJson<HostFacts>(facts),
        record: row.host_id ? toRecord(row as Row) : undefined,
      }));
  }
}

const toRecord = (row: Row): HostEdgeRecord => ({
  hostId: row.host_id,
  edge: row.edge,
  baseDomain: row.base_domain,
  addresses: JSON.parse(row.addresses) as string[],
  revision: row.revision,
  digest: row.digest,
  status: parseJson<EdgeStatus>(row.status),
  updatedAt: row.updated_at,
});
