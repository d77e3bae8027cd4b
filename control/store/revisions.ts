// Revisions of services: what each was made from, sealed, and who asked for it. The host keeps what came of it.
import type { SecretBox } from '#shared/secrets.ts';
import type { Database } from '../db/database.ts';
import type { RevisionRecord, ServiceSource } from './records.ts';

interface RevisionRow {
  service_id: string;
  revision: number;
  job_id: string;
  kind: RevisionRecord['kind'];
  cause: string | null;
  made_by: string | null;
  rollback_of: number | null;
  cpu_limit: number | null;
  memory_limit_mb: number | null;
  sealed: Buffer;
  recorded_at: number | null;
}

/** As many good ones as a host keeps: further back nobody can go. */
const KEPT_REVISIONS = 5;

export class RevisionStore {
  readonly #db: Database;
  readonly #box: SecretBox;

  constructor(db: Database, box: SecretBox) {
    this.#db = db;
    this.#box = box;
  }

  /** A deploy of the same revision again takes the place of the one before. */
  put({ limits, ...revision }: Omit<RevisionRecord, 'recordedAt'>, source: ServiceSource): void {
    this.#db.run(
      `INSERT INTO service_revisions (service_id, revision, job_id, kind, cause, made_by, rollback_of, cpu_limit,
         memory_limit_mb, sealed)
       VALUES (:serviceId, :revision, :jobId, :kind, :cause, :madeBy, :rollbackOf, :cpuLimit, :memoryLimitMb, :sealed)
       ON CONFLICT (service_id, revision) DO UPDATE SET job_id = excluded.job_id, cpu_limit = excluded.cpu_limit,
         memory_limit_mb = excluded.memory_limit_mb, sealed = excluded.sealed`,
      {
        ...revision,
        cpuLimit: limits.cpu,
        memoryLimitMb: limits.memoryMb,
        sealed: this.#box.seal(JSON.stringify(source), contextOf(revision)),
      },
    );
  }

  /** The newest first. */
  ofService(serviceId: string): RevisionRecord[] {
    const sql = 'SELECT * FROM service_revisions WHERE service_id = :serviceId ORDER BY revision DESC';
    return this.#db.all<RevisionRow>(sql, { serviceId }).map(toRevision);
  }

  findByJob(jobId: string): RevisionRecord | undefined {
    const row = this.#db.get<RevisionRow>('SELECT * FROM service_revisions WHERE job_id = :jobId', { jobId });
    return row && toRevision(row);
  }

  findSource(serviceId: string, revision: number): ServiceSource | undefined {
    const sql = 'SELECT * FROM service_revisions WHERE service_id = :serviceId AND revision = :revision';
    const row = this.#db.get<RevisionRow>(sql, { serviceId, revision });
    return row && (JSON.parse(this.#box.open(row.sealed, contextOf(toRevision(row)))) as ServiceSource);
  }

  /** The job that makes it has made it; those that nobody can go back to any more are forgotten. */
  record({ serviceId, revision }: RevisionRecord, at: number): void {
    this.#db.run(
      'UPDATE service_revisions SET recorded_at = :at WHERE service_id = :serviceId AND revision = :revision',
      { serviceId, revision, at },
    );
    this.#db.run(
      `DELETE FROM service_revisions WHERE service_id = :serviceId AND revision IN (
         SELECT revision FROM service_revisions WHERE service_id = :serviceId AND recorded_at IS NOT NULL
         ORDER BY revision DESC LIMIT -1 OFFSET :kept)`,
      { serviceId, kept: KEPT_REVISIONS },
    );
  }

  /** Nothing came of it; what was recorded once stays. */
  drop({ serviceId, revision }: RevisionRecord): void {
    this.#db.run(
      'DELETE FROM service_revisions WHERE service_id = :serviceId AND revision = :revision AND recorded_at IS NULL',
      { serviceId, revision },
    );
  }
}

const toRevision = (row: RevisionRow): RevisionRecord => ({
  serviceId: row.service_id,
  revision: row.revision,
  jobId: row.job_id,
  kind: row.kind,
  cause: row.cause,
  madeBy: row.made_by,
  rollbackOf: row.rollback_of,
  limits: { cpu: row.cpu_limit, memoryMb: row.memory_limit_mb },
  recordedAt: row.recorded_at,
});

const contextOf = ({ serviceId, revision }: Pick<RevisionRecord, 'serviceId' | 'revision'>): string =>
  `revision:${serviceId}:${revision}`;
