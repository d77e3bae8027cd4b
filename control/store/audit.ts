// The audit log: append, list, and nothing else. A row and the noted head are part of the write they are appended in, so
// a write that is rolled back leaves neither a row nor a hole.
import { newId } from '#shared/ids.ts';
import type { Database } from '../db/database.ts';
import { chainHash, EMPTY_HEAD, type AuditHead, type AuditRow } from './audit-chain.ts';
import { MetaStore } from './meta.ts';
import { asJsonList, selectPage, type Paged, type PageRequest } from './page.ts';
import type { AuditDetail, AuditRecord } from './audit-records.ts';
import type { Visibility } from './records.ts';

export interface AuditFilter extends PageRequest {
  actor?: string | undefined;
  action?: string | undefined;
  target?: string | undefined;
  result?: AuditRecord['result'] | undefined;
  since?: number | undefined;
  until?: number | undefined;
  order: 'asc' | 'desc';
  visibility: Visibility;
}

export class AuditStore {
  readonly #db: Database;
  readonly #meta: MetaStore;

  constructor(db: Database) {
    this.#db = db;
    this.#meta = new MetaStore(db);
  }

  /** Call inside a write. Follows the noted head, not the last row: rows that were taken away stay missing. */
  append(entry: Omit<AuditRecord, 'id' | 'seq' | 'hash'>): void {
    const head = this.head();
    const row = toRow(entry, head.count + 1);
    const hash = chainHash(head.hash, row);
    this.#db.run(
      `INSERT INTO audit (seq, id, at, actor_kind, actor_id, actor_name, action, method, path, target_id, fields,
         customer_id, host_id, job_id, address, request_id, user_agent, result, status, code, omitted, detail, hash)
       VALUES (:seq, :id, :at, :actor_kind, :actor_id, :actor_name, :action, :method, :path, :target_id, :fields,
         :customer_id, :host_id, :job_id, :address, :request_id, :user_agent, :result, :status, :code, :omitted,
         :detail, :hash)`,
      { ...row, hash },
    );
    this.#meta.set('audit_head', JSON.stringify({ count: row.seq, hash } satisfies AuditHead));
  }

  head(): AuditHead {
    return parseHead(this.#meta.find('audit_head'));
  }

  /** By number, which is the order of the writes. */
  list(filter: AuditFilter): Paged<AuditRecord> {
    const { visibility } = filter;
    const { items, total } = selectPage<AuditRow>(
      this.#db,
      {
        table: 'audit',
        conditions: [
          ['actor_id = :actor', { actor: filter.actor }],
          ['action = :action', { action: filter.action }],
          ['target_id = :target', { target: filter.target }],
          ['result = :result', { result: filter.result }],
          ['at >= :since', { since: filter.since }],
          ['at < :until', { until: filter.until }],
          ['customer_id = :ownCustomer', { ownCustomer: visibility.customerId ?? undefined }],
          ['host_id IN (SELECT value FROM json_each(:hostIds))', { hostIds: asJsonList(visibility.hostIds) }],
        ],
        orderBy: `seq ${filter.order === 'asc' ? 'ASC' : 'DESC'}`,
      },
      filter,
    );
    return { items: items.map(toRecord), total };
  }
}

export const parseHead = (text: string | undefined): AuditHead =>
  text === undefined ? EMPTY_HEAD : (JSON.parse(text) as AuditHead);

const toRow = (entry: Omit<AuditRecord, 'id' | 'seq' | 'hash'>, seq: number) => ({
  seq,
  id: newId('aud', entry.at),
  at: entry.at,
  actor_kind: entry.actorKind,
  actor_id: entry.actorId,
  actor_name: entry.actorName?.toWellFormed() ?? null, // half a character is not what SQLite gives back, and is hashed
  action: entry.action,
  method: entry.method,
  path: entry.path,
  target_id: entry.targetId,
  fields: JSON.stringify(entry.fields),
  customer_id: entry.customerId,
  host_id: entry.hostId,
  job_id: entry.jobId,
  address: entry.address,
  request_id: entry.requestId,
  user_agent: entry.userAgent,
  result: entry.result,
  status: entry.status,
  code: entry.code,
  omitted: entry.omitted,
  detail: entry.detail && JSON.stringify(entry.detail),
});

type Stored = { [Column in keyof ReturnType<typeof toRow>]: ReturnType<typeof toRow>[Column] } & { hash: string };

function toRecord(found: AuditRow): AuditRecord {
  const row = found as Stored;
  return {
    seq: row.seq,
    id: row.id,
    at: row.at,
    actorKind: row.actor_kind,
    actorId: row.actor_id,
    actorName: row.actor_name,
    action: row.action,
    method: row.method,
    path: row.path,
    targetId: row.target_id,
    fields: JSON.parse(row.fields) as string[],
    customerId: row.customer_id,
    hostId: row.host_id,
    jobId: row.job_id,
    address: row.address,
    requestId: row.request_id,
    userAgent: row.user_agent,
    result: row.result,
    status: row.status,
    code: row.code,
    omitted: row.omitted,
    detail: row.detail === null ? null : (JSON.parse(row.detail) as AuditDetail),
    hash: row.hash,
  };
}
