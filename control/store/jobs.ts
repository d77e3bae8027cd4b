// Jobs and their steps. An ended job is never changed again: `finish` and `advance` say whether they did anything.
import type { WireError } from '#shared/errors.ts';
import type { BackupSummary } from '#shared/backup.ts';
import type { JobEndState, JobResult, JobState, JobStep, PlanStep, Progress, ProposalMark } from '#shared/jobs.ts';
import type { Database } from '../db/database.ts';
import { asJsonList, parseJson, orderBy, selectPage, toJson, type Paged, type PageRequest } from './page.ts';
import type { JobRecord, JobStepRecord, Visibility } from './records.ts';

interface JobRow {
  id: string;
  service_id: string;
  service_name: string;
  customer_id: string | null;
  host_id: string;
  kind: JobRecord['kind'];
  state: JobState;
  pull: JobRecord['pull'];
  expires_at: number | null;
  cause: string | null;
  backup_id: string | null;
  error: string | null;
  failed_step: JobStep | null;
  plan: string | null;
  rolled_back_to: number | null;
  is_unchanged: number;
  created_at: number;
  started_at: number | null;
  finished_at: number | null;
}

export interface JobEnd {
  state: JobEndState;
  error: WireError | null;
  failedStep: JobStep | null;
  plan: PlanStep[] | null;
  rolledBackTo: number | null;
  isUnchanged: boolean;
  /** What it made, if it was a backup; kept with the backup. */
  backup?: BackupSummary | null;
  /** What came of backups beside it; kept with them. */
  backups?: Pick<JobResult, 'backupBefore' | 'forgotten' | 'drilled'> | undefined;
  /** What now waits for review; kept with the service. */
  proposal?: ProposalMark | null;
  startedAt: number | null;
  finishedAt: number;
}

export type NewJob = Pick<
  JobRecord,
  | 'id'
  | 'serviceId'
  | 'serviceName'
  | 'customerId'
  | 'hostId'
  | 'kind'
  | 'state'
  | 'pull'
  | 'expiresAt'
  | 'cause'
  | 'backupId'
  | 'createdAt'
>;

/** States a job passes on its way, in order; it never goes back. */
const BEFORE = {
  offered: `('queued')`,
  accepted: `('queued', 'offered')`,
  running: `('queued', 'offered', 'accepted')`,
} as const;

