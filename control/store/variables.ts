// Variables that services share, each in a scope: one customer's services, or the operator's own. Values are sealed,
// secret or not.
import type { SecretBox } from '#shared/secrets.ts';
import type { Database } from '../db/database.ts';
import { likeAnywhere, selectPage, type Paged, type PageRequest } from './page.ts';
import type { VariableRecord } from './customer-records.ts';

interface VariableRow {
  id: string;
  customer_id: string | null;
  name: string;
  is_secret: number;
  description: string | null;
  sealed: Buffer;
  created_at: number;
  updated_at: number;
}

const SORT_COLUMNS = { name: 'name', created_at: 'created_at', updated_at: 'updated_at' } as const;

export interface VariableFilter extends PageRequest {
  customerId?: string | undefined;
  /** In the name or the description. */
  search?: string | undefined;
  /** Only this customer's. */
  only?: string | undefined;
  sort: keyof typeof SORT_COLUMNS;
  order: 'asc' | 'desc';
}

/** A service that took a variable with its latest deploy. */
export interface VariableUser {
  id: string;
  name: string;
  hostId: string;
}

/** `IS` finds the operator's, whose customer is null. */
const IN_SCOPE = 'customer_id IS :customerId';

export class VariableStore {
  readonly #db: Database;
  readonly #box: SecretBox;

  constructor(db: Database, box: SecretBox) {
    this.#db = db;
    this.#box = box;
  }

  insert(variable: VariableRecord): void {
    this.#db.run(
      `INSERT INTO variables (id, customer_id, name, is_secret, description, sealed, created_at, updated_at)
       VALUES (:id, :customerId, :name, :isSecret, :description, :sealed, :createdAt, :updatedAt)`,
      this.#toRow(variable),
    );
  }

  /** Name and scope stay: services refer to it by them. */
  update(variable: VariableRecord): void {
    const { id, isSecret, description, sealed, updatedAt } = this.#toRow(variable);
    this.#db.run(
      `UPDATE variables SET is_secret = :isSecret, description = :description, sealed = :sealed, updated_at = :updatedAt
       WHERE id = :id`,
      { id, isSecret, description, sealed, updatedAt },
    );
  }

  find(id: string): VariableRecord | undefined {
    const row = this.#db.get<VariableRow>('SELECT * FROM variables WHERE id = :id', { id });
    return row && this.#fromRow(row);
  }

  /** By name, as they are handed to services. */
  ofScope(customerId: string | null): VariableRecord[] {
    const sql = `SELECT * FROM variables WHERE ${IN_SCOPE} ORDER BY name`;
    return this.#db.all<VariableRow>(sql, { customerId }).map((row) => this.#fromRow(row));
  }

  findInScope(customerId: string | null, name: string): VariableRecord | undefined {
    const sql = `SELECT * FROM variables WHERE ${IN_SCOPE} AND name = :name`;
    const row = this.#db.get<VariableRow>(sql, { customerId, name });
    return row && this.#fromRow(row);
  }

  countInScope(customerId: string | null): number {
    const sql = `SELECT count(*) AS total FROM variables WHERE ${IN_SCOPE}`;
    return this.#db.get<{ total: number }>(sql, { customerId })?.total ?? 0;
  }

  list(filter: VariableFilter): Paged<VariableRecord> {
    const direction = filter.order === 'desc' ? 'DESC' : 'ASC';
    const { items, total } = selectPage<VariableRow>(
      this.#db,
      {
        table: 'variables',
        conditions: [
          ['customer_id = :only', { only: filter.only }],
          ['customer_id = :customerId', { customerId: filter.customerId }],
          [
            `(name LIKE :search ESCAPE '\\' OR description LIKE :search ESCAPE '\\')`,
            { search: likeAnywhere(filter.search) },
          ],
        ],
        orderBy: `${SORT_COLUMNS[filter.sort]} ${direction}, id ${direction}`,
      },
      filter,
    );
    return { items: items.map((row) => this.#fromRow(row)), total };
  }

  remove(id: string): void {
    this.#db.run('DELETE FROM variables WHERE id = :id', { id });
  }

  /** What a service takes from now on, and nothing else. */
  setUses(serviceId: string, variableIds: readonly string[]): void {
    this.#db.run('DELETE FROM variable_uses WHERE service_id = :serviceId', { serviceId });
    for (const variableId of variableIds) {
      this.#db.run('INSERT INTO variable_uses (variable_id, service_id) VALUES (:variableId, :serviceId)', {
        variableId,
        serviceId,
      });
    }
  }

  /** By name. */
  usersOf(id: string): VariableUser[] {
    return this.#db.all<VariableUser>(
      `SELECT services.id, services.name, services.host_id AS hostId
       FROM variable_uses JOIN services ON services.id = service_id
       WHERE variable_id = :id ORDER BY services.name, services.id`,
      { id },
    );
  }

  #toRow({ value, isSecret, ...variable }: VariableRecord) {
    return { ...variable, isSecret: Number(isSecret), sealed: this.#box.seal(value, contextOf(variable.id)) };
  }

  #fromRow(row: VariableRow): VariableRecord {
    return {
      id: row.id,
      customerId: row.customer_id,
      name: row.name,
      value: this.#box.open(row.sealed, contextOf(row.id)),
      isSecret: row.is_secret === 1,
      description: row.description,
      createdAt: row.created_at,
      updatedAt: row.updated_at,
    };
  }
}

const contextOf = (id: string): string => `variable:${id}`;
