// Rows of the audit log, as its store gives and takes them.

export const AUDIT_RESULTS = ['ok', 'refused', 'failed', 'replayed'] as const;

/** What the names of fields do not tell, as the API shows it. Holds no secret and no output of a program. */
export type AuditDetail = Record<string, unknown>;

/** Who did what to what, from where, with which result. Never a value that was sent. */
export interface AuditRecord {
  /** 1, 2, 3 … without a hole. */
  seq: number;
  id: string;
  at: number;
  actorKind: 'key' | 'session' | 'system' | 'anonymous';
  actorId: string | null;
  actorName: string | null;
  /** Resource and verb: `services.create`. */
  action: string;
  method: string | null;
  /** The route's pattern. */
  path: string | null;
  targetId: string | null;
  /** Names of the body's fields. */
  fields: string[];
  /** Whose the target is, and where it runs: decides who may see the row. */
  customerId: string | null;
  hostId: string | null;
  jobId: string | null;
  address: string | null;
  requestId: string | null;
  userAgent: string | null;
  result: (typeof AUDIT_RESULTS)[number];
  /** Of the answer; null where the row was written with the effect, before there was one. */
  status: number | null;
  code: string | null;
  /** Refusals before this row that got none of their own. */
  omitted: number;
  /** Only of acts where it is what matters: which command was run, how it ended. */
  detail: AuditDetail | null;
  hash: string;
}
