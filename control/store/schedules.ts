// Schedules, what of them each host was sent, and the runs that hosts told of.
import type { RunState, ScheduleRun, ScheduleSpec } from '#shared/schedule/schedule.ts';
import type { SecretBox } from '#shared/secrets.ts';
import type { Database } from '../db/database.ts';
import { hasLabelsSql, orderBy, parseJson, selectPage, toJson, type Paged, type PageRequest } from './page.ts';

export interface ScheduleRecord extends Omit<ScheduleSpec, 'heldCustomers'> {
  /** Reaches hosts with these only; null: every host. */
  hostLabels: Record<string, string> | null;
  /** What it is for, in its maker's words; null: nobody said. */
  description: string | null;
  createdAt: number;
  updatedAt: number;
}

export interface ScheduleRunRecord extends ScheduleRun {
  hostId: string;
}

interface ScheduleRow {
  id: string;
  name: string;
  kind: ScheduleRecord['kind'];
  cron: string;
  time_zone: string;
  targets: string;
  customer_id: string | null;
  host_labels: string | null;
  description: string | null;
  delay_between_s: number;
  catch_up: ScheduleRecord['catchUp'];
  jitter_s: number;
  is_enabled: number;
  sealed_exec: Buffer | null;
  revision: number;
  created_at: number;
  updated_at: number;
}

export interface ScheduleFilter extends PageRequest {
  boundTo: Pick<ScheduleRecord, 'customerId' | 'hostLabels'>;
  serviceId?: string | undefined;
  sort: 'created_at' | 'name';
  order: 'asc' | 'desc';
}

export interface RunFilter extends PageRequest {
  scheduleId: string;
  state?: RunState | undefined;
  order: 'asc' | 'desc';
}

/** Of each schedule: of one that runs each minute that is most of a day, of a daily one years. */
const MAX_RUNS = 1_000;

export class ScheduleStore {
  readonly #db: Database;
  readonly #box: SecretBox;

  constructor(db: Database, box: SecretBox) {
    this.#db = db;
    this.#box = box;
  }

