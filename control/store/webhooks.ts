// Webhook endpoints. Their secrets are sealed, and leave by `secretsOf` alone.
import type { SecretBox } from '#shared/secrets.ts';
import type { Database } from '../db/database.ts';
import { hasLabelsSql, parseJson, selectPage, toJson, type Paged, type PageRequest } from './page.ts';
import type { WebhookRecord, WebhookSecrets } from './webhook-records.ts';

interface WebhookRow {
  id: string;
  url: string;
  description: string | null;
  events: string;
  format: WebhookRecord['format'];
  customer_id: string | null;
  host_labels: string | null;
  state: WebhookRecord['state'];
  disabled_reason: string | null;
  failures: number;
  open_until: number | null;
  after_seq: number;
  created_at: number;
  updated_at: number;
}

export interface WebhookFilter extends PageRequest {
  boundTo: Pick<WebhookRecord, 'customerId' | 'hostLabels'>;
  sort: 'created_at' | 'url';
  order: 'asc' | 'desc';
}

/** What a user changes, and what the outcome of deliveries does. */
export type WebhookChange = Partial<
  Pick<WebhookRecord, 'url' | 'description' | 'events' | 'state' | 'disabledReason' | 'failures' | 'openUntil'>
>;

export class WebhookStore {
  readonly #db: Database;
  readonly #box: SecretBox;

  constructor(db: Database, box: SecretBox) {
    this.#db = db;
    this.#box = box;
  }

  insert(webhook: WebhookRecord, secrets: WebhookSecrets): void {
    this.#db.run(
      `INSERT INTO webhooks (id, url, description, events, format, customer_id, host_labels, sealed, state, disabled_reason,
         failures, open_until, after_seq, created_at, updated_at)
       VALUES (:id, :url, :description, :events, :format, :customerId, :hostLabels, :sealed, :state, :disabledReason,
         :failures, :openUntil, :afterSeq, :createdAt, :updatedAt)`,
      {
        ...webhook,
        events: JSON.stringify(webhook.events),
        hostLabels: toJson(webhook.hostLabels),
        sealed: this.#seal(webhook.id, secrets),
      },
    );
  }

  find(id: string): WebhookRecord | undefined {
    const row = this.#db.get<WebhookRow>('SELECT * FROM webhooks WHERE id = :id', { id });
    return row && toWebhook(row);
  }

  secretsOf(id: string): WebhookSecrets | undefined {
    const row = this.#db.get<{ sealed: Buffer }>('SELECT sealed FROM webhooks WHERE id = :id', { id });
    return row && (JSON.parse(this.#box.open(row.sealed, `webhook:${id}`)) as WebhookSecrets);
  }

  setSecrets(id: string, secrets: WebhookSecrets): void {
    this.#db.run('UPDATE webhooks SET sealed = :sealed WHERE id = :id', { id, sealed: this.#seal(id, secrets) });
  }

  /** Those that are bound at least as tightly as `boundTo`. */
  list(filter: WebhookFilter): Paged<WebhookRecord> {
    const { customerId, hostLabels } = filter.boundTo;
    const direction = filter.order === 'desc' ? 'DESC' : 'ASC';
    const { items, total } = selectPage<WebhookRow>(
      this.#db,
      {
        table: 'webhooks',
        conditions: [
          ['customer_id = :customerId', { customerId: customerId ?? undefined }],
          [hasLabelsSql('webhooks'), { hostLabels: toJson(hostLabels) ?? undefined }],
        ],
        orderBy: `${filter.sort === 'url' ? 'url' : 'created_at'} ${direction}, id ${direction}`,
      },
      filter,
    );
    return { items: items.map(toWebhook), total };
  }

  /** Those that events are kept for; a disabled one hears of nothing. */
  listening(): WebhookRecord[] {
    return this.#db
      .all<WebhookRow>("SELECT * FROM webhooks WHERE state <> 'disabled' ORDER BY created_at, id")
      .map(toWebhook);
  }

  countOf(customerId: string | null): number {
    const sql = 'SELECT count(*) AS count FROM webhooks WHERE customer_id IS :customerId';
    return this.#db.get<{ count: number }>(sql, { customerId })?.count ?? 0;
  }

  change(webhook: WebhookRecord, change: WebhookChange, updatedAt = webhook.updatedAt): WebhookRecord {
    const next = { ...webhook, ...change, updatedAt };
    const { id, url, description, state, disabledReason, failures, openUntil } = next;
    this.#db.run(
      `UPDATE webhooks SET url = :url, description = :description, events = :events, state = :state,
         disabled_reason = :disabledReason, failures = :failures, open_until = :openUntil, updated_at = :updatedAt
       WHERE id = :id`,
      {
        id,
        url,
        description,
        state,
        disabledReason,
        failures,
        openUntil,
        updatedAt,
        events: JSON.stringify(next.events),
      },
    );
    return next;
  }

  remove(id: string): boolean {
    return this.#db.run('DELETE FROM webhooks WHERE id = :id', { id }) > 0;
  }

  removeOfCustomer(customerId: string): void {
    this.#db.run('DELETE FROM webhooks WHERE customer_id = :customerId', { customerId });
  }

  #seal(id: string, secrets: WebhookSecrets): Buffer {
    return this.#box.seal(JSON.stringify(secrets), `webhook:${id}`);
  }
}

const toWebhook = (row: WebhookRow): WebhookRecord => ({
  id: row.id,
  url: row.url,
  description: row.description,
  events: JSON.parse(row.events) as string[],
  format: row.format,
  customerId: row.customer_id,
  hostLabels: parseJson<Record<string, string>>(row.host_labels),
  state: row.state,
  disabledReason: row.disabled_reason,
  failures: row.failures,
  openUntil: row.open_until,
  afterSeq: row.after_seq,
  createdAt: row.created_at,
  updatedAt: row.updated_at,
});
