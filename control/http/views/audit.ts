// The audit log as the API shows it.
import { z } from 'zod';
import { toRfc3339 } from '#shared/time.ts';
import { AUDIT_RESULTS, type AuditRecord } from '../../app/api/audit.ts';
import { pageOf, timestamp } from './page.ts';

export const auditView = z
  .object({
    id: z.string().meta({ example: 'aud_01jd4q8zk9w3m5x7t2rv' }),
    seq: z.number().int().meta({ description: '1, 2, 3 … without a hole', example: 42 }),
    timestamp,
    actor: z.object({
      kind: z.enum(['key', 'session', 'system', 'anonymous']),
      id: z.string().nullable().meta({ description: 'Of the key or the session', example: 'key_abc123' }),
      name: z.string().nullable().meta({ example: 'ci' }),
    }),
    action: z.string().meta({ example: 'services.create' }),
    method: z.string().nullable().meta({ example: 'POST' }),
    path: z.string().nullable().meta({ description: "The route's pattern", example: '/api/services' }),
    target_id: z.string().nullable().meta({ example: 'svc_abc123' }),
    fields: z
      .array(z.string())
      .meta({ description: 'Names of the fields that were sent, never their values', example: ['name', 'compose'] }),
    customer_id: z.string().nullable(),
    host_id: z.string().nullable(),
    job_id: z.string().nullable().meta({ description: 'The job that does the work, and says how it went' }),
    address: z.string().nullable().meta({ example: '203.0.113.7' }),
    request_id: z.string().nullable().meta({ example: 'req_Qm9vLWRvbmUtMDAwMQ' }),
    user_agent: z.string().nullable().meta({ example: 'curl/8.5.0' }),
    result: z.enum(AUDIT_RESULTS),
    status: z
      .number()
      .int()
      .nullable()
      .meta({ description: 'Of the answer; null where the row was written with the effect, before the answer' }),
    code: z.string().nullable().meta({ example: 'not_found' }),
    omitted: z.number().int().meta({ description: 'Refusals before this row that got none of their own', example: 0 }),
    detail: z
      .record(z.string(), z.unknown())
      .nullable()
      .meta({ description: 'Of programs run inside containers: the command, where, and how it ended', example: null }),
    hash: z.string().meta({ example: '5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef' }),
  })
  .meta({ id: 'AuditEntry' });
export const auditPage = pageOf(auditView);

export const toAuditView = (row: AuditRecord): z.infer<typeof auditView> => ({
  id: row.id,
  seq: row.seq,
  timestamp: toRfc3339(row.at),
  actor: { kind: row.actorKind, id: row.actorId, name: row.actorName },
  action: row.action,
  method: row.method,
  path: row.path,
  target_id: row.targetId,
  fields: row.fields,
  customer_id: row.customerId,
  host_id: row.hostId,
  job_id: row.jobId,
  address: row.address,
  request_id: row.requestId,
  user_agent: row.userAgent,
  result: row.result,
  status: row.status,
  code: row.code,
  omitted: row.omitted,
  detail: row.detail,
  hash: row.hash,
});
