// Services: what is wanted, and the host's last word. Compose text, variables and files are sealed in a table of their
// own, so that neither a list nor a copy of the database file meets them.
import type { AutoUpdate } from '#shared/auto-update.ts';
import type { SecretBox } from '#shared/secrets.ts';
import type { ServiceLimits } from '#shared/model.ts';
import type { Database } from '../db/database.ts';
import { KeptTotals, shorten } from './kept-totals.ts';
import { asJsonList, selectBy, selectRows, toBit, toJson, type Paged } from './page.ts';
import { RecordCache } from './record-cache.ts';
import { orderOf, selectServices, STATUS_FILTER, UPDATE_FILTER, type ServiceFilter } from './service-filter.ts';
import { toService, type ServiceRow } from './service-row.ts';
import type {
  ServiceRecord,
  ServiceSource,
  ServiceSettings,
  ServiceStatus,
  SuspendedFrom,
  Visibility,
} from './records.ts';

/** Sums over the services of a customer; a service without a limit counts as nothing. */
export interface Allotted {
  services: number;
  cpu: number;
  memoryMb: number;
}

/** About 3 KB each, most of it the report. */
const MAX_KEPT_RECORDS = 5000;
/** Of 100 records at the most, which may be others than those that are kept: no more than these again. */
const MAX_KEPT_LISTS = 50;

export class ServiceStore {
  readonly #db: Database;
  readonly #box: SecretBox;
  readonly #totals: KeptTotals;
  readonly #records: RecordCache<ServiceRecord>;
  readonly #lists: RecordCache<Paged<ServiceRecord>>;

  constructor(db: Database, box: SecretBox) {
    this.#db = db;
    this.#box = box;
    this.#totals = new KeptTotals(db, 'services');
    this.#records = new RecordCache(db, MAX_KEPT_RECORDS);
    this.#lists = new RecordCache(db, MAX_KEPT_LISTS);
  }

