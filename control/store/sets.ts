// Sets of services: what each member should be. Its text, variables and files are sealed, as those of services are.
import type { SecretBox } from '#shared/secrets.ts';
import type { Database } from '../db/database.ts';
import { asJsonList, hasLabelsSql, likeAnywhere, orderBy, selectPage, type Paged, type PageRequest } from './page.ts';
import type { ServiceSource, Visibility } from './records.ts';
import type { SetRecord } from './set-records.ts';

interface SetRow {
  id: string;
  name: string;
  display_name: string | null;
  category: string | null;
  customer_id: string | null;
  method: SetRecord['method'];
  template_id: string | null;
  labels: string;
  rollback_on_failure: number;
  health_timeout_s: number;
  cpu_limit: number | null;
  memory_limit_mb: number | null;
  host_labels: string;
  max_parallel: number;
  revision: number;
  created_at: number;
  updated_at: number;
}

export interface SetFilter extends PageRequest {
  search?: string | undefined;
  customerId?: string | undefined;
  /** Names of columns. */
  sort: 'name' | 'created_at' | 'updated_at';
  order: 'asc' | 'desc';
  visibility: Visibility;
  /** Labels that the caller is bound to: a set must be bound at least as tightly. */
  boundTo: Record<string, string> | null;
}

export class SetStore {
  readonly #db: Database;
  readonly #box: SecretBox;

  constructor(db: Database, box: SecretBox) {
    this.#db = db;
    this.#box = box;
  }

  insert(set: SetRecord, source: ServiceSource): void {
    this.#db.run(
      `INSERT INTO service_sets (id, name, display_name, category, customer_id, method, template_id, labels,
         rollback_on_failure, health_timeout_s, cpu_limit, memory_limit_mb, host_labels, max_parallel, revision, sealed,
         created_at, updated_at)
       VALUES (:id, :name, :displayName, :category, :customerId, :method, :templateId, :labels, :rollbackOnFailure,
         :healthTimeoutS, :cpuLimit, :memoryLimitMb, :hostLabels, :maxParallel, :revision, :sealed, :createdAt,
         :updatedAt)`,
      { ...toColumns(set), sealed: this.#seal(set.id, source) },
    );
  }

  update(set: SetRecord, source: ServiceSource | null): void {
    this.#db.run(
      `UPDATE service_sets SET display_name = :displayName, category = :category, labels = :labels,
         rollback_on_failure = :rollbackOnFailure, health_timeout_s = :healthTimeoutS, cpu_limit = :cpuLimit,
         memory_limit_mb = :memoryLimitMb, host_labels = :hostLabels, max_parallel = :maxParallel,
         revision = :revision, sealed = coalesce(:sealed, sealed), updated_at = :updatedAt
       WHERE id = :id`,
      { ...toColumns(set), sealed: source && this.#seal(set.id, source) },
    );
  }

  find(id: string): SetRecord | undefined {
    const row = this.#db.get<SetRow>(`SELECT ${COLUMNS} FROM service_sets WHERE id = :id`, { id });
    return row && toSet(row);
  }

  all(): SetRecord[] {
    return this.#db.all<SetRow>(`SELECT ${COLUMNS} FROM service_sets ORDER BY created_at, id`).map(toSet);
  }

