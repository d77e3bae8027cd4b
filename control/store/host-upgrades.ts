// Upgrades of hosts, and how far each host is. At most one is running or halted: an index keeps it so.
import type { UpgradeProgress } from '#shared/protocol/upgrade-parts.ts';
import type { Database } from '../db/database.ts';
import { selectPage, type Paged, type PageRequest } from './page.ts';
import type { RolloutState, TargetState } from './set-records.ts';
import type { UpgradeRecord, UpgradeTargetRecord } from './upgrade-records.ts';

interface UpgradeRow {
  id: string;
  version: string;
  wave_size: number;
  allows_downgrade: number;
  state: RolloutState;
  halted_by: string | null;
  made_by: string;
  created_at: number;
  finished_at: number | null;
}

interface TargetRow {
  upgrade_id: string;
  host_id: string;
  wave: number | null;
  state: TargetState;
  is_retry: number;
  order_id: string | null;
  from_version: string | null;
  phase: UpgradeTargetRecord['phase'];
  percent: number | null;
  heard_at: number | null;
  well: string | null;
  reason: string | null;
}

export interface UpgradeFilter extends PageRequest {
  state?: RolloutState | undefined;
  /** Only those all of whose hosts are among these; null: any. */
  hostIds: readonly string[] | null;
  /** By age; the newest first unless asked otherwise. */
  order?: 'asc' | 'desc' | undefined;
}

/** Each may have thousands of hosts. */
export const KEPT_UPGRADES = 50;

