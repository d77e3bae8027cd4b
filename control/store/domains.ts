// The names of services. The key of an uploaded certificate leaves for its host only, by `certificatesOf`.
import type { SecretBox } from '#shared/secrets.ts';
import type { Database } from '../db/database.ts';
import { parseJson, toJson } from './page.ts';

/** What an uploaded certificate says of itself. */
export interface CertificateFacts {
  issuer: string;
  notAfter: number;
}

/** What DNS said of a name, and when. */
export interface DnsCheck {
  /** `elsewhere`: to addresses that are not all its host's. */
  state: 'here' | 'elsewhere' | 'missing';
  addresses: string[];
  at: number;
}

export interface DomainRecord {
  id: string;
  serviceId: string;
  hostname: string;
  /** Below a base domain, chosen by us; or one of its user's own. */
  kind: 'default' | 'custom';
  /** Of the compose file; null: the host finds the one that answers. */
  target: string | null;
  port: number | null;
  redirectTo: string | null;
  /** Of the uploaded one; null: one is asked for. */
  certificate: CertificateFacts | null;
  /** Null: nobody has looked. */
  dns: DnsCheck | null;
  createdAt: number;
  updatedAt: number;
}

/** With the service it is of. */
export interface RoutedDomain extends DomainRecord {
  hostId: string;
}

/** A name that is to lead to a host. */
export type RoutedName = Pick<RoutedDomain, 'hostname' | 'serviceId' | 'hostId'>;

/** What default names are made of. */
export interface NamedService {
  id: string;
  name: string;
  hostId: string;
  /** As its row has it. */
  hostname: string | null;
}

/** PEM. */
export interface CertificatePair {
  certificate: string;
  key: string;
}

interface Row {
  id: string;
  service_id: string;
  hostname: string;
  kind: DomainRecord['kind'];
  target: string | null;
  port: number | null;
  redirect_to: string | null;
  certificate: string | null;
  dns: string | null;
  created_at: number;
  updated_at: number;
}

const COLUMNS = [
  'id',
  'service_id',
  'hostname',
  'kind',
  'target',
  'port',
  'redirect_to',
  'certificate',
  'dns',
  'created_at',
  'updated_at',
]
  .map((column) => `domains.${column}`)
  .join(', ');

/** A service that is going has no names any more, also while its host is away. */
const STAYS = `NOT EXISTS (
  SELECT 1 FROM jobs WHERE jobs.service_id = services.id AND jobs.kind = 'remove' AND jobs.finished_at IS NULL)`;

export class DomainStore {
  readonly #db: Database;
  readonly #box: SecretBox;

  constructor(db: Database, box: SecretBox) {
    this.#db = db;
    this.#box = box;
  }

  insert({ certificate, dns, ...domain }: DomainRecord): void {
    this.#db.run(
      `INSERT INTO domains (id, service_id, hostname, kind, target, port, redirect_to, certificate, dns, created_at, updated_at)
       VALUES (:id, :serviceId, :hostname, :kind, :target, :port, :redirectTo, :certificate, :dns, :createdAt, :updatedAt)`,
      { ...domain, certificate: toJson(certificate), dns: toJson(dns) },
    );
  }

  /** Where it leads, and what was found of it. */
  update({ id, target, port, redirectTo, dns, updatedAt }: DomainRecord): void {
    this.#db.run(
      `UPDATE domains SET target = :target, port = :port, redirect_to = :redirectTo, dns = :dns, updated_at = :updatedAt
       WHERE id = :id`,
      { id, target, port, redirectTo, dns: toJson(dns), updatedAt },
    );
  }

  /** Null takes it away. */
  setCertificate(id: string, facts: CertificateFacts | null, pair: CertificatePair | null, updatedAt: number): void {
    this.#db.run('UPDATE domains SET certificate = :facts, sealed = :sealed, updated_at = :updatedAt WHERE id = :id', {
      id,
      facts: toJson(facts),
      sealed: pair && this.#box.seal(JSON.stringify(pair), contextOf(id)),
      updatedAt,
    });
  }

  remove(id: string): void {
    this.#db.run('DELETE FROM domains WHERE id = :id', { id });
  }

  find(id: string): DomainRecord | undefined {
    const row = this.#db.get<Row>(`SELECT ${COLUMNS} FROM domains WHERE id = :id`, { id });
    return row && toDomain(row);
  }

  findByHostname(hostname: string): DomainRecord | undefined {
    const row = this.#db.get<Row>(`SELECT ${COLUMNS} FROM domains WHERE hostname = :hostname`, { hostname });
    return row && toDomain(row);
  }

  /** The default name first, then the oldest. */
  of(serviceId: string): DomainRecord[] {
    const sql = `SELECT ${COLUMNS} FROM domains WHERE service_id = :serviceId ORDER BY kind = 'custom', created_at, id`;
    return this.#db.all<Row>(sql, { serviceId }).map(toDomain);
  }

  /** All names of services that stay, in the order of `of` for each service. */
  routed(): RoutedDomain[] {
    return this.#db
      .all<Row & { host_id: string }>(
        `SELECT ${COLUMNS}, services.host_id AS host_id FROM domains JOIN services ON services.id = domains.service_id
         WHERE ${STAYS} ORDER BY domains.kind = 'custom', domains.created_at, domains.id`,
        {},
      )
      .map((row) => ({ ...toDomain(row), hostId: row.host_id }));
  }

  /** Every service that stays. */
  services(): NamedService[] {
    const sql = `SELECT id, name, host_id AS hostId, hostname FROM services WHERE ${STAYS} ORDER BY created_at, id`;
    return this.#db.all<NamedService>(sql, {});
  }

  /** Names of a host, and how many of them have an uploaded certificate. */
  countOn(hostId: string): { names: number; certificates: number } {
    const sql = `SELECT count(*) AS names, count(domains.sealed) AS certificates FROM domains
      JOIN services ON services.id = domains.service_id WHERE services.host_id = :hostId`;
    return this.#db.get<{ names: number; certificates: number }>(sql, { hostId }) ?? { names: 0, certificates: 0 };
  }

  hostsWithCertificates(): ReadonlySet<string> {
    const sql = `SELECT DISTINCT services.host_id AS hostId FROM domains
      JOIN services ON services.id = domains.service_id WHERE domains.sealed IS NOT NULL`;
    return new Set(this.#db.all<{ hostId: string }>(sql).map(({ hostId }) => hostId));
  }

  certificatesOf(hostId: string): (CertificatePair & { id: string })[] {
    return this.#db
      .all<{ id: string; sealed: Buffer }>(
        `SELECT domains.id AS id, domains.sealed AS sealed FROM domains JOIN services ON services.id = domains.service_id
         WHERE services.host_id = :hostId AND domains.sealed IS NOT NULL ORDER BY domains.id`,
        { hostId },
      )
      .map(({ id, sealed }) => ({ id, ...(JSON.parse(this.#box.open(sealed, contextOf(id))) as CertificatePair) }));
  }
}

const contextOf = (id: string): string => `domain:${id}`;

const toDomain = (row: Row): DomainRecord => ({
  id: row.id,
  serviceId: row.service_id,
  hostname: row.hostname,
  kind: row.kind,
  target: row.target,
  port: row.port,
  redirectTo: row.redirect_to,
  certificate: parseJson<CertificateFacts>(row.certificate),
  dns: parseJson<DnsCheck>(row.dns),
  createdAt: row.created_at,
  updatedAt: row.updated_at,
});
