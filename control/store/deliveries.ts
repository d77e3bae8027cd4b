// Messages, who they go to, and how that went. A delivery is a row of its endpoint's queue while it is pending.
import type { Database } from '../db/database.ts';
import { parseJson, selectBy, countRows, selectRows, toJson, type Paged, type PageRequest } from './page.ts';
import type { AttemptRecord, DeliveryRecord, DeliveryState, MessageRecord } from './webhook-records.ts';

interface DeliveryRow {
  id: string;
  webhook_id: string;
  message_id: string;
  type: string;
  state: DeliveryState;
  error: string | null;
  tries: number;
  asked_at: number;
  next_at: number | null;
  created_at: number;
  finished_at: number | null;
}

interface AttemptRow {
  at: number;
  duration_ms: number;
  url: string;
  request_headers: string;
  status: number | null;
  reply_headers: string | null;
  reply_body: string | null;
  is_cut: number;
  error: string | null;
}

export type NewDelivery = Pick<DeliveryRecord, 'id' | 'webhookId' | 'messageId' | 'askedAt'>;
export type DeliveryOutcome = Pick<DeliveryRecord, 'state' | 'error' | 'tries' | 'askedAt' | 'nextAt' | 'finishedAt'>;

export interface DeliveryFilter extends PageRequest {
  webhookId: string;
  state?: DeliveryState | undefined;
  order: 'asc' | 'desc';
}

/** An endpoint that something waits for. */
export interface DueEndpoint {
  webhookId: string;
  /** When its next delivery may be tried. */
  at: number;
}

const WITH_TYPE = 'deliveries JOIN (SELECT id AS mid, type FROM webhook_messages) ON mid = message_id';

export class DeliveryStore {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  insertMessage(message: MessageRecord): void {
    this.#db.run('INSERT INTO webhook_messages (id, type, body, at) VALUES (:id, :type, :body, :at)', { ...message });
  }

  findMessage(id: string): MessageRecord | undefined {
    return this.#db.get<MessageRecord>('SELECT * FROM webhook_messages WHERE id = :id', { id });
  }

