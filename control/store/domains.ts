// The names of services, and where their hosts are reached.
import type { HostFacts } from '#shared/model.ts';
import type { Database } from '../db/database.ts';
import { parseJson } from './page.ts';

/** A name that is to lead to a host. */
export interface RoutedName {
  hostname: string;
  serviceId: string;
  hostId: string;
}

export interface DomainRecord {
  id: string;
  serviceId: string;
  hostname: string;
  /** Below a base domain, chosen by us; or one of its user's own. */
  kind: 'default' | 'custom';
  createdAt: number;
}

export interface HostEdgeRecord {
  hostId: string;
  /** What answers to the names of its services. */
  edge: 'none' | 'caddy';
  /** Below which its services get names; null: as the control plane's setting says. */
  baseDomain: string | null;
  /** Where the world reaches it; none: by its facts. */
  addresses: string[];
  updatedAt: number;
}

/** What says where a host is reached. */
export interface HostWhereabouts {
  hostId: string;
  name: string;
  /** As an operator set them; none: by the host's facts. */
  setAddresses: string[];
  facts: HostFacts | null;
}

/** A service that is going has no names any more, also while its host is away. */
const STAYS = `NOT EXISTS (
  SELECT 1 FROM jobs WHERE jobs.service_id = services.id AND jobs.kind = 'remove' AND jobs.finished_at IS NULL)`;

export class DomainStore {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  insert(domain: DomainRecord): void {
    this.#db.run(
      `INSERT INTO domains (id, service_id, hostname, kind, created_at)
       VALUES (:id, :serviceId, :hostname, :kind, :createdAt)`,
      { ...domain },
    );
  }

  remove(id: string): void {
    this.#db.run('DELETE FROM domains WHERE id = :id', { id });
  }

  putEdge({ addresses, ...edge }: HostEdgeRecord): void {
    this.#db.run(
      `INSERT INTO host_edges (host_id, edge, base_domain, addresses, updated_at)
       VALUES (:hostId, :edge, :baseDomain, :addresses, :updatedAt)
       ON CONFLICT (host_id) DO UPDATE SET edge = :edge, base_domain = :baseDomain, addresses = :addresses,
         updated_at = :updatedAt`,
      { ...edge, addresses: JSON.stringify(addresses) },
    );
  }

  /** All names of services on hosts that answer to names. */
  routedNames(): RoutedName[] {
    return this.#db.all<RoutedName>(
      `SELECT domains.hostname AS hostname, services.id AS serviceId, services.host_id AS hostId
       FROM domains JOIN services ON services.id = domains.service_id WHERE ${STAYS} ORDER BY domains.hostname`,
      {},
    );
  }

  whereabouts(): HostWhereabouts[] {
    const rows = this.#db.all<{ hostId: string; name: string; addresses: string | null; facts: string | null }>(
      `SELECT hosts.id AS hostId, hosts.name AS name, hosts.facts AS facts, host_edges.addresses AS addresses
       FROM hosts LEFT JOIN host_edges ON host_edges.host_id = hosts.id`,
      {},
    );
    return rows.map(({ hostId, name, addresses, facts }) => {
      return { hostId, name, setAddresses: parseJson<string[]>(addresses) ?? [], facts: parseJson<HostFacts>(facts) };
    });
  }
}
