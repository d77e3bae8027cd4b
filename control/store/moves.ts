// Moves of services, and restores of hosts. A row stays: it says which hosts have had a service before.
import type { WireError } from '#shared/errors.ts';
import type { Database } from '../db/database.ts';
import type { HostRestoreRecord, LeftService, MoveEnd, MoveRecord, MoveState, MoveStep } from './move-records.ts';
import { asJsonList, orderBy, parseJson, selectPage, toJson, type Paged, type PageRequest } from './page.ts';
import type { Visibility } from './records.ts';

interface MoveRow {
  id: string;
  service_id: string;
  service_name: string;
  customer_id: string | null;
  from_host_id: string;
  to_host_id: string;
  restore_id: string | null;
  state: MoveState;
  was_running: number;
  keeps_old: number;
  repository_id: string;
  backup_id: string | null;
  jobs: string;
  error: string | null;
  made_by: string;
  created_at: number;
  switched_at: number | null;
  finished_at: number | null;
}

interface RestoreRow {
  id: string;
  from_host_id: string;
  to_host_id: string;
  left_behind: string;
  made_by: string;
  created_at: number;
}

export interface MoveFilter extends PageRequest {
  state?: MoveState | undefined;
  serviceId?: string | undefined;
  order: 'asc' | 'desc';
  /** Both hosts must be seen. */
  visibility: Visibility;
}