  /** New or changed. */
  put(schedule: ScheduleRecord): void {
    const { targets, hostLabels, exec, isEnabled, ...plain } = schedule;
    this.#db.run(
      `INSERT INTO schedules VALUES (:id, :name, :kind, :cron, :timeZone, :targets, :serviceId, :customerId, :hostLabels,
         :delayBetweenS, :catchUp, :jitterS, :isEnabled, :sealedExec, :revision, :createdAt, :updatedAt, :description)
       ON CONFLICT (id) DO UPDATE SET name = excluded.name, kind = excluded.kind, cron = excluded.cron,
         time_zone = excluded.time_zone, targets = excluded.targets, service_id = excluded.service_id,
         customer_id = excluded.customer_id, delay_between_s = excluded.delay_between_s,
         catch_up = excluded.catch_up, jitter_s = excluded.jitter_s, is_enabled = excluded.is_enabled,
         sealed_exec = excluded.sealed_exec, revision = excluded.revision, updated_at = excluded.updated_at,
         description = excluded.description`,
      {
        ...plain,
        targets: JSON.stringify(targets),
        serviceId: 'serviceId' in targets ? targets.serviceId : null,
        hostLabels: toJson(hostLabels),
        isEnabled: Number(isEnabled),
        sealedExec: exec ? this.#box.seal(JSON.stringify(exec), `schedule:${schedule.id}`) : null,
      },
    );
  }

  find(id: string): ScheduleRecord | undefined {
    const row = this.#db.get<ScheduleRow>('SELECT * FROM schedules WHERE id = :id', { id });
    return row && this.#toRecord(row);
  }

  /** Those that are bound at least as tightly as `boundTo`. */
  list({
    boundTo: { customerId, hostLabels },
    serviceId,
    sort,
    order,
    ...page
  }: ScheduleFilter): Paged<ScheduleRecord> {
    const { items, total } = selectPage<ScheduleRow>(
      this.#db,
      {
        table: 'schedules',
        conditions: [
          ['customer_id = :customerId', { customerId: customerId ?? undefined }],
          [hasLabelsSql('schedules'), { hostLabels: toJson(hostLabels) ?? undefined }],
          ['service_id = :serviceId', { serviceId }],
        ],
        orderBy: orderBy(sort, order),
      },
      page,
    );
    return { items: items.map((row) => this.#toRecord(row)), total };
  }

  countOf(customerId: string | null): number {
    const sql = 'SELECT count(*) AS count FROM schedules WHERE customer_id IS :customerId';
    return this.#db.get<{ count: number }>(sql, { customerId })?.count ?? 0;
  }

  ofService(serviceId: string): ScheduleRecord[] {
    return this.#all('service_id = :serviceId', { serviceId });
  }

  /** Those that name it beside others. */
  naming(serviceId: string): ScheduleRecord[] {
    const named = `EXISTS (SELECT 1 FROM json_each(targets, '$.serviceIds') WHERE value = :serviceId)`;
    return this.#all(named, { serviceId });
  }

  ofCustomer(customerId: string): ScheduleRecord[] {
    return this.#all('customer_id = :customerId', { customerId });
  }

  ofKind(kind: ScheduleRecord['kind']): ScheduleRecord[] {
    return this.#all('kind = :kind', { kind });
  }

  /** Those that look for hosts by labels. */
  ofLabels(): ScheduleRecord[] {
    return this.#all('host_labels IS NOT NULL', {});
  }

  /** What may be meant for a host and it was not sent, as far as services tell; labels of hosts are not looked at. */
  unsentTo(hostId: string): ScheduleRecord[] {
    return this.#all(
      `(service_id IS NULL OR service_id IN (SELECT id FROM services WHERE host_id = :hostId))
         AND NOT EXISTS (SELECT 1 FROM schedule_hosts AS sent
           WHERE sent.schedule_id = schedules.id AND sent.host_id = :hostId AND sent.revision >= schedules.revision)`,
      { hostId },
    );
  }

  setSent(scheduleId: string, hostId: string, revision: number): void {
    const sql = `INSERT INTO schedule_hosts VALUES (:scheduleId, :hostId, :revision)
      ON CONFLICT (schedule_id, host_id) DO UPDATE SET revision = excluded.revision`;
    this.#db.run(sql, { scheduleId, hostId, revision });
  }

  sentTo(scheduleId: string): string[] {
    const sql = 'SELECT host_id AS hostId FROM schedule_hosts WHERE schedule_id = :scheduleId';
    return this.#db.all<{ hostId: string }>(sql, { scheduleId }).map(({ hostId }) => hostId);
  }

  /** It is not there, whatever we thought: one of them, or all. */
  forgetSent(hostId: string, scheduleId?: string): void {
    if (scheduleId === undefined) this.#db.run('DELETE FROM schedule_hosts WHERE host_id = :hostId', { hostId });
    else
      this.#db.run('DELETE FROM schedule_hosts WHERE host_id = :hostId AND schedule_id = :scheduleId', {
        hostId,
        scheduleId,
      });
  }

  /** With its runs. */
  remove(id: string): void {
    this.#db.run('DELETE FROM schedules WHERE id = :id', { id });
  }

  /** The oldest ones make room. */
  putRun({ hostId, ...run }: ScheduleRunRecord): void {
    const { id, scheduleId, state, dueAt, finishedAt } = run;
    this.#db.run(
      `INSERT INTO schedule_runs VALUES (:id, :scheduleId, :hostId, :state, :dueAt, :finishedAt, :body)
       ON CONFLICT (id) DO UPDATE SET state = excluded.state, finished_at = excluded.finished_at, body = excluded.body`,
      { id, scheduleId, hostId, state, dueAt, finishedAt, body: JSON.stringify(run) },
    );
    this.#db.run(
      `DELETE FROM schedule_runs WHERE schedule_id = :scheduleId AND due_at < (SELECT due_at FROM schedule_runs
         WHERE schedule_id = :scheduleId ORDER BY due_at DESC LIMIT 1 OFFSET ${MAX_RUNS})`,
      { scheduleId },
    );
  }

  findRun(id: string): ScheduleRunRecord | undefined {
    const row = this.#db.get<RunRow>('SELECT host_id, body FROM schedule_runs WHERE id = :id', { id });
    return row && toRun(row);
  }

  /** Of several hosts at one time the one that is not done speaks for all, else one that failed. */
  lastRun(scheduleId: string): ScheduleRunRecord | undefined {
    const sql = `SELECT host_id, body FROM schedule_runs WHERE schedule_id = :scheduleId
      ORDER BY due_at DESC, finished_at IS NULL DESC, state = 'failed' DESC, id DESC LIMIT 1`;
    const row = this.#db.get<RunRow>(sql, { scheduleId });
    return row && toRun(row);
  }

  /** Of all schedules, the newest first. */
  failedRuns(limit: number): ScheduleRunRecord[] {
    const sql = `SELECT host_id, body FROM schedule_runs WHERE state = 'failed' ORDER BY due_at DESC LIMIT :limit`;
    return this.#db.all<RunRow>(sql, { limit }).map(toRun);
  }

  /** Of all of them. */
  count(): { schedules: number; enabled: number } {
    const sql = 'SELECT count(*) AS schedules, coalesce(sum(is_enabled), 0) AS enabled FROM schedules';
    return this.#db.get(sql) ?? { schedules: 0, enabled: 0 };
  }

  runs({ scheduleId, state, order, ...page }: RunFilter): Paged<ScheduleRunRecord> {
    const { items, total } = selectPage<RunRow>(
      this.#db,
      {
        table: 'schedule_runs',
        conditions: [
          ['schedule_id = :scheduleId', { scheduleId }],
          ['state = :state', { state }],
        ],
        orderBy: orderBy('due_at', order),
      },
      page,
    );
    return { items: items.map(toRun), total };
  }

  sweepRuns(dueBefore: number, limit: number): number {
    const sql =
      'DELETE FROM schedule_runs WHERE id IN (SELECT id FROM schedule_runs WHERE due_at < :dueBefore LIMIT :limit)';
    return this.#db.run(sql, { dueBefore, limit });
  }

  /** `condition`: a constant of this store. */
  #all(condition: string, params: Record<string, string>): ScheduleRecord[] {
    const sql = `SELECT * FROM schedules WHERE ${condition} ORDER BY created_at, id`;
    return this.#db.all<ScheduleRow>(sql, params).map((row) => this.#toRecord(row));
  }

  #toRecord({ sealed_exec: sealed, ...row }: ScheduleRow): ScheduleRecord {
    const exec = sealed && (JSON.parse(this.#box.open(sealed, `schedule:${row.id}`)) as ScheduleRecord['exec']);
    return {
      id: row.id,
      name: row.name,
      revision: row.revision,
      kind: row.kind,
      cron: row.cron,
      timeZone: row.time_zone,
      targets: JSON.parse(row.targets) as ScheduleRecord['targets'],
      customerId: row.customer_id,
      hostLabels: parseJson<Record<string, string>>(row.host_labels),
      description: row.description,
      delayBetweenS: row.delay_between_s,
      catchUp: row.catch_up,
      jitterS: row.jitter_s,
      isEnabled: row.is_enabled === 1,
      ...(exec && { exec }),
      createdAt: row.created_at,
      updatedAt: row.updated_at,
    };
  }
}

interface RunRow {
  host_id: string;
  body: string;
}

const toRun = ({ host_id: hostId, body }: RunRow): ScheduleRunRecord => ({
  ...(JSON.parse(body) as ScheduleRun),
  hostId,
});
