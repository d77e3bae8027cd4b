// The chain that makes a change of the audit log show. Pure: rows in, hashes and faults out.
//
//   hash(n) = SHA-256( hash(n-1) LF canonical JSON of row n )        hash(0) = 64 zeros
//
// The canonical JSON has the columns in the order of AUDIT_COLUMNS, then `detail` where the row has one, and no spaces, as
// JSON.stringify writes it.
import { sha256 } from '#shared/secrets.ts';

/** Every column of the first version but the hash. Fixed: one more, also an empty one, would be another hash of every old row. */
export const AUDIT_COLUMNS = [
  'seq',
  'id',
  'at',
  'actor_kind',
  'actor_id',
  'actor_name',
  'action',
  'method',
  'path',
  'target_id',
  'fields',
  'customer_id',
  'host_id',
  'job_id',
  'address',
  'request_id',
  'user_agent',
  'result',
  'status',
  'code',
  'omitted',
] as const;

export type AuditRow = Record<(typeof AUDIT_COLUMNS)[number], string | number | null> & {
  seq: number;
  hash: string;
  /** Younger than the log: absent from the JSON where it is null, as it is from rows of before. */
  detail?: string | null;
};

/** The last row: its number, which is how many there are, and its hash. */
export interface AuditHead {
  count: number;
  hash: string;
}

export const EMPTY_HEAD: AuditHead = { count: 0, hash: '0'.repeat(64) };

export function chainHash(previous: string, row: Omit<AuditRow, 'hash'>): string {
  const columns = AUDIT_COLUMNS.map((column) => [column, row[column]]);
  if (typeof row.detail === 'string') columns.push(['detail', row.detail]);
  const canonical = JSON.stringify(Object.fromEntries(columns));
  return sha256(`${previous}\n${canonical}`);
}

export interface AuditCheck {
  /** What the rows add up to, as far as they are sound. */
  head: AuditHead;
  /** The first fault; null when the chain is whole. */
  fault: { seq: number; reason: string } | null;
}

/**
 * Follows the chain over all rows in order. `anchor` is what meta says of the head, undefined where it says nothing;
 * `expected` is a head hash that was noted elsewhere, and must be that of some row.
 */
export function checkChain(rows: Iterable<AuditRow>, anchor: AuditHead | undefined, expected?: string): AuditCheck {
  let head = EMPTY_HEAD;
  let isExpectedMet = expected === undefined || expected === EMPTY_HEAD.hash;
  const broken = (seq: number, reason: string): AuditCheck => ({ head, fault: { seq, reason } });
  for (const row of rows) {
    const seq = head.count + 1;
    if (row.seq !== seq) return broken(seq, 'the row is missing');
    if (row.hash !== chainHash(head.hash, row)) return broken(seq, 'the row or its hash was changed');
    head = { count: seq, hash: row.hash };
    isExpectedMet ||= row.hash === expected;
  }
  const { count, hash } = anchor ?? EMPTY_HEAD;
  if (count > head.count) return broken(head.count + 1, `${count - head.count} rows are missing at the end`);
  if (count < head.count) return broken(count + 1, 'rows were added behind the noted head');
  if (hash !== head.hash) return broken(head.count, 'the noted head has another hash');
  if (!isExpectedMet) return broken(head.count, 'no row has the expected hash: the log was written anew');
  return { head, fault: null };
}
