// The timeline of services and hosts, and with each event its place in the outbox for webhooks.
import { newId } from '#shared/ids.ts';
import type { ContainerEnd } from '#shared/model.ts';
import type { Database } from '../db/database.ts';
import { parseJson, selectPage, toJson, type Paged, type PageRequest } from './page.ts';
import type { EventRecord } from './records.ts';

interface EventRow {
  id: string;
  service_id: string | null;
  host_id: string | null;
  job_id: string | null;
  schedule_id: string | null;
  type: string;
  status: string;
  message: string;
  at: number;
  container_end: string | null;
  incident_id: string | null;
}

export type NewEvent = Pick<EventRecord, 'type' | 'status' | 'message' | 'at'> & Partial<EventRecord>;

export interface EventFilter extends PageRequest {
  serviceId?: string | undefined;
  hostId?: string | undefined;
  type?: string | undefined;
  status?: string | undefined;
  /** By time; the newest first unless asked otherwise. */
  order?: 'asc' | 'desc' | undefined;
}

export class EventStore {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /** `id` and what does not apply may be left out. */
  insert({
    id,
    serviceId = null,
    hostId = null,
    jobId = null,
    scheduleId = null,
    end = null,
    incidentId = null,
    ...event
  }: NewEvent): void {
    const eventId = id ?? newId('evt', event.at);
    this.#db.run(
      `INSERT INTO events (id, service_id, host_id, job_id, schedule_id, type, status, message, at, container_end,
         incident_id)
       VALUES (:id, :serviceId, :hostId, :jobId, :scheduleId, :type, :status, :message, :at, :end, :incidentId)`,
      { id: eventId, serviceId, hostId, jobId, scheduleId, end: toJson(end), incidentId, ...event },
    );
    this.#db.run('INSERT INTO outbox (event_id) SELECT :eventId WHERE EXISTS (SELECT 1 FROM webhooks)', { eventId });
  }

  find(id: string): EventRecord | undefined {
    const row = this.#db.get<EventRow>('SELECT * FROM events WHERE id = :id', { id });
    return row && toEvent(row);
  }

  list(filter: EventFilter): Paged<EventRecord> {
    const direction = filter.order === 'asc' ? 'ASC' : 'DESC';
    const { items, total } = selectPage<EventRow>(
      this.#db,
      {
        table: 'events',
        conditions: [
          ['service_id = :serviceId', { serviceId: filter.serviceId }],
          ['host_id = :hostId', { hostId: filter.hostId }],
          ['type = :type', { type: filter.type }],
          ['status = :status', { status: filter.status }],
        ],
        orderBy: `at ${direction}, rowid ${direction}`, // what one write tells happens in one millisecond
      },
      filter,
    );
    return { items: items.map(toEvent), total };
  }

  sweep(before: number, limit: number): number {
    const sql = 'DELETE FROM events WHERE id IN (SELECT id FROM events WHERE at < :before LIMIT :limit)';
    return this.#db.run(sql, { before, limit });
  }
}

const toEvent = (row: EventRow): EventRecord => ({
  id: row.id,
  serviceId: row.service_id,
  hostId: row.host_id,
  jobId: row.job_id,
  scheduleId: row.schedule_id,
  type: row.type,
  status: row.status,
  message: row.message,
  at: row.at,
  end: parseJson<ContainerEnd>(row.container_end),
  incidentId: row.incident_id,
});
