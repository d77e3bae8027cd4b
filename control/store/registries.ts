// Registry logins. The password goes in and comes out for hosts only: no record holds it.
import type { SecretBox } from '#shared/secrets.ts';
import type { RegistryLogin } from '#shared/model.ts';
import type { Database } from '../db/database.ts';
import { likeAnywhere, selectPage, type Paged, type PageRequest } from './page.ts';
import type { RegistryRecord } from './customer-records.ts';

interface RegistryRow {
  id: string;
  name: string;
  server: string;
  username: string;
  sealed: Buffer;
  customer_id: string | null;
  created_at: number;
  updated_at: number;
}

const SORT_COLUMNS = { name: 'name', server: 'server', created_at: 'created_at', updated_at: 'updated_at' } as const;

export interface RegistryFilter extends PageRequest {
  customerId?: string | undefined;
  /** In the name or the server. */
  search?: string | undefined;
  /** Only this customer's. */
  only?: string | undefined;
  sort: keyof typeof SORT_COLUMNS;
  order: 'asc' | 'desc';
}

/** `IS` finds the operator's, whose customer is null. */
const IN_SCOPE = 'customer_id IS :customerId';

export class RegistryStore {
  readonly #db: Database;
  readonly #box: SecretBox;

  constructor(db: Database, box: SecretBox) {
    this.#db = db;
    this.#box = box;
  }

  insert(registry: RegistryRecord, password: string): void {
    this.#db.run(
      `INSERT INTO registries (id, name, server, username, sealed, customer_id, created_at, updated_at)
       VALUES (:id, :name, :server, :username, :sealed, :customerId, :createdAt, :updatedAt)`,
      { ...registry, sealed: this.#seal(registry.id, password) },
    );
  }

  /** Without a password the one that is there stays. */
  update({ id, name, username, updatedAt }: RegistryRecord, password?: string): void {
    this.#db.run('UPDATE registries SET name = :name, username = :username, updated_at = :updatedAt WHERE id = :id', {
      id,
      name,
      username,
      updatedAt,
    });
    if (password === undefined) return;
    this.#db.run('UPDATE registries SET sealed = :sealed WHERE id = :id', { id, sealed: this.#seal(id, password) });
  }

  find(id: string): RegistryRecord | undefined {
    const row = this.#db.get<RegistryRow>('SELECT * FROM registries WHERE id = :id', { id });
    return row && toRegistry(row);
  }

  findInScope(customerId: string | null, server: string): RegistryRecord | undefined {
    const sql = `SELECT * FROM registries WHERE ${IN_SCOPE} AND server = :server`;
    const row = this.#db.get<RegistryRow>(sql, { customerId, server });
    return row && toRegistry(row);
  }

  countInScope(customerId: string | null): number {
    const sql = `SELECT count(*) AS total FROM registries WHERE ${IN_SCOPE}`;
    return this.#db.get<{ total: number }>(sql, { customerId })?.total ?? 0;
  }

  /** What hosts log in with for the services of a customer, or for the operator's. */
  loginsOf(customerId: string | null): RegistryLogin[] {
    const sql = `SELECT * FROM registries WHERE ${IN_SCOPE} ORDER BY server`;
    return this.#db.all<RegistryRow>(sql, { customerId }).map(({ id, server, username, sealed }) => {
      return { server, username, password: this.#box.open(sealed, contextOf(id)) };
    });
  }

  list(filter: RegistryFilter): Paged<RegistryRecord> {
    const direction = filter.order === 'desc' ? 'DESC' : 'ASC';
    const { items, total } = selectPage<RegistryRow>(
      this.#db,
      {
        table: 'registries',
        conditions: [
          ['customer_id = :only', { only: filter.only }],
          ['customer_id = :customerId', { customerId: filter.customerId }],
          [
            `(name LIKE :search ESCAPE '\\' OR server LIKE :search ESCAPE '\\')`,
            { search: likeAnywhere(filter.search) },
          ],
        ],
        orderBy: `${SORT_COLUMNS[filter.sort]} ${direction}, id ${direction}`,
      },
      filter,
    );
    return { items: items.map(toRegistry), total };
  }

  remove(id: string): void {
    this.#db.run('DELETE FROM registries WHERE id = :id', { id });
  }

  #seal(id: string, password: string): Buffer {
    return this.#box.seal(password, contextOf(id));
  }
}

const contextOf = (id: string): string => `registry:${id}`;

function toRegistry(row: RegistryRow): RegistryRecord {
  return {
    id: row.id,
    name: row.name,
    server: row.server,
    username: row.username,
    customerId: row.customer_id,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}
