// The audit log as the app layer offers it.
import type { AuditDetail, AuditRecord } from '../../store/audit-records.ts';
import type { WriteContext } from '../../store/stores.ts';
import type { Caller } from './caller.ts';
import type { Order, Page, Paging } from './page.ts';

export type { AuditDetail, AuditRecord } from '../../store/audit-records.ts';
export { AUDIT_RESULTS } from '../../store/audit-records.ts';

/** What is known of an act before it has happened: who, what, from where. Holds no value that was sent. */
export interface AuditedAct {
  /** Null for one without a valid key or session. */
  caller: Caller | null;
  /** Resource and verb: `services.create`. */
  action: string;
  targetId: string | null;
  /** Names of the body's fields. */
  fields: string[];
  method: string | null;
  /** The route's pattern. */
  path: string | null;
  address: string | null;
  requestId: string | null;
  userAgent: string | null;
  /** See AuditRecord. */
  detail?: AuditDetail;
}

/** How it ended. `status` is null where the row is written before there is an answer. */
export interface AuditOutcome {
  result: AuditRecord['result'];
  status: number | null;
  code: string | null;
  jobId?: string | null;
}

export interface AuditQuery extends Paging {
  actor?: string | undefined;
  action?: string | undefined;
  target?: string | undefined;
  result?: AuditRecord['result'] | undefined;
  since?: number | undefined;
  until?: number | undefined;
  order: Order;
}

export interface Audit {
  /** Runs `work` for an act: the effect it makes gets its row in the effect's own transaction. */
  during<T>(act: AuditedAct, work: () => T): T;
  /** Puts this into the row of the act under way. */
  describe(detail: AuditDetail): void;
  /** Once the answer is decided: a row for an act that has none yet. Never rejects: an answer is not lost for it. */
  finish(act: AuditedAct, outcome: AuditOutcome): Promise<void>;
  /** A row inside a write of the caller's own: for logins, sessions of exec and other acts that are no request. */
  append(tx: WriteContext, act: AuditedAct, outcome: AuditOutcome): void;
  list(caller: Caller, query: AuditQuery): Page<AuditRecord>;
}