export class MoveStore {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  insert({ jobs, wasRunning, keepsOld, error: _e, switchedAt: _s, finishedAt: _f, ...move }: MoveRecord): void {
    this.#db.run(
      `INSERT INTO moves (id, service_id, service_name, customer_id, from_host_id, to_host_id, restore_id, state,
         was_running, keeps_old, repository_id, backup_id, jobs, made_by, created_at)
       VALUES (:id, :serviceId, :serviceName, :customerId, :fromHostId, :toHostId, :restoreId, :state, :wasRunning,
         :keepsOld, :repositoryId, :backupId, :jobs, :madeBy, :createdAt)`,
      { ...move, jobs: JSON.stringify(jobs), wasRunning: Number(wasRunning), keepsOld: Number(keepsOld) },
    );
  }

  find(id: string): MoveRecord | undefined {
    return this.#one('id = :id', { id });
  }

  findOpen(serviceId: string): MoveRecord | undefined {
    return this.#one('service_id = :serviceId AND finished_at IS NULL', { serviceId });
  }

  findByDeploy(jobId: string): MoveRecord | undefined {
    return this.#one('deploy_job_id = :jobId', { jobId });
  }

  /** Whether the service is on its way from or to this host, or was there before. */
  concerns(serviceId: string, hostId: string): boolean {
    const where = 'service_id = :serviceId AND (from_host_id = :hostId OR to_host_id = :hostId)';
    return this.#one(where, { serviceId, hostId }) !== undefined;
  }

  /** The move that left something of the service on this host, where it is not. */
  findLeftOn(serviceId: string, hostId: string): MoveRecord | undefined {
    const where = `service_id = :serviceId AND finished_at IS NOT NULL AND keeps_old = 1
      AND iif(state = 'succeeded', from_host_id, to_host_id) = :hostId`;
    return this.#one(where, { serviceId, hostId });
  }

  /** The oldest first. */
  open(): MoveRecord[] {
    return this.#all('finished_at IS NULL', {});
  }

  ofRestore(restoreId: string): MoveRecord[] {
    return this.#all('restore_id = :restoreId', { restoreId });
  }

  list({ state, serviceId, order, visibility, ...page }: MoveFilter): Paged<MoveRecord> {
    const hostIds = asJsonList(visibility.hostIds);
    const { items, total } = selectPage<MoveRow>(
      this.#db,
      {
        table: 'moves',
        conditions: [
          ['state = :state', { state }],
          ['service_id = :serviceId', { serviceId }],
          ['customer_id = :ownCustomer', { ownCustomer: visibility.customerId ?? undefined }],
          ['from_host_id IN (SELECT value FROM json_each(:hostIds))', { hostIds }],
          ['to_host_id IN (SELECT value FROM json_each(:hostIds))', { hostIds }],
        ],
        orderBy: orderBy('created_at', order),
      },
      page,
    );
    return { items: items.map(toMove), total };
  }

  setJob({ id, jobs }: MoveRecord, step: MoveStep, jobId: string): void {
    const sql = `UPDATE moves SET jobs = :jobs, deploy_job_id = coalesce(:deployJobId, deploy_job_id) WHERE id = :id`;
    const deployJobId = step === 'deploy' ? jobId : null;
    this.#db.run(sql, { id, jobs: JSON.stringify({ ...jobs, [step]: jobId }), deployJobId });
  }

  setBackup(id: string, backupId: string): void {
    this.#db.run('UPDATE moves SET backup_id = :backupId WHERE id = :id', { id, backupId });
  }

  setUndoing(id: string, error: WireError): void {
    this.#db.run(`UPDATE moves SET state = 'undoing', error = :error WHERE id = :id AND state = 'running'`, {
      id,
      error: toJson(error),
    });
  }

  setSwitched(id: string, at: number): void {
    this.#db.run('UPDATE moves SET switched_at = :at WHERE id = :id', { id, at });
  }

  finish(id: string, end: { state: MoveEnd; error: WireError | null; keepsOld: boolean; at: number }): void {
    this.#db.run(
      'UPDATE moves SET state = :state, error = :error, keeps_old = :keepsOld, finished_at = :at WHERE id = :id',
      { id, ...end, error: toJson(end.error), keepsOld: Number(end.keepsOld) },
    );
  }

  /** One that left something goes on with removing it. */
  reopen({ id, state, error, jobs: { remove: _r, clear: _c, ...jobs } }: MoveRecord): void {
    const isThere = state === 'succeeded';
    this.#db.run(
      `UPDATE moves SET state = :state, error = :error, keeps_old = 0, finished_at = NULL, jobs = :jobs WHERE id = :id`,
      {
        id,
        state: isThere ? 'running' : 'undoing',
        error: isThere ? null : toJson(error),
        jobs: JSON.stringify(jobs),
      },
    );
  }

  insertRestore({ left, ...restore }: HostRestoreRecord): void {
    this.#db.run('INSERT INTO host_restores VALUES (:id, :fromHostId, :toHostId, :left, :madeBy, :createdAt)', {
      ...restore,
      left: JSON.stringify(left),
    });
  }

  findRestore(id: string): HostRestoreRecord | undefined {
    const row = this.#db.get<RestoreRow>('SELECT * FROM host_restores WHERE id = :id', { id });
    return row && toRestore(row);
  }

  /** The newest of a host. */
  findRestoreOf(fromHostId: string): HostRestoreRecord | undefined {
    const sql = 'SELECT * FROM host_restores WHERE from_host_id = :fromHostId ORDER BY rowid DESC'; // two may be of one millisecond
    const row = this.#db.get<RestoreRow>(sql, { fromHostId });
    return row && toRestore(row);
  }

  /** `where`: a constant of this store. */
  #one(where: string, params: Record<string, string>): MoveRecord | undefined {
    const sql = `SELECT * FROM moves WHERE ${where} ORDER BY rowid DESC`;
    const row = this.#db.get<MoveRow>(sql, params);
    return row && toMove(row);
  }

  #all(where: string, params: Record<string, string>): MoveRecord[] {
    return this.#db.all<MoveRow>(`SELECT * FROM moves WHERE ${where} ORDER BY rowid`, params).map(toMove);
  }
}

const toMove = (row: MoveRow): MoveRecord => ({
  id: row.id,
  serviceId: row.service_id,
  serviceName: row.service_name,
  customerId: row.customer_id,
  fromHostId: row.from_host_id,
  toHostId: row.to_host_id,
  restoreId: row.restore_id,
  state: row.state,
  wasRunning: row.was_running === 1,
  keepsOld: row.keeps_old === 1,
  repositoryId: row.repository_id,
  backupId: row.backup_id,
  jobs: JSON.parse(row.jobs) as MoveRecord['jobs'],
  error: parseJson<WireError>(row.error),
  madeBy: row.made_by,
  createdAt: row.created_at,
  switchedAt: row.switched_at,
  finishedAt: row.finished_at,
});

const toRestore = (row: RestoreRow): HostRestoreRecord => ({
  id: row.id,
  fromHostId: row.from_host_id,
  toHostId: row.to_host_id,
  left: JSON.parse(row.left_behind) as LeftService[],
  madeBy: row.made_by,
  createdAt: row.created_at,
});
