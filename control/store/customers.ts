// Customers: whose services run here, and on which plan.
import type { Database } from '../db/database.ts';
import { countRows, likeAnywhere, selectBy, selectPage, type Paged, type PageRequest } from './page.ts';
import type { CustomerRecord } from './customer-records.ts';

interface CustomerRow {
  id: string;
  name: string;
  email: string | null;
  plan_id: string | null;
  suspended_at: number | null;
  created_at: number;
  updated_at: number;
}

const SORT_COLUMNS = { name: 'name', created_at: 'created_at', updated_at: 'updated_at' } as const;

export interface CustomerFilter extends PageRequest {
  isSuspended?: boolean | undefined;
  planId?: string | undefined;
  /** In the name or the email address. */
  search?: string | undefined;
  /** Only this one. */
  only?: string | undefined;
  sort: keyof typeof SORT_COLUMNS;
  order: 'asc' | 'desc';
}

export class CustomerStore {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  insert(customer: CustomerRecord): void {
    this.#db.run(
      `INSERT INTO customers (id, name, email, plan_id, suspended_at, created_at, updated_at)
       VALUES (:id, :name, :email, :planId, :suspendedAt, :createdAt, :updatedAt)`,
      { ...customer },
    );
  }

  update(customer: CustomerRecord): void {
    this.#db.run(
      `UPDATE customers SET name = :name, email = :email, plan_id = :planId, suspended_at = :suspendedAt,
         updated_at = :updatedAt
       WHERE id = :id`,
      { ...customer },
    );
  }

  find(id: string): CustomerRecord | undefined {
    const row = this.#db.get<CustomerRow>('SELECT * FROM customers WHERE id = :id', { id });
    return row && toCustomer(row);
  }

  list(filter: CustomerFilter): Paged<CustomerRecord> {
    const direction = filter.order === 'desc' ? 'DESC' : 'ASC';
    const isSuspended = filter.isSuspended === undefined ? undefined : Number(filter.isSuspended);
    const { items, total } = selectPage<CustomerRow>(
      this.#db,
      {
        table: 'customers',
        conditions: [
          ['id = :only', { only: filter.only }],
          ['plan_id = :planId', { planId: filter.planId }],
          ['(suspended_at IS NOT NULL) = :isSuspended', { isSuspended }],
          [
            `(name LIKE :search ESCAPE '\\' OR email LIKE :search ESCAPE '\\')`,
            { search: likeAnywhere(filter.search) },
          ],
        ],
        orderBy: `${SORT_COLUMNS[filter.sort]} ${direction}, id ${direction}`,
      },
      filter,
    );
    return { items: items.map(toCustomer), total };
  }

  suspendedIds(): string[] {
    const sql = 'SELECT id FROM customers WHERE suspended_at IS NOT NULL ORDER BY id';
    return this.#db.all<{ id: string }>(sql).map(({ id }) => id);
  }

  countOnPlan(planId: string): number {
    return countRows(this.#db, 'customers', selectBy([['plan_id = :planId', { planId }]]));
  }

  remove(id: string): void {
    this.#db.run('DELETE FROM customers WHERE id = :id', { id });
  }
}

const toCustomer = (row: CustomerRow): CustomerRecord => ({
  id: row.id,
  name: row.name,
  email: row.email,
  planId: row.plan_id,
  suspendedAt: row.suspended_at,
  createdAt: row.created_at,
  updatedAt: row.updated_at,
});
