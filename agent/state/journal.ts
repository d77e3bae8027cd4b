// What must not be forgotten about jobs: each is here before it is accepted, each step before it is begun, and each
// ends exactly once. Callers put the calls of one transition into one transaction (AgentState.transact).
import type { JobEndState, JobKind, JobOffer, JobResult, JobStep, StepState } from '#shared/jobs.ts';
import type { SecretBox } from '#shared/secrets.ts';
import type { Sqlite } from '#shared/sqlite.ts';

/** A repeated offer of a job that ended longer ago would run again; control gives up on offers long before. */
const KEEP_FINISHED_MS = 90 * 24 * 3600 * 1000;
/** Nobody offers a job of this host's own again: for those who look back, and a schedule may run each minute. */
const KEPT_OWN_JOBS = 5_000;

export interface OpenJob {
  offer: JobOffer;
  state: 'accepted' | 'running';
  /** Asked for while it waited or ran; survives a crash, so that the resumed job ends as cancelled. */
  cancel: 'cancelled' | 'superseded' | null;
  /** Process lifetimes that have worked on it. */
  attempts: number;
  startedAt: number | null;
}

export interface StepRecord {
  step: JobStep;
  state: StepState;
  /** First intent that is still without an outcome; kept over crashes. */
  intentAt: number;
  at: number;
}

/** A job as it stands, without what only working on it needs. */
export interface JobNote {
  id: string;
  serviceId: string;
  kind: JobKind;
  state: 'accepted' | 'running' | JobEndState;
  /** Who of this host gave it; null: control did. */
  cause: string | null;
  startedAt: number | null;
  finishedAt: number | null;
  /** Null until it has ended. */
  result: JobResult | null;
}

type NoteRow = Omit<JobNote, 'result'> & { result: string | null };

const NOTE = `SELECT id, service_id AS serviceId, kind, state, cause, started_at AS startedAt, finished_at AS finishedAt,
  result FROM jobs`;

interface JobRow {
  id: string;
  offer: Buffer;
  state: 'accepted' | 'running';
  cancel: 'cancelled' | 'superseded' | null;
  attempts: number;
  started_at: number | null;
}

export class Journal {
  readonly #db: Sqlite;
  readonly #box: SecretBox;
  readonly #putStep;