export class HostUpgradeStore {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /** Forgets the oldest beyond those that are kept. */
  insert({ finishedAt: _f, haltedBy: _h, allowsDowngrade, ...upgrade }: UpgradeRecord): void {
    this.#db.run(
      `INSERT INTO host_upgrades (id, version, wave_size, allows_downgrade, state, made_by, created_at)
       VALUES (:id, :version, :waveSize, :allowsDowngrade, :state, :madeBy, :createdAt)`,
      { ...upgrade, allowsDowngrade: Number(allowsDowngrade) },
    );
    this.#db.run(
      `DELETE FROM host_upgrades WHERE id NOT IN (SELECT id FROM host_upgrades ORDER BY rowid DESC LIMIT :kept)`,
      { kept: KEPT_UPGRADES },
    );
  }

  /** In the order in which their turns come; one with a reason is passed over. */
  addTargets(upgradeId: string, targets: readonly { hostId: string; reason: string | null }[]): void {
    this.#db.run(
      `INSERT INTO host_upgrade_targets (upgrade_id, host_id, position, state, reason)
       SELECT :upgradeId, value ->> 'hostId', key, iif(value ->> 'reason' IS NULL, 'pending', 'skipped'), value ->> 'reason'
       FROM json_each(:targets)`,
      { upgradeId, targets: JSON.stringify(targets) },
    );
  }

  find(id: string): UpgradeRecord | undefined {
    const row = this.#db.get<UpgradeRow>('SELECT * FROM host_upgrades WHERE id = :id', { id });
    return row && toUpgrade(row);
  }

  findCurrent(): UpgradeRecord | undefined {
    const row = this.#db.get<UpgradeRow>(`SELECT * FROM host_upgrades WHERE state IN ('running', 'halted')`);
    return row && toUpgrade(row);
  }

  list({ state, hostIds, order = 'desc', ...page }: UpgradeFilter): Paged<UpgradeRecord> {
    const { items, total } = selectPage<UpgradeRow>(
      this.#db,
      {
        table: 'host_upgrades',
        conditions: [
          ['state = :state', { state }],
          [
            `NOT EXISTS (SELECT 1 FROM host_upgrade_targets WHERE upgrade_id = host_upgrades.id
               AND host_id NOT IN (SELECT value FROM json_each(:hostIds)))`,
            { hostIds: hostIds === null ? undefined : JSON.stringify(hostIds) },
          ],
        ],
        orderBy: `rowid ${order === 'asc' ? 'ASC' : 'DESC'}`, // two may be of one millisecond
      },
      page,
    );
    return { items: items.map(toUpgrade), total };
  }

  /** Those that go on, and those that are over or halted with hosts still at work. */
  open(): string[] {
    return this.#db
      .all<{ id: string }>(
        `SELECT id FROM host_upgrades WHERE state = 'running'
         UNION SELECT upgrade_id FROM host_upgrade_targets WHERE state = 'running'`,
      )
      .map(({ id }) => id);
  }

  setState(id: string, state: RolloutState, { haltedBy, at }: { haltedBy?: string; at?: number } = {}): void {
    const sql = 'UPDATE host_upgrades SET state = :state, halted_by = :haltedBy, finished_at = :at WHERE id = :id';
    this.#db.run(sql, { id, state, haltedBy: haltedBy ?? null, at: at ?? null });
  }

  /** In the order of their turns: by wave, then those that still wait. */
  targets(upgradeId: string): UpgradeTargetRecord[] {
    const sql =
      'SELECT * FROM host_upgrade_targets WHERE upgrade_id = :upgradeId ORDER BY wave IS NULL, wave, position, host_id';
    return this.#db.all<TargetRow>(sql, { upgradeId }).map(toTarget);
  }

  findTarget(upgradeId: string, hostId: string): UpgradeTargetRecord | undefined {
    const sql = 'SELECT * FROM host_upgrade_targets WHERE upgrade_id = :upgradeId AND host_id = :hostId';
    const row = this.#db.get<TargetRow>(sql, { upgradeId, hostId });
    return row && toTarget(row);
  }

  /** How many hosts are in which state; those of which there are none are left out. */
  counts(upgradeId: string): { state: TargetState; hosts: number }[] {
    const sql =
      'SELECT state, count(*) AS hosts FROM host_upgrade_targets WHERE upgrade_id = :upgradeId GROUP BY state';
    return this.#db.all(sql, { upgradeId });
  }

  /** Their turn has come. */
  openWave(upgradeId: string, wave: number, hostIds: readonly string[]): void {
    this.#db.run(
      `UPDATE host_upgrade_targets SET wave = :wave
       WHERE upgrade_id = :upgradeId AND wave IS NULL AND host_id IN (SELECT value FROM json_each(:hostIds))`,
      { upgradeId, wave, hostIds: JSON.stringify(hostIds) },
    );
  }

  setStarted(
    { upgradeId, hostId }: Pick<UpgradeTargetRecord, 'upgradeId' | 'hostId'>,
    { well, ...started }: { orderId: string; fromVersion: string | null; well: readonly string[]; at: number },
  ): void {
    this.#db.run(
      `UPDATE host_upgrade_targets SET state = 'running', order_id = :orderId, from_version = :fromVersion, phase = NULL,
         percent = NULL, heard_at = :at, well = :well, reason = NULL
       WHERE upgrade_id = :upgradeId AND host_id = :hostId`,
      { upgradeId, hostId, ...started, well: JSON.stringify(well) },
    );
  }

  /** What the host says under its order. */
  setProgress(orderId: string, { phase, percent, reason }: UpgradeProgress, at: number): void {
    this.#db.run(
      `UPDATE host_upgrade_targets SET phase = :phase, percent = :percent, reason = :reason, heard_at = :at
       WHERE order_id = :orderId AND state = 'running' AND (phase IS NOT :phase OR percent IS NOT :percent)`,
      { orderId, phase, percent, reason, at },
    );
  }

  /** One that waits again has no wave. */
  judge(upgradeId: string, { hostId, state, reason }: Pick<UpgradeTargetRecord, 'hostId' | 'state' | 'reason'>): void {
    this.#db.run(
      `UPDATE host_upgrade_targets
       SET state = :state, reason = :reason, wave = CASE :state WHEN 'pending' THEN NULL ELSE wave END
       WHERE upgrade_id = :upgradeId AND host_id = :hostId`,
      { upgradeId, hostId, state, reason },
    );
  }

  /** What failed goes first; a wave that was begun is begun anew. */
  retryFailed(upgradeId: string): void {
    this.#db.run(
      `UPDATE host_upgrade_targets
       SET is_retry = is_retry OR state = 'failed', state = 'pending', wave = NULL, phase = NULL, percent = NULL, reason = NULL
       WHERE upgrade_id = :upgradeId AND state IN ('failed', 'pending')`,
      { upgradeId },
    );
  }

  skipPending(upgradeId: string, reason: string): void {
    this.#db.run(
      `UPDATE host_upgrade_targets SET state = 'skipped', reason = :reason
       WHERE upgrade_id = :upgradeId AND state = 'pending'`,
      { upgradeId, reason },
    );
  }
}

const toUpgrade = (row: UpgradeRow): UpgradeRecord => ({
  id: row.id,
  version: row.version,
  waveSize: row.wave_size,
  allowsDowngrade: row.allows_downgrade === 1,
  state: row.state,
  haltedBy: row.halted_by,
  madeBy: row.made_by,
  createdAt: row.created_at,
  finishedAt: row.finished_at,
});

const toTarget = (row: TargetRow): UpgradeTargetRecord => ({
  upgradeId: row.upgrade_id,
  hostId: row.host_id,
  state: row.state,
  wave: row.wave,
  isRetry: row.is_retry === 1,
  orderId: row.order_id,
  fromVersion: row.from_version,
  phase: row.phase,
  percent: row.percent,
  heardAt: row.heard_at,
  well: JSON.parse(row.well ?? '[]') as string[],
  reason: row.reason,
});
