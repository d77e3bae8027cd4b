// The schedules of this host, up to where each was looked at, and their runs. Callers put the calls of one transition
// into one transaction (AgentState.transact).
import type { ScheduleRun, ScheduleSpec } from '#shared/schedule/schedule.ts';
import type { SecretBox } from '#shared/secrets.ts';
import type { Sqlite } from '#shared/sqlite.ts';

/** Control has them all, and for longer; here only their ids still tell a repeat, so their output is not kept. */
const KEEP_RUNS_MS = 30 * 24 * 3600_000;
/** Far more than control asks for within days; a schedule may run each minute. */
const KEPT_RUNS = 10_000;

export interface StoredSchedule {
  spec: ScheduleSpec;
  /** What was due up to here is decided, in milliseconds since the epoch. */
  cursor: number;
}

interface Row {
  id: string;
  spec: Buffer;
  cursor: number;
}

export class ScheduleTable {
  readonly #db: Sqlite;
  readonly #box: SecretBox;

  constructor(db: Sqlite, box: SecretBox) {
    this.#db = db;
    this.#box = box;
  }

  find(id: string): StoredSchedule | undefined {
    const row = this.#db.prepare<[string], Row>('SELECT id, spec, cursor FROM schedules WHERE id = ?').get(id);
    return row && this.#fromRow(row);
  }

  all(): StoredSchedule[] {
    const rows = this.#db.prepare<[], Row>('SELECT id, spec, cursor FROM schedules ORDER BY id').all();
    return rows.map((row) => this.#fromRow(row));
  }

  /** An older revision than the host has is ignored. Another time, or a pause that is over, counts from now on. */
  put(spec: ScheduleSpec, now: number): void {
    const known = this.find(spec.id);
    if (known && known.spec.revision > spec.revision) return;
    const { cron, timeZone, isEnabled } = spec;
    const isSame = known?.spec.isEnabled && isEnabled && known.spec.cron === cron && known.spec.timeZone === timeZone;
    const sql = `INSERT INTO schedules VALUES (@id, @revision, @spec, @cursor)
      ON CONFLICT (id) DO UPDATE SET revision = excluded.revision, spec = excluded.spec, cursor = excluded.cursor`;
    const sealed = this.#box.seal(JSON.stringify(spec), spec.id);
    const cursor = known && isSame ? known.cursor : now;
    this.#db.prepare(sql).run({ id: spec.id, revision: spec.revision, spec: sealed, cursor });
  }

  /** Runs under way go on to their end. A schedule that was changed since is left. */
  remove(id: string, revision: number): void {
    this.#db.prepare('DELETE FROM schedules WHERE id = ? AND revision <= ?').run(id, revision);
  }

  setCursor(id: string, cursor: number): void {
    this.#db.prepare('UPDATE schedules SET cursor = ? WHERE id = ?').run(cursor, id);
  }

  findRun(id: string): ScheduleRun | undefined {
    const text = this.#db.prepare<[string], string>('SELECT body FROM schedule_runs WHERE id = ?').pluck().get(id);
    return text === undefined ? undefined : (JSON.parse(text) as ScheduleRun);
  }

  /** Those that have not ended, in the order they began. */
  openRuns(): ScheduleRun[] {
    const sql = 'SELECT body FROM schedule_runs WHERE finished_at IS NULL ORDER BY number';
    const bodies = this.#db.prepare<[], string>(sql).pluck().all();
    return bodies.map((body) => JSON.parse(body) as ScheduleRun);
  }

  putRun(run: ScheduleRun): void {
    const sql = `INSERT INTO schedule_runs (id, schedule_id, body, finished_at) VALUES (@id, @scheduleId, @body, @finishedAt)
      ON CONFLICT (id) DO UPDATE SET body = excluded.body, finished_at = excluded.finished_at`;
    const { id, scheduleId, finishedAt } = run;
    const kept = finishedAt === null ? run : { ...run, targets: [] };
    this.#db.prepare(sql).run({ id, scheduleId, finishedAt, body: JSON.stringify(kept) });
  }

  pruneRuns(now: number): void {
    this.#db.prepare('DELETE FROM schedule_runs WHERE finished_at < ?').run(now - KEEP_RUNS_MS);
    const sql = `DELETE FROM schedule_runs WHERE finished_at IS NOT NULL
      AND number <= (SELECT max(number) FROM schedule_runs) - ?`;
    this.#db.prepare(sql).run(KEPT_RUNS);
  }

  #fromRow({ id, spec, cursor }: Row): StoredSchedule {
    return { spec: JSON.parse(this.#box.open(spec, id)) as ScheduleSpec, cursor };
  }
}