  constructor(db: Sqlite, box: SecretBox) {
    this.#db = db;
    this.#box = box;
    this.#putStep = db.prepare(`INSERT INTO job_steps VALUES (@jobId, @step, @state, @at, @at)
      ON CONFLICT (job_id, step) DO UPDATE SET state = excluded.state, at = excluded.at,
        intent_at = CASE WHEN job_steps.state = 'running' THEN job_steps.intent_at ELSE excluded.intent_at END`);
  }

  /** `cause`: who of this host gives it; null: control does. */
  accept(offer: JobOffer, cause: string | null = null): void {
    const sealed = this.#box.seal(JSON.stringify(offer), offer.jobId);
    const sql = `INSERT INTO jobs (id, service_id, kind, offer, state, cause) VALUES (?, ?, ?, ?, 'accepted', ?)`;
    this.#db.prepare(sql).run(offer.jobId, offer.serviceId, offer.kind, sealed, cause);
  }

  has(jobId: string): boolean {
    return this.#db.prepare('SELECT 1 FROM jobs WHERE id = ?').get(jobId) !== undefined;
  }

  /** Undefined when it has ended or was never accepted. */
  findOpen(jobId: string): OpenJob | undefined {
    const sql = 'SELECT * FROM jobs WHERE id = ? AND finished_at IS NULL';
    const row = this.#db.prepare<[string], JobRow>(sql).get(jobId);
    return row && this.#fromRow(row);
  }

  findResult(jobId: string): JobResult | undefined {
    const sql = 'SELECT result FROM jobs WHERE id = ? AND finished_at IS NOT NULL';
    const text = this.#db.prepare<[string], string>(sql).pluck().get(jobId);
    return text === undefined ? undefined : (JSON.parse(text) as JobResult);
  }

  /** Ids of accepted jobs that have not ended, in the order they were accepted. */
  openIds(): string[] {
    return this.#db.prepare<[], string>('SELECT id FROM jobs WHERE finished_at IS NULL ORDER BY number').pluck().all();
  }

  hasOpen(serviceId: string): boolean {
    const sql = 'SELECT 1 FROM jobs WHERE finished_at IS NULL AND service_id = ?';
    return this.#db.prepare(sql).get(serviceId) !== undefined;
  }

  /** Service id → kind of its newest job that has not ended. */
  openKinds(): Map<string, JobKind> {
    const sql = 'SELECT service_id AS serviceId, kind FROM jobs WHERE finished_at IS NULL ORDER BY number';
    const rows = this.#db.prepare<[], { serviceId: string; kind: JobKind }>(sql).all();
    return new Map(rows.map(({ serviceId, kind }) => [serviceId, kind]));
  }

  /** The first job of a service that has not ended. */
  findOpenOf(serviceId: string): JobNote | undefined {
    const sql = `${NOTE} WHERE finished_at IS NULL AND service_id = ? ORDER BY number LIMIT 1`;
    const row = this.#db.prepare<[string], NoteRow>(sql).get(serviceId);
    return row && toNote(row);
  }

  findNote(jobId: string): JobNote | undefined {
    const row = this.#db.prepare<[string], NoteRow>(`${NOTE} WHERE id = ?`).get(jobId);
    return row && toNote(row);
  }

  /** The last so many to be accepted, the newest first. */
  latest(limit: number): JobNote[] {
    const rows = this.#db.prepare<[number], NoteRow>(`${NOTE} ORDER BY number DESC LIMIT ?`).all(limit);
    return rows.map(toNote);
  }

  requestCancel(jobId: string, reason: 'cancelled' | 'superseded'): void {
    const sql = 'UPDATE jobs SET cancel = ? WHERE id = ? AND finished_at IS NULL AND cancel IS NULL';
    this.#db.prepare(sql).run(reason, jobId);
  }

  /** Counts one more process lifetime for every open job; called once at start. */
  countAttempt(): void {
    this.#db.prepare('UPDATE jobs SET attempts = attempts + 1 WHERE finished_at IS NULL').run();
  }

  start(jobId: string, at: number): void {
    const sql = `UPDATE jobs SET state = 'running', started_at = COALESCE(started_at, ?) WHERE id = ? AND state = 'accepted'`;
    this.#db.prepare(sql).run(at, jobId);
  }

  /** Ends a job. False when it had ended before: then nothing of this end may be told. */
  finish(result: JobResult & { state: JobEndState }): boolean {
    const sql = `UPDATE jobs SET state = ?, finished_at = ?, result = ?, offer = NULL WHERE id = ? AND finished_at IS NULL`;
    const done = this.#db.prepare(sql).run(result.state, result.finishedAt, JSON.stringify(result), result.jobId);
    return done.changes === 1;
  }

  steps(jobId: string): StepRecord[] {
    const sql = 'SELECT step, state, intent_at AS intentAt, at FROM job_steps WHERE job_id = ? ORDER BY at';
    return this.#db.prepare<[string], StepRecord>(sql).all(jobId);
  }

  putStep(jobId: string, step: JobStep, state: StepState, at: number): void {
    this.#putStep.run({ jobId, step, state, at });
  }

  prune(now: number): void {
    this.#db.prepare('DELETE FROM jobs WHERE finished_at < ?').run(now - KEEP_FINISHED_MS);
    const sql = `DELETE FROM jobs WHERE cause IS NOT NULL AND finished_at IS NOT NULL
      AND number <= (SELECT max(number) FROM jobs) - ?`;
    this.#db.prepare(sql).run(KEPT_OWN_JOBS);
  }

  #fromRow(row: JobRow): OpenJob {
    return {
      offer: JSON.parse(this.#box.open(row.offer, row.id)) as JobOffer,
      state: row.state,
      cancel: row.cancel,
      attempts: row.attempts,
      startedAt: row.started_at,
    };
  }
}

const toNote = (row: NoteRow): JobNote => ({
  ...row,
  result: row.result === null ? null : (JSON.parse(row.result) as JobResult),
});