  requireSource(id: string): ServiceSource {
    const row = this.#db.get<{ sealed: Buffer }>('SELECT sealed FROM service_sets WHERE id = :id', { id });
    return JSON.parse(this.#box.open(row?.sealed ?? Buffer.alloc(0), `set:${id}`)) as ServiceSource;
  }

  list({ visibility, boundTo, ...filter }: SetFilter): Paged<SetRecord> {
    const { items, total } = selectPage<SetRow>(
      this.#db,
      {
        table: 'service_sets',
        columns: COLUMNS,
        conditions: [
          ['customer_id = :customerId', { customerId: filter.customerId }],
          ['customer_id = :ownCustomer', { ownCustomer: visibility.customerId ?? undefined }],
          [hasLabelsSql('service_sets'), { hostLabels: boundTo === null ? undefined : JSON.stringify(boundTo) }],
          [HAS_NO_STRANGER, { hostIds: asJsonList(visibility.hostIds) }],
          [`name LIKE :search ESCAPE '\\'`, { search: likeAnywhere(filter.search) }],
        ],
        orderBy: orderBy(filter.sort, filter.order),
      },
      filter,
    );
    return { items: items.map(toSet), total };
  }

  countOfCustomer(customerId: string): number {
    const sql = 'SELECT count(*) AS sets FROM service_sets WHERE customer_id = :customerId';
    return this.#db.get<{ sets: number }>(sql, { customerId })?.sets ?? 0;
  }

  /** Hosts that were counted in. */
  hosts(id: string): string[] {
    const sql = 'SELECT host_id AS hostId FROM service_set_hosts WHERE set_id = :id';
    return this.#db.all<{ hostId: string }>(sql, { id }).map(({ hostId }) => hostId);
  }

  addHosts(id: string, hostIds: readonly string[]): void {
    this.#db.run(
      `INSERT INTO service_set_hosts (set_id, host_id) SELECT :id, value FROM json_each(:hostIds) WHERE true
       ON CONFLICT DO NOTHING`,
      { id, hostIds: JSON.stringify(hostIds) },
    );
  }

  /** Of those that were counted in, only these stay so. */
  keepHosts(id: string, hostIds: readonly string[]): void {
    this.#db.run(
      `DELETE FROM service_set_hosts WHERE set_id = :id AND host_id NOT IN (SELECT value FROM json_each(:hostIds))`,
      { id, hostIds: JSON.stringify(hostIds) },
    );
  }

  removeHost(id: string, hostId: string): void {
    this.#db.run('DELETE FROM service_set_hosts WHERE set_id = :id AND host_id = :hostId', { id, hostId });
  }

  remove(id: string): void {
    this.#db.run('DELETE FROM service_sets WHERE id = :id', { id });
  }

  #seal(id: string, source: ServiceSource): Buffer {
    return this.#box.seal(JSON.stringify(source), `set:${id}`);
  }
}

/** All but what is sealed. */
const COLUMNS = `id, name, display_name, category, customer_id, method, template_id, labels, rollback_on_failure,
  health_timeout_s, cpu_limit, memory_limit_mb, host_labels, max_parallel, revision, created_at, updated_at`;

/** No member on a host that the caller does not see. */
const HAS_NO_STRANGER = `NOT EXISTS (
  SELECT 1 FROM services WHERE services.set_id = service_sets.id
    AND services.host_id NOT IN (SELECT value FROM json_each(:hostIds)))`;

const toColumns = ({ limits, ...set }: SetRecord) => ({
  ...set,
  labels: JSON.stringify(set.labels),
  hostLabels: JSON.stringify(set.hostLabels),
  rollbackOnFailure: Number(set.rollbackOnFailure),
  cpuLimit: limits.cpu,
  memoryLimitMb: limits.memoryMb,
});

const toSet = (row: SetRow): SetRecord => ({
  id: row.id,
  name: row.name,
  displayName: row.display_name,
  category: row.category,
  customerId: row.customer_id,
  method: row.method,
  templateId: row.template_id,
  labels: JSON.parse(row.labels) as Record<string, string>,
  rollbackOnFailure: row.rollback_on_failure === 1,
  healthTimeoutS: row.health_timeout_s,
  limits: { cpu: row.cpu_limit, memoryMb: row.memory_limit_mb },
  hostLabels: JSON.parse(row.host_labels) as Record<string, string>,
  maxParallel: row.max_parallel,
  revision: row.revision,
  createdAt: row.created_at,
  updatedAt: row.updated_at,
});
