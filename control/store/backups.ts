// Backups as control knows them: which there are and what they hold. The data is on the hosts.
import type { WireError } from '#shared/errors.ts';
import type { BackupState, BackupSummary, Consistency } from '#shared/backup.ts';
import type { SecretBox } from '#shared/secrets.ts';
import type { Database } from '../db/database.ts';
import { asJsonList, orderBy, parseJson, selectPage, toJson, type Paged, type PageRequest } from './page.ts';
import type { BackupDrill, BackupRecord, ServiceRecord, ServiceSource, Visibility } from './records.ts';

interface BackupRow {
  id: string;
  service_id: string;
  service_name: string;
  customer_id: string | null;
  host_id: string;
  job_id: string;
  state: BackupState;
  snapshot_id: string | null;
  files: number | null;
  total_bytes: number | null;
  added_bytes: number | null;
  repository_id: string | null;
  consistency: Consistency | null;
  dumps: string | null;
  drill: string | null;
  sealed: Buffer | null;
  error: string | null;
  created_at: number;
  finished_at: number | null;
}

export interface BackupFilter extends PageRequest {
  serviceId?: string | undefined;
  state?: BackupState | undefined;
  /** By age. */
  order: 'asc' | 'desc';
  visibility: Visibility;
}

export interface BackupEnd {
  /** Null: it failed. */
  summary: BackupSummary | null;
  error: WireError | null;
  finishedAt: number;
}

/** What a service was when it was backed up: enough to make it anew when it is gone. */
export interface KeptService {
  service: Pick<
    ServiceRecord,
    'displayName' | 'category' | 'method' | 'templateId' | 'labels' | 'rollbackOnFailure' | 'healthTimeoutS'
  >;
  source: ServiceSource;
}

export type NewBackup = Omit<BackupRecord, 'state' | 'summary' | 'drill' | 'error' | 'finishedAt'>;

export class BackupStore {
  readonly #db: Database;

  readonly #box: SecretBox;

  constructor(db: Database, box: SecretBox) {
    this.#db = db;
    this.#box = box;
  }

  insert(backup: NewBackup, kept: KeptService): void {
    this.#db.run(
      `INSERT INTO backups
         (id, service_id, service_name, customer_id, host_id, job_id, repository_id, sealed, state, created_at)
       VALUES (:id, :serviceId, :serviceName, :customerId, :hostId, :jobId, :repositoryId, :sealed, 'pending', :createdAt)`,
      { ...backup, sealed: this.#box.seal(JSON.stringify(kept), contextOf(backup.id)) },
    );
  }

  /** Undefined for a backup of before this was kept. */
  findKept(id: string): KeptService | undefined {
    const sealed = this.#db.get<{ sealed: Buffer | null }>('SELECT sealed FROM backups WHERE id = :id', { id })?.sealed;
    return sealed ? (JSON.parse(this.#box.open(sealed, contextOf(id))) as KeptService) : undefined;
  }

  setDrill(id: string, drill: BackupDrill): void {
    this.#db.run('UPDATE backups SET drill = :drill WHERE id = :id', { id, drill: toJson(drill) });
  }

  find(id: string): BackupRecord | undefined {
    const row = this.#db.get<BackupRow>('SELECT * FROM backups WHERE id = :id', { id });
    return row && toBackup(row);
  }

  list(filter: BackupFilter): Paged<BackupRecord> {
    const { visibility } = filter;
    const { items, total } = selectPage<BackupRow>(
      this.#db,
      {
        table: 'backups',
        conditions: [
          ['service_id = :serviceId', { serviceId: filter.serviceId }],
          ['state = :state', { state: filter.state }],
          ['customer_id = :ownCustomer', { ownCustomer: visibility.customerId ?? undefined }],
          ['host_id IN (SELECT value FROM json_each(:hostIds))', { hostIds: asJsonList(visibility.hostIds) }],
        ],
        orderBy: orderBy('created_at', filter.order),
      },
      filter,
    );
    return { items: items.map(toBackup), total };
  }

  /** Of a service, in repositories outside of its host; the newest first. */
  wholeElsewhere(serviceId: string): BackupRecord[] {
    const sql = `SELECT * FROM backups WHERE service_id = :serviceId AND state = 'succeeded' AND repository_id IS NOT NULL
      ORDER BY created_at DESC, id DESC`;
    return this.#db.all<BackupRow>(sql, { serviceId }).map(toBackup);
  }

  setRunning(id: string): void {
    this.#db.run(`UPDATE backups SET state = 'running' WHERE id = :id AND state = 'pending'`, { id });
  }

  /** The first end counts. A host that says nothing of how it was taken knows of no other place than its own disk. */
  finish(id: string, { summary, error, finishedAt }: BackupEnd): void {
    this.#db.run(
      `UPDATE backups SET state = :state, snapshot_id = :snapshotId, files = :files, total_bytes = :totalBytes,
         added_bytes = :addedBytes, consistency = :consistency, dumps = :dumps, error = :error,
         repository_id = CASE WHEN :state = 'succeeded' AND :consistency IS NULL THEN NULL ELSE repository_id END, finished_at = :finishedAt
       WHERE id = :id AND finished_at IS NULL`,
      {
        id,
        ...fromSummary(summary),
        state: summary ? 'succeeded' : 'failed',
        error: toJson(error),
        finishedAt,
      },
    );
  }

  remove(id: string): void {
    this.#db.run('DELETE FROM backups WHERE id = :id', { id });
  }
}

const toBackup = (row: BackupRow): BackupRecord => ({
  id: row.id,
  serviceId: row.service_id,
  serviceName: row.service_name,
  customerId: row.customer_id,
  hostId: row.host_id,
  jobId: row.job_id,
  state: row.state,
  summary: toSummary(row),
  repositoryId: row.repository_id,
  drill: parseJson<BackupDrill>(row.drill),
  error: parseJson<WireError>(row.error),
  createdAt: row.created_at,
  finishedAt: row.finished_at,
});

const fromSummary = (summary: BackupSummary | null) => ({
  snapshotId: summary?.snapshotId ?? null,
  files: summary?.files ?? null,
  totalBytes: summary?.totalBytes ?? null,
  addedBytes: summary?.addedBytes ?? null,
  consistency: summary?.consistency ?? null,
  dumps: summary?.dumps ? toJson(summary.dumps) : null,
});

function toSummary({ snapshot_id: snapshotId, ...row }: BackupRow): BackupSummary | null {
  if (snapshotId === null) return null;
  return {
    snapshotId,
    files: row.files ?? 0,
    totalBytes: row.total_bytes ?? 0,
    addedBytes: row.added_bytes ?? 0,
    consistency: row.consistency ?? 'live',
    dumps: parseJson<string[]>(row.dumps) ?? [],
  };
}

const contextOf = (id: string): string => `backup:${id}`;