export class JobStore {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  insert(job: NewJob): void {
    this.#db.run(
      `INSERT INTO jobs (id, service_id, service_name, customer_id, host_id, kind, state, pull, expires_at, cause,
         backup_id, created_at)
       VALUES (:id, :serviceId, :serviceName, :customerId, :hostId, :kind, :state, :pull, :expiresAt, :cause,
         :backupId, :createdAt)`,
      { ...job },
    );
  }

  find(id: string): JobRecord | undefined {
    const row = this.#db.get<JobRow>('SELECT * FROM jobs WHERE id = :id', { id });
    return row && toJob(row);
  }

  list(
    query: PageRequest & {
      serviceId?: string | undefined;
      state?: JobState | undefined;
      /** By age; the newest first unless asked otherwise. */
      order?: 'asc' | 'desc' | undefined;
      visibility: Visibility;
    },
  ): Paged<JobRecord> {
    const { visibility } = query;
    const { items, total } = selectPage<JobRow>(
      this.#db,
      {
        table: 'jobs',
        conditions: [
          ['service_id = :serviceId', { serviceId: query.serviceId }],
          ['state = :state', { state: query.state }],
          ['customer_id = :ownCustomer', { ownCustomer: visibility.customerId ?? undefined }],
          ['host_id IN (SELECT value FROM json_each(:hostIds))', { hostIds: asJsonList(visibility.hostIds) }],
        ],
        orderBy: orderBy('created_at', query.order ?? 'desc'),
      },
      query,
    );
    return { items: items.map(toJob), total };
  }

  /** Jobs of a service that have not ended, oldest first. */
  openOfService(serviceId: string): JobRecord[] {
    return this.#db
      .all<JobRow>('SELECT * FROM jobs WHERE service_id = :serviceId AND finished_at IS NULL ORDER BY created_at, id', {
        serviceId,
      })
      .map(toJob);
  }

  /** Which members of a set have a job that has not ended, and which job. */
  openOfSet(setId: string): Pick<JobRecord, 'id' | 'serviceId'>[] {
    return this.#db.all(
      `SELECT jobs.id, jobs.service_id AS serviceId FROM services CROSS JOIN jobs ON jobs.service_id = services.id
       WHERE services.set_id = :setId AND jobs.finished_at IS NULL`,
      { setId },
    );
  }

  /** Jobs of a host that have not ended, oldest first. */
  openOfHost(hostId: string): JobRecord[] {
    return this.#db
      .all<JobRow>('SELECT * FROM jobs WHERE host_id = :hostId AND finished_at IS NULL ORDER BY created_at, id', {
        hostId,
      })
      .map(toJob);
  }

  /** Of all hosts, those that have not ended. */
  countOpen(): Partial<Record<JobState, number>> {
    const sql = 'SELECT state, count(*) AS jobs FROM jobs WHERE finished_at IS NULL GROUP BY state';
    const rows = this.#db.all<{ state: JobState; jobs: number }>(sql, {});
    return Object.fromEntries(rows.map(({ state, jobs }) => [state, jobs]));
  }

  /** False when the job is already there or further. */
  advance(id: string, state: keyof typeof BEFORE): boolean {
    return (
      this.#db.run(`UPDATE jobs SET state = :state WHERE id = :id AND state IN ${BEFORE[state]}`, { id, state }) > 0
    );
  }

  setStarted(id: string, at: number): void {
    this.#db.run('UPDATE jobs SET started_at = :at WHERE id = :id AND started_at IS NULL', { id, at });
  }

  /** Puts a job that the host has lost back to be offered; its steps begin anew. False when it has ended. */
  requeue(id: string): boolean {
    this.#db.run('DELETE FROM job_steps WHERE job_id = :id', { id });
    const sql = `UPDATE jobs SET state = 'queued', started_at = NULL WHERE id = :id AND finished_at IS NULL`;
    return this.#db.run(sql, { id }) > 0;
  }

  /** False when it had ended before: the first end counts. */
  finish(id: string, { backup: _backup, backups: _backups, proposal: _proposal, ...end }: JobEnd): boolean {
    const changed = this.#db.run(
      `UPDATE jobs SET state = :state, error = :error, failed_step = :failedStep, plan = :plan,
         rolled_back_to = :rolledBackTo, is_unchanged = :isUnchanged, started_at = coalesce(:startedAt, started_at),
         finished_at = :finishedAt
       WHERE id = :id AND finished_at IS NULL`,
      { id, ...end, error: toJson(end.error), plan: toJson(end.plan), isUnchanged: Number(end.isUnchanged) },
    );
    return changed > 0;
  }

  putStep({ jobId, step, state, message, at }: Progress): void {
    this.#db.run(
      `INSERT INTO job_steps (job_id, step, state, message, started_at, finished_at)
       VALUES (:jobId, :step, :state, :message, :at, :finishedAt)
       ON CONFLICT (job_id, step) DO UPDATE SET state = excluded.state,
         message = coalesce(excluded.message, message), finished_at = excluded.finished_at`,
      { jobId, step, state, message: message ?? null, at, finishedAt: state === 'running' ? null : at },
    );
  }

  steps(jobId: string): JobStepRecord[] {
    return this.#db
      .all<{
        step: JobStep;
        state: JobStepRecord['state'];
        message: string | null;
        started_at: number;
        finished_at: number | null;
      }>('SELECT * FROM job_steps WHERE job_id = :jobId ORDER BY rowid', { jobId })
      .map((row) => ({
        step: row.step,
        state: row.state,
        message: row.message,
        startedAt: row.started_at,
        finishedAt: row.finished_at,
      }));
  }

  /** Ended jobs of services, with their steps and logs; at most `limit` in one write. */
  sweep(finishedBefore: number, limit: number): number {
    return this.#db.run(
      'DELETE FROM jobs WHERE id IN (SELECT id FROM jobs WHERE finished_at < :finishedBefore AND created_at < :finishedBefore LIMIT :limit)',
      { finishedBefore, limit },
    );
  }
}

function toJob(row: JobRow): JobRecord {
  return {
    id: row.id,
    serviceId: row.service_id,
    serviceName: row.service_name,
    customerId: row.customer_id,
    hostId: row.host_id,
    kind: row.kind,
    state: row.state,
    pull: row.pull,
    expiresAt: row.expires_at,
    cause: row.cause,
    backupId: row.backup_id,
    error: parseJson<WireError>(row.error),
    failedStep: row.failed_step,
    plan: parseJson<PlanStep[]>(row.plan),
    rolledBackTo: row.rolled_back_to,
    isUnchanged: row.is_unchanged === 1,
    createdAt: row.created_at,
    startedAt: row.started_at,
    finishedAt: row.finished_at,
  };
}
