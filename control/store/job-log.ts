// The progress lines of a job, newest kept: a build that prints for an hour must not fill the disk.
import type { Database } from '../db/database.ts';
import type { JobLogRecord } from './records.ts';

/** What a person scrolls through; the host has the rest. */
export const MAX_LOG_LINES = 500;
export const MAX_LOG_CHARS = 64 * 1024;

export class JobLogStore {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /** Appends, then drops the oldest lines beyond either limit. */
  append(jobId: string, lines: readonly JobLogRecord[]): void {
    for (const { at, step, message } of lines.slice(-MAX_LOG_LINES)) {
      this.#db.run('INSERT INTO job_log (job_id, at, step, message) VALUES (:jobId, :at, :step, :message)', {
        jobId,
        at,
        step,
        message: message.slice(0, MAX_LOG_CHARS),
      });
    }
    this.#db.run(
      `DELETE FROM job_log WHERE id IN (
         SELECT id FROM (
           SELECT id, row_number() OVER newest AS line, sum(length(message)) OVER newest AS chars
           FROM job_log WHERE job_id = :jobId WINDOW newest AS (ORDER BY id DESC)
         ) WHERE line > :maxLines OR chars > :maxChars
       )`,
      { jobId, maxLines: MAX_LOG_LINES, maxChars: MAX_LOG_CHARS },
    );
  }

  /** Oldest first. */
  list(jobId: string): JobLogRecord[] {
    return this.#db.all<JobLogRecord>('SELECT at, step, message FROM job_log WHERE job_id = :jobId ORDER BY id', {
      jobId,
    });
  }
}
