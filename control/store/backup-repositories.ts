// Repositories outside of hosts. What opens them goes in and comes out for hosts only: no record holds it.
import type { RepositorySpec } from '#shared/backup.ts';
import type { SecretBox } from '#shared/secrets.ts';
import type { Database } from '../db/database.ts';
import type { BackupRepositoryRecord } from './customer-records.ts';
import { likeAnywhere, selectPage, type Paged, type PageRequest } from './page.ts';

interface RepositoryRow {
  id: string;
  name: string;
  url: string;
  customer_id: string | null;
  plan_id: string | null;
  known_hosts: string | null;
  sealed: Buffer;
  created_at: number;
  updated_at: number;
}

/** What opens one. */
export type RepositorySecrets = Pick<RepositorySpec, 'password' | 'env' | 'privateKey'>;

export interface RepositoryFilter extends PageRequest {
  customerId?: string | undefined;
  planId?: string | undefined;
  /** In the name or the URL. */
  search?: string | undefined;
  /** Only this customer's, and those of its plan. */
  only?: string | undefined;
  sort: keyof typeof SORT_COLUMNS;
  order: 'asc' | 'desc';
}

const SORT_COLUMNS = { name: 'name', url: 'url', created_at: 'created_at', updated_at: 'updated_at' } as const;
const SEEN_BY = `(customer_id = :only OR plan_id = (SELECT plan_id FROM customers WHERE id = :only))`;

export class BackupRepositoryStore {
  readonly #db: Database;
  readonly #box: SecretBox;

  constructor(db: Database, box: SecretBox) {
    this.#db = db;
    this.#box = box;
  }

  insert(repository: BackupRepositoryRecord, secrets: RepositorySecrets): void {
    this.#db.run(
      `INSERT INTO backup_repositories
         (id, name, url, customer_id, plan_id, known_hosts, sealed, created_at, updated_at)
       VALUES (:id, :name, :url, :customerId, :planId, :knownHosts, :sealed, :createdAt, :updatedAt)`,
      { ...repository, sealed: this.#seal(repository.id, secrets) },
    );
  }

  update({ id, name, knownHosts, updatedAt }: BackupRepositoryRecord, secrets: RepositorySecrets): void {
    this.#db.run(
      `UPDATE backup_repositories SET name = :name, known_hosts = :knownHosts, sealed = :sealed, updated_at = :updatedAt
       WHERE id = :id`,
      { id, name, knownHosts, updatedAt, sealed: this.#seal(id, secrets) },
    );
  }

  find(id: string): BackupRepositoryRecord | undefined {
    const row = this.#row(id);
    return row && toRepository(row);
  }

  /** The one that services of this customer have by themselves: their customer's, else their plan's. */
  findFor(customerId: string | null): BackupRepositoryRecord | undefined {
    const sql = `SELECT * FROM backup_repositories WHERE ${SEEN_BY} ORDER BY customer_id IS NULL LIMIT 1`;
    const row = customerId === null ? undefined : this.#db.get<RepositoryRow>(sql, { only: customerId });
    return row && toRepository(row);
  }

  findOfScope({ customerId, planId }: Pick<BackupRepositoryRecord, 'customerId' | 'planId'>): string | undefined {
    const sql = 'SELECT id FROM backup_repositories WHERE customer_id = :customerId OR plan_id = :planId';
    return this.#db.get<{ id: string }>(sql, { customerId, planId })?.id;
  }

  /** As hosts are told it. */
  specOf(id: string): RepositorySpec | undefined {
    const row = this.#row(id);
    if (!row) return undefined;
    const { url, known_hosts: knownHosts } = row;
    return { id, url, ...this.secretsOf(id), ...(knownHosts !== null && { knownHosts }) };
  }

  secretsOf(id: string): RepositorySecrets {
    const row = this.#row(id);
    return row
      ? (JSON.parse(this.#box.open(row.sealed, contextOf(id))) as RepositorySecrets)
      : { password: '', env: {} };
  }

  /** Whether a backup lies in it, or a service is set to it. */
  isInUse(id: string): boolean {
    const sql = `SELECT EXISTS (SELECT 1 FROM backups WHERE repository_id = :id)
      OR EXISTS (SELECT 1 FROM backup_settings WHERE repository_id = :id) AS used`;
    return this.#db.get<{ used: number }>(sql, { id })?.used === 1;
  }

  /** Services whose backups go there. */
  serviceIdsOf({ id, customerId, planId }: BackupRepositoryRecord): string[] {
    const sql = `SELECT s.id FROM services s LEFT JOIN backup_settings b ON b.service_id = s.id
      WHERE b.repository_id = :id OR (b.repository_id IS NULL AND ifnull(b.is_local, 0) = 0 AND s.customer_id IN
        (SELECT id FROM customers WHERE id = :customerId OR plan_id = :planId))`;
    return this.#db.all<{ id: string }>(sql, { id, customerId, planId }).map((row) => row.id);
  }

  list(filter: RepositoryFilter): Paged<BackupRepositoryRecord> {
    const direction = filter.order === 'desc' ? 'DESC' : 'ASC';
    const text = `(name LIKE :search ESCAPE '\\' OR url LIKE :search ESCAPE '\\')`;
    const { items, total } = selectPage<RepositoryRow>(
      this.#db,
      {
        table: 'backup_repositories',
        conditions: [
          [SEEN_BY, { only: filter.only }],
          ['customer_id = :customerId', { customerId: filter.customerId }],
          ['plan_id = :planId', { planId: filter.planId }],
          [text, { search: likeAnywhere(filter.search) }],
        ],
        orderBy: `${SORT_COLUMNS[filter.sort]} ${direction}, id ${direction}`,
      },
      filter,
    );
    return { items: items.map(toRepository), total };
  }

  remove(id: string): void {
    this.#db.run('DELETE FROM backup_repositories WHERE id = :id', { id });
  }

  #row(id: string): RepositoryRow | undefined {
    return this.#db.get<RepositoryRow>('SELECT * FROM backup_repositories WHERE id = :id', { id });
  }

  #seal(id: string, secrets: RepositorySecrets): Buffer {
    return this.#box.seal(JSON.stringify(secrets), contextOf(id));
  }
}

const contextOf = (id: string): string => `backup-repository:${id}`;

const toRepository = (row: RepositoryRow): BackupRepositoryRecord => ({
  id: row.id,
  name: row.name,
  url: row.url,
  customerId: row.customer_id,
  planId: row.plan_id,
  knownHosts: row.known_hosts,
  createdAt: row.created_at,
  updatedAt: row.updated_at,
});
