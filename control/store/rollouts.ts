// Rollouts of sets, and what each host is in them. At most one of a set is running or halted: an index keeps it so.
import type { Database } from '../db/database.ts';
import { selectPage, type Paged, type PageRequest } from './page.ts';
import type { RolloutRecord, RolloutState, TargetRecord } from './set-records.ts';

interface RolloutRow {
  id: string;
  set_id: string;
  set_revision: number;
  kind: RolloutRecord['kind'];
  pull: RolloutRecord['pull'];
  state: RolloutState;
  halted_by: string | null;
  made_by: string | null;
  created_at: number;
  finished_at: number | null;
}

interface TargetRow {
  rollout_id: string;
  host_id: string;
  state: TargetRecord['state'];
  wave: number | null;
  is_retry: number;
  service_id: string | null;
  job_id: string | null;
  reason: string | null;
}

export interface RolloutFilter extends PageRequest {
  setId: string;
  state?: RolloutState | undefined;
  /** By age; the newest first unless asked otherwise. */
  order?: 'asc' | 'desc' | undefined;
}

/** Of a set. Each may have a thousand hosts. */
export const KEPT_ROLLOUTS = 20;

export class RolloutStore {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /** Forgets the oldest beyond those that are kept. */
  insert({ finishedAt: _f, haltedBy: _h, ...rollout }: RolloutRecord): void {
    this.#db.run(
      `INSERT INTO rollouts (id, set_id, set_revision, kind, pull, state, made_by, created_at)
       VALUES (:id, :setId, :setRevision, :kind, :pull, :state, :madeBy, :createdAt)`,
      { ...rollout },
    );
    this.#db.run(
      `DELETE FROM rollouts WHERE set_id = :setId AND id NOT IN (
         SELECT id FROM rollouts WHERE set_id = :setId ORDER BY rowid DESC LIMIT :kept)`,
      { setId: rollout.setId, kept: KEPT_ROLLOUTS },
    );
  }

  find(id: string): RolloutRecord | undefined {
    const row = this.#db.get<RolloutRow>('SELECT * FROM rollouts WHERE id = :id', { id });
    return row && toRollout(row);
  }

  findCurrent(setId: string): RolloutRecord | undefined {
    const sql = `SELECT * FROM rollouts WHERE set_id = :setId AND state IN ('running', 'halted')`;
    const row = this.#db.get<RolloutRow>(sql, { setId });
    return row && toRollout(row);
  }

  findLatest(setId: string): RolloutRecord | undefined {
    const sql = 'SELECT * FROM rollouts WHERE set_id = :setId ORDER BY rowid DESC LIMIT 1';
    const row = this.#db.get<RolloutRow>(sql, { setId });
    return row && toRollout(row);
  }

  list({ setId, state, order = 'desc', ...page }: RolloutFilter): Paged<RolloutRecord> {
    const { items, total } = selectPage<RolloutRow>(
      this.#db,
      {
        table: 'rollouts',
        conditions: [
          ['set_id = :setId', { setId }],
          ['state = :state', { state }],
        ],
        orderBy: `rowid ${order === 'asc' ? 'ASC' : 'DESC'}`, // two may be of one millisecond
      },
      page,
    );
    return { items: items.map(toRollout), total };
  }

  /** Those that go on, and those that are over or halted with jobs still under way. */
  open(): string[] {
    return this.#db
      .all<{ id: string }>(
        `SELECT id FROM rollouts WHERE state = 'running'
         UNION SELECT rollout_id FROM rollout_targets WHERE state = 'running'`,
      )
      .map(({ id }) => id);
  }

  setState(id: string, state: RolloutState, { haltedBy, at }: { haltedBy?: string; at?: number } = {}): void {
    const sql = 'UPDATE rollouts SET state = :state, halted_by = :haltedBy, finished_at = :at WHERE id = :id';
    this.#db.run(sql, { id, state, haltedBy: haltedBy ?? null, at: at ?? null });
  }

  /** In the order in which their turns come. One that is in it already and had its turn, or was passed over, has another. */
  addTargets(rolloutId: string, hostIds: readonly string[]): void {
    this.#db.run(
      `INSERT INTO rollout_targets (rollout_id, host_id, position, state)
       SELECT :rolloutId, value, key + (SELECT count(*) FROM rollout_targets WHERE rollout_id = :rolloutId), 'pending'
       FROM json_each(:hostIds) WHERE true
       ON CONFLICT DO UPDATE SET state = 'pending', wave = NULL, reason = NULL WHERE state IN ('skipped', 'succeeded')`,
      { rolloutId, hostIds: JSON.stringify(hostIds) },
    );
  }

  /** In the order of their turns: by wave, then those that still wait. */
  targets(rolloutId: string): TargetRecord[] {
    return this.#db
      .all<TargetRow>(
        'SELECT * FROM rollout_targets WHERE rollout_id = :rolloutId ORDER BY wave IS NULL, wave, position, host_id',
        { rolloutId },
      )
      .map(toTarget);
  }

  /** How many hosts are in which state; those of which there are none are left out. */
  counts(rolloutId: string): { state: TargetRecord['state']; hosts: number }[] {
    const sql = 'SELECT state, count(*) AS hosts FROM rollout_targets WHERE rollout_id = :rolloutId GROUP BY state';
    return this.#db.all(sql, { rolloutId });
  }

  findTarget(rolloutId: string, hostId: string): TargetRecord | undefined {
    const sql = 'SELECT * FROM rollout_targets WHERE rollout_id = :rolloutId AND host_id = :hostId';
    const row = this.#db.get<TargetRow>(sql, { rolloutId, hostId });
    return row && toTarget(row);
  }

  /** Their turn has come. */
  openWave(rolloutId: string, wave: number, hostIds: readonly string[]): void {
    this.#db.run(
      `UPDATE rollout_targets SET wave = :wave
       WHERE rollout_id = :rolloutId AND wave IS NULL AND host_id IN (SELECT value FROM json_each(:hostIds))`,
      { rolloutId, wave, hostIds: JSON.stringify(hostIds) },
    );
  }

  setStarted({ rolloutId, hostId }: TargetRecord, started: { serviceId: string; jobId: string }): void {
    this.#db.run(
      `UPDATE rollout_targets SET state = 'running', service_id = :serviceId, job_id = :jobId, reason = NULL
       WHERE rollout_id = :rolloutId AND host_id = :hostId`,
      { rolloutId, hostId, ...started },
    );
  }

  /** One that waits again has no wave. */
  judge(rolloutId: string, { hostId, state, reason }: Pick<TargetRecord, 'hostId' | 'state' | 'reason'>): void {
    this.#db.run(
      `UPDATE rollout_targets SET state = :state, reason = :reason, wave = CASE :state WHEN 'pending' THEN NULL ELSE wave END
       WHERE rollout_id = :rolloutId AND host_id = :hostId`,
      { rolloutId, hostId, state, reason },
    );
  }

  /** What failed goes first; a wave that was begun is begun anew. */
  retryFailed(rolloutId: string): void {
    this.#db.run(
      `UPDATE rollout_targets SET is_retry = is_retry OR state = 'failed', state = 'pending', wave = NULL, reason = NULL
       WHERE rollout_id = :rolloutId AND state IN ('failed', 'pending')`,
      { rolloutId },
    );
  }

  skipPending(rolloutId: string, reason: string): void {
    this.#db.run(
      `UPDATE rollout_targets SET state = 'skipped', reason = :reason
       WHERE rollout_id = :rolloutId AND state = 'pending'`,
      { rolloutId, reason },
    );
  }
}

const toRollout = (row: RolloutRow): RolloutRecord => ({
  id: row.id,
  setId: row.set_id,
  setRevision: row.set_revision,
  kind: row.kind,
  pull: row.pull,
  state: row.state,
  haltedBy: row.halted_by,
  madeBy: row.made_by,
  createdAt: row.created_at,
  finishedAt: row.finished_at,
});

const toTarget = (row: TargetRow): TargetRecord => ({
  rolloutId: row.rollout_id,
  hostId: row.host_id,
  state: row.state,
  wave: row.wave,
  isRetry: row.is_retry === 1,
  serviceId: row.service_id,
  jobId: row.job_id,
  reason: row.reason,
});