  /** Due at once, behind what the endpoint waits for already. */
  insert(delivery: NewDelivery): void {
    this.#db.run(
      `INSERT INTO deliveries (id, webhook_id, message_id, state, asked_at, next_at, created_at)
       VALUES (:id, :webhookId, :messageId, 'pending', :askedAt, :askedAt, :askedAt)`,
      { ...delivery },
    );
  }

  find(id: string): DeliveryRecord | undefined {
    return fromRow(this.#db.get<DeliveryRow>(`SELECT * FROM ${WITH_TYPE} WHERE id = :id`, { id }));
  }

  list(filter: DeliveryFilter): Paged<DeliveryRecord> {
    const direction = filter.order === 'asc' ? 'ASC' : 'DESC';
    const selection = selectBy([
      ['webhook_id = :webhookId', { webhookId: filter.webhookId }],
      ['state = :state', { state: filter.state }],
    ]);
    const orderBy = `created_at ${direction}, seq ${direction}`;
    const rows = selectRows<DeliveryRow>(this.#db, { table: WITH_TYPE, conditions: [], orderBy }, selection, filter);
    return { items: rows.map(toDelivery), total: countRows(this.#db, 'deliveries', selection) };
  }

  countPending(webhookId: string): number {
    const sql = "SELECT count(*) AS count FROM deliveries WHERE webhook_id = :webhookId AND state = 'pending'";
    return this.#db.get<{ count: number }>(sql, { webhookId })?.count ?? 0;
  }

  /** Of all endpoints. */
  countAllPending(): number {
    const sql = "SELECT count(*) AS count FROM deliveries WHERE state = 'pending'";
    return this.#db.get<{ count: number }>(sql)?.count ?? 0;
  }

  /** Active endpoints with something pending, and when the first of it is due: never while the breaker is open. */
  dueEndpoints(): DueEndpoint[] {
    return this.#db.all<DueEndpoint>(
      `SELECT id AS webhookId, max(coalesce(open_until, 0), next_at) AS at FROM (
         SELECT id, open_until,
           (SELECT min(next_at) FROM deliveries WHERE webhook_id = webhooks.id AND state = 'pending') AS next_at
         FROM webhooks WHERE state = 'active')
       WHERE next_at IS NOT NULL ORDER BY at, id`,
    );
  }

  /** What the endpoint is to be sent next, in the order of its queue. */
  nextDue(webhookId: string, now: number): DeliveryRecord | undefined {
    const sql = `SELECT * FROM ${WITH_TYPE} WHERE webhook_id = :webhookId AND state = 'pending' AND next_at <= :now
      ORDER BY next_at, seq LIMIT 1`;
    return fromRow(this.#db.get<DeliveryRow>(sql, { webhookId, now }));
  }

  setOutcome(id: string, outcome: DeliveryOutcome): void {
    this.#db.run(
      `UPDATE deliveries SET state = :state, error = :error, tries = :tries, asked_at = :askedAt, next_at = :nextAt,
         finished_at = :finishedAt
       WHERE id = :id`,
      { id, ...outcome },
    );
  }

  /** What waits is due, with its day and all its tries before it. */
  askAgain(webhookId: string, at: number): void {
    const sql = `UPDATE deliveries SET tries = 0, asked_at = :at, next_at = :at
      WHERE webhook_id = :webhookId AND state = 'pending'`;
    this.#db.run(sql, { webhookId, at });
  }

  /** Gives up the oldest pending ones beyond `keep`. Returns how many. */
  dropOldest(webhookId: string, keep: number, error: string, at: number): number {
    const excess = this.countPending(webhookId) - keep;
    if (excess <= 0) return 0;
    const sql = `UPDATE deliveries SET state = 'dropped', error = :error, next_at = NULL, finished_at = :at
      WHERE id IN (SELECT id FROM deliveries WHERE webhook_id = :webhookId AND state = 'pending'
        ORDER BY seq LIMIT :excess)`;
    return this.#db.run(sql, { webhookId, error, at, excess });
  }

  /** Gives up all that is pending. */
  failPending(webhookId: string, error: string, at: number): void {
    this.#db.run(
      `UPDATE deliveries SET state = 'failed', error = :error, next_at = NULL, finished_at = :at
       WHERE webhook_id = :webhookId AND state = 'pending'`,
      { webhookId, error, at },
    );
  }

  addAttempt(deliveryId: string, attempt: AttemptRecord): void {
    this.#db.run(
      `INSERT INTO delivery_attempts (delivery_id, number, at, duration_ms, url, request_headers, status, reply_headers,
         reply_body, is_cut, error)
       SELECT :deliveryId, coalesce(max(number), 0) + 1, :at, :durationMs, :url, :requestHeaders, :status,
         :replyHeaders, :replyBody, :isCut, :error
       FROM delivery_attempts WHERE delivery_id = :deliveryId`,
      {
        ...attempt,
        deliveryId,
        requestHeaders: JSON.stringify(attempt.requestHeaders),
        replyHeaders: toJson(attempt.replyHeaders),
        isCut: Number(attempt.isCut),
      },
    );
  }

  attemptsOf(deliveryId: string): AttemptRecord[] {
    return this.#db
      .all<AttemptRow>('SELECT * FROM delivery_attempts WHERE delivery_id = :deliveryId ORDER BY number', {
        deliveryId,
      })
      .map(toAttempt);
  }

  /** Messages with all their deliveries. */
  sweep(before: number, limit: number): number {
    const sql = `DELETE FROM webhook_messages WHERE id IN (
      SELECT id FROM webhook_messages WHERE at < :before LIMIT :limit)`;
    return this.#db.run(sql, { before, limit });
  }
}

const toDelivery = (row: DeliveryRow): DeliveryRecord => ({
  id: row.id,
  webhookId: row.webhook_id,
  messageId: row.message_id,
  type: row.type,
  state: row.state,
  error: row.error,
  tries: row.tries,
  askedAt: row.asked_at,
  nextAt: row.next_at,
  createdAt: row.created_at,
  finishedAt: row.finished_at,
});

const fromRow = (row: DeliveryRow | undefined): DeliveryRecord | undefined => row && toDelivery(row);

const toAttempt = (row: AttemptRow): AttemptRecord => ({
  at: row.at,
  durationMs: row.duration_ms,
  url: row.url,
  requestHeaders: JSON.parse(row.request_headers) as Record<string, string>,
  status: row.status,
  replyHeaders: parseJson<Record<string, string>>(row.reply_headers),
  replyBody: row.reply_body,
  isCut: row.is_cut === 1,
  error: row.error,
});