  insert(service: ServiceRecord, source: ServiceSource): void {
    const { limits, ...columns } = service;
    this.#db.run(
      `INSERT INTO services (id, name, display_name, category, lifecycle, health, is_enabled, reason, customer_id,
         host_id, method, template_id, labels, revision, rollback_on_failure, health_timeout_s, created_at, updated_at,
         deployed_at, report, cpu_limit, memory_limit_mb, suspended_from, auto_update, update_available, set_id, set_revision)
       VALUES (:id, :name, :displayName, :category, :lifecycle, :health, :isEnabled, :reason, :customerId, :hostId,
         :method, :templateId, :labels, :revision, :rollbackOnFailure, :healthTimeoutS, :createdAt, :updatedAt,
         :deployedAt, :report, :cpuLimit, :memoryLimitMb, :suspendedFrom, :autoUpdate,
         :updateAvailable, :setId, :setRevision)`,
      {
        ...columns,
        labels: JSON.stringify(service.labels),
        isEnabled: Number(service.isEnabled),
        rollbackOnFailure: Number(service.rollbackOnFailure),
        report: toJson(service.report),
        cpuLimit: limits.cpu,
        memoryLimitMb: limits.memoryMb,
        autoUpdate: toJson(service.autoUpdate),
        updateAvailable: toBit(service.updateAvailable),
      },
    );
    this.setSource(service.id, source);
    this.#totals.clear();
    this.#changed(service.id);
  }

  setSource(id: string, source: ServiceSource): void {
    this.#db.run(
      `INSERT INTO service_specs (service_id, sealed) VALUES (:id, :sealed)
       ON CONFLICT (service_id) DO UPDATE SET sealed = excluded.sealed`,
      { id, sealed: this.#box.seal(JSON.stringify(source), `service:${id}`) },
    );
  }

  setSettings(id: string, { labels, rollbackOnFailure, ...settings }: ServiceSettings, updatedAt: number): void {
    this.#db.run(
      `UPDATE services SET display_name = :displayName, category = :category, labels = :labels,
         rollback_on_failure = :rollbackOnFailure, health_timeout_s = :healthTimeoutS, updated_at = :updatedAt
       WHERE id = :id`,
      { id, updatedAt, ...settings, labels: JSON.stringify(labels), rollbackOnFailure: Number(rollbackOnFailure) },
    );
    this.#changed(id);
  }

  find(id: string): ServiceRecord | undefined {
    return this.#records.find(id, () => {
      const row = this.#db.get<ServiceRow>('SELECT * FROM services WHERE id = :id', { id });
      return row && toService(row);
    });
  }

  findByName(hostId: string, name: string): ServiceRecord | undefined {
    const sql = 'SELECT * FROM services WHERE host_id = :hostId AND name = :name';
    const row = this.#db.get<ServiceRow>(sql, { hostId, name });
    return row && toService(row);
  }

  requireSource(id: string): ServiceSource {
    const row = this.#db.get<{ sealed: Buffer }>('SELECT sealed FROM service_specs WHERE service_id = :id', { id });
    return JSON.parse(this.#box.open(row?.sealed ?? Buffer.alloc(0), `service:${id}`)) as ServiceSource;
  }

  /** The same object until a service changes. */
  list(filter: ServiceFilter): Paged<ServiceRecord> {
    return this.#lists.find(shorten(JSON.stringify(filter)), () => this.#read(filter)) as Paged<ServiceRecord>;
  }

  #read(filter: ServiceFilter): Paged<ServiceRecord> {
    const selection = selectServices(filter);
    const listing = { table: 'services', conditions: [], orderBy: orderOf(filter) };
    // The ids alone come from an index; most rows of a list were read a moment ago.
    const ids = selectRows<Pick<ServiceRow, 'id'>>(this.#db, { ...listing, columns: 'id' }, selection, filter);
    return { items: ids.flatMap(({ id }) => this.find(id) ?? []), total: this.#totals.count(selection) };
  }

  /** By name; those of one name where it is given. */
  all(visibility: Visibility, name?: string): ServiceRecord[] {
    return this.ids(visibility, name).flatMap((id) => this.find(id) ?? []);
  }

  /** As `all`, for who reads them bit by bit. */
  ids({ customerId, hostIds }: Visibility, name?: string): string[] {
    const { where, params } = selectBy([
      ['name = :name', { name }],
      ['customer_id = :customerId', { customerId: customerId ?? undefined }],
      ['host_id IN (SELECT value FROM json_each(:hostIds))', { hostIds: asJsonList(hostIds) }],
    ]);
    return this.#db
      .all<{ id: string }>(`SELECT id FROM services ${where} ORDER BY name, id`, params)
      .map(({ id }) => id);
  }

  /** Ids and names of all services of a host. */
  ofHost(hostId: string): ServiceRecord[] {
    return this.#db
      .all<ServiceRow>('SELECT * FROM services WHERE host_id = :hostId ORDER BY name', { hostId })
      .map(toService);
  }

  setStatus(id: string, status: ServiceStatus, updatedAt: number): void {
    const { lifecycle, health, reason, report, deployedAt } = status;
    const before = this.#db.get<{ lifecycle: string }>('SELECT lifecycle FROM services WHERE id = :id', { id });
    if (before?.lifecycle !== lifecycle) this.#totals.forget((filter) => filter.includes(STATUS_FILTER));
    this.#db.run(
      `UPDATE services SET lifecycle = :lifecycle, health = :health, reason = :reason, report = :report,
         deployed_at = :deployedAt, updated_at = :updatedAt
       WHERE id = :id`,
      { id, lifecycle, health, reason, deployedAt, updatedAt, report: toJson(report) },
    );
    this.#changed(id);
  }

  /** Every service of a customer, by name. */
  ofCustomer(customerId: string): ServiceRecord[] {
    return this.#db
      .all<ServiceRow>('SELECT * FROM services WHERE customer_id = :customerId ORDER BY name, id', { customerId })
      .map(toService);
  }

  /** The members of a set, by host. */
  ofSet(setId: string): ServiceRecord[] {
    const ids = this.#db.all<{ id: string }>('SELECT id FROM services WHERE set_id = :setId ORDER BY host_id', {
      setId,
    });
    return ids.flatMap(({ id }) => this.find(id) ?? []);
  }

  /** Of the members of a set: how many there are, run and are not unhealthy, and are of this revision of the set. */
  countOfSet(setId: string, setRevision: number): { total: number; running: number; upToDate: number } {
    const counts = this.#db.get<{ total: number; running: number; upToDate: number }>(
      `SELECT count(*) AS total, count(*) FILTER (WHERE lifecycle = 'running' AND health <> 'unhealthy') AS running,
         count(*) FILTER (WHERE set_revision = :setRevision) AS upToDate
       FROM services WHERE set_id = :setId`,
      { setId, setRevision },
    );
    return counts ?? { total: 0, running: 0, upToDate: 0 };
  }

  idsOfCustomer(customerId: string): string[] {
    const sql = 'SELECT id FROM services WHERE customer_id = :customerId';
    return this.#db.all<{ id: string }>(sql, { customerId }).map(({ id }) => id);
  }

  /** What a customer's services hold of its plan together; without the one that is about to change. */
  allotted(customerId: string, exceptId: string | null = null): Allotted {
    const row = this.#db.get<{ services: number; cpu: number; memory_mb: number }>(
      `SELECT count(*) AS services, total(cpu_limit) AS cpu, total(memory_limit_mb) AS memory_mb
       FROM services WHERE customer_id = :customerId AND id IS NOT :exceptId`,
      { customerId, exceptId },
    );
    return { services: row?.services ?? 0, cpu: row?.cpu ?? 0, memoryMb: row?.memory_mb ?? 0 };
  }

  setEnabled(id: string, isEnabled: boolean, updatedAt: number): void {
    const sql = 'UPDATE services SET is_enabled = :isEnabled, updated_at = :updatedAt WHERE id = :id';
    this.#db.run(sql, { id, isEnabled: Number(isEnabled), updatedAt });
    this.#changed(id);
  }

  setLimits(id: string, { cpu, memoryMb }: ServiceLimits): void {
    this.#db.run('UPDATE services SET cpu_limit = :cpu, memory_limit_mb = :memoryMb WHERE id = :id', {
      id,
      cpu,
      memoryMb,
    });
    this.#changed(id);
  }

  setSuspendedFrom(id: string, suspendedFrom: SuspendedFrom | null): void {
    this.#db.run('UPDATE services SET suspended_from = :suspendedFrom WHERE id = :id', { id, suspendedFrom });
    this.#changed(id);
  }

  /** It only grows: a rollout that was superseded may be judged after the one in its place. */
  setSetRevision(id: string, setRevision: number): void {
    const sql = 'UPDATE services SET set_revision = max(coalesce(set_revision, 0), :setRevision) WHERE id = :id';
    this.#db.run(sql, { id, setRevision });
    this.#changed(id);
  }

  setAutoUpdate(id: string, autoUpdate: AutoUpdate | null): void {
    this.#db.run('UPDATE services SET auto_update = :autoUpdate WHERE id = :id', {
      id,
      autoUpdate: toJson(autoUpdate),
    });
    this.#changed(id);
  }

  setUpdateAvailable(id: string, updateAvailable: boolean | null): void {
    if (this.find(id)?.updateAvailable === updateAvailable) return;
    this.#totals.forget((filter) => filter.includes(UPDATE_FILTER));
    const sql = 'UPDATE services SET update_available = :updateAvailable WHERE id = :id';
    this.#db.run(sql, { id, updateAvailable: toBit(updateAvailable) });
    this.#changed(id);
  }

  /** Those that take newer images by themselves, where there are some. */
  withUpdates(): ServiceRecord[] {
    const sql = 'SELECT id FROM services WHERE update_available = 1 AND auto_update IS NOT NULL ORDER BY id';
    return this.#db.all<{ id: string }>(sql).flatMap(({ id }) => this.find(id) ?? []);
  }

  /** The name in its url; null: nothing answers to one. */
  setHostname(id: string, hostname: string | null): void {
    this.#db.run('UPDATE services SET hostname = :hostname WHERE id = :id', { id, hostname });
    this.#changed(id);
  }

  /** It has moved: its host from now on. */
  setHost(id: string, hostId: string): void {
    this.#db.run('UPDATE services SET host_id = :hostId WHERE id = :id', { id, hostId });
    this.#totals.clear();
    this.#changed(id);
  }

  setRevision(id: string, revision: number): void {
    this.#db.run('UPDATE services SET revision = :revision WHERE id = :id', { id, revision });
    this.#changed(id);
  }

  remove(id: string): boolean {
    this.#totals.clear();
    this.#changed(id);
    return this.#db.run('DELETE FROM services WHERE id = :id', { id }) > 0;
  }

  #changed(id: string): void {
    this.#records.forget(id);
    this.#lists.clear();
  }
}
