// The containers that adoptions are about, by job: a host that lost the job is told again.
import type { AdoptedContainer } from '#shared/jobs.ts';
import type { Database } from '../db/database.ts';

export class AdoptionStore {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  put(jobId: string, containers: readonly AdoptedContainer[]): void {
    const sql = 'INSERT INTO adoptions (job_id, containers) VALUES (:jobId, :containers)';
    this.#db.run(sql, { jobId, containers: JSON.stringify(containers) });
  }

  find(jobId: string): AdoptedContainer[] | undefined {
    const row = this.#db.get<{ containers: string }>('SELECT containers FROM adoptions WHERE job_id = :jobId', {
      jobId,
    });
    return row && (JSON.parse(row.containers) as AdoptedContainer[]);
  }
}
