// Plans: what the services of a customer may take together.
import type { Database } from '../db/database.ts';
import { likeAnywhere, selectPage, type Paged, type PageRequest } from './page.ts';
import type { PlanRecord } from './customer-records.ts';

interface PlanRow {
  id: string;
  name: string;
  description: string | null;
  services: number | null;
  cpu: number | null;
  memory_mb: number | null;
  storage_mb: number | null;
  created_at: number;
  updated_at: number;
}

const SORT_COLUMNS = { name: 'name', created_at: 'created_at', updated_at: 'updated_at' } as const;

export interface PlanFilter extends PageRequest {
  search?: string | undefined;
  /** Only the plan with this id; null finds none. */
  only?: string | null | undefined;
  sort: keyof typeof SORT_COLUMNS;
  order: 'asc' | 'desc';
}

export class PlanStore {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  insert(plan: PlanRecord): void {
    this.#db.run(
      `INSERT INTO plans (id, name, description, services, cpu, memory_mb, storage_mb, created_at, updated_at)
       VALUES (:id, :name, :description, :services, :cpu, :memoryMb, :storageMb, :createdAt, :updatedAt)`,
      toParams(plan),
    );
  }

  update(plan: PlanRecord): void {
    this.#db.run(
      `UPDATE plans SET name = :name, description = :description, services = :services, cpu = :cpu,
         memory_mb = :memoryMb, storage_mb = :storageMb, updated_at = :updatedAt
       WHERE id = :id`,
      toParams(plan),
    );
  }

  find(id: string): PlanRecord | undefined {
    const row = this.#db.get<PlanRow>('SELECT * FROM plans WHERE id = :id', { id });
    return row && toPlan(row);
  }

  findByName(name: string): PlanRecord | undefined {
    const row = this.#db.get<PlanRow>('SELECT * FROM plans WHERE name = :name', { name });
    return row && toPlan(row);
  }

  list(filter: PlanFilter): Paged<PlanRecord> {
    const direction = filter.order === 'desc' ? 'DESC' : 'ASC';
    const { items, total } = selectPage<PlanRow>(
      this.#db,
      {
        table: 'plans',
        conditions: [
          ['id IS :only', { only: filter.only }],
          [`name LIKE :search ESCAPE '\\'`, { search: likeAnywhere(filter.search) }],
        ],
        orderBy: `${SORT_COLUMNS[filter.sort]} ${direction}, id ${direction}`,
      },
      filter,
    );
    return { items: items.map(toPlan), total };
  }

  remove(id: string): void {
    this.#db.run('DELETE FROM plans WHERE id = :id', { id });
  }
}

const toParams = ({ limits, ...plan }: PlanRecord) => ({ ...plan, ...limits });

const toPlan = (row: PlanRow): PlanRecord => ({
  id: row.id,
  name: row.name,
  description: row.description,
  limits: { services: row.services, cpu: row.cpu, memoryMb: row.memory_mb, storageMb: row.storage_mb },
  createdAt: row.created_at,
  updatedAt: row.updated_at,
});
