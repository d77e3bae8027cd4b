// What a webhook's receiver gets, for the document: the messages themselves are made in control/app/webhooks/payload.ts.
import { z } from 'zod';
import { JOB_KINDS, JOB_STATES } from '#shared/jobs.ts';
import { HEALTHS, LIFECYCLES } from '#shared/model.ts';
import { INCIDENT_KINDS } from '../../app/api/incidents.ts';
import { EVENT_TYPES } from '../../app/webhooks/event-types.ts';
import { timestamp } from './page.ts';

const service = z.object({
  id: z.string(),
  name: z.string().nullable(),
  customer_id: z.string().nullable(),
  status: z.enum(LIFECYCLES).nullable().describe('As it was when the message was made; null for one that is gone'),
  health: z.enum(HEALTHS).nullable(),
  reason: z.string().nullable(),
  revision: z.number().int().nullable(),
});

const job = z.object({
  id: z.string(),
  kind: z.enum(JOB_KINDS),
  state: z.enum(JOB_STATES),
  backup_id: z.string().nullable(),
  error: z.object({ code: z.string(), message: z.string() }).nullable(),
  failed_step: z.string().nullable(),
  rolled_back_to: z.number().int().nullable(),
  unchanged: z.boolean(),
});

const partOf = z.object({ id: z.string(), kind: z.enum(INCIDENT_KINDS) });
const incident = partOf.extend({
  host_count: z.number().int(),
  away_count: z.number().int(),
  started_at: timestamp,
  ended_at: timestamp.nullable(),
});

const change = z.object({
  event_id: z.string().describe('Of the timeline'),
  status: z.string(),
  message: z.string(),
  service: service.nullable(),
  host: z.object({ id: z.string(), name: z.string().nullable() }).nullable(),
  job: job.nullable(),
  incident: z.union([incident, partOf]).optional().describe('That this is, or, in short, is a part of'),
});
const test = z.object({ webhook_id: z.string(), message: z.string() });

export const webhookMessageView = z
  .object({
    type: z.enum(EVENT_TYPES),
    timestamp,
    data: z.union([change, test]).describe('webhook.test has webhook_id and message only'),
  })
  .meta({
    example: {
      type: 'deploy.failed',
      timestamp: '2026-03-29T10:05:00.000Z',
      data: {
        event_id: 'evt_mno345',
        status: 'failed',
        message: 'web did not become healthy; revision 1 was put back',
        service: {
          id: 'svc_abc123',
          name: 'my-app',
          customer_id: 'cust_def456',
          status: 'running',
          health: 'healthy',
          reason: null,
          revision: 2,
        },
        host: { id: 'host_jkl012', name: 'web-1' },
        job: {
          id: 'job_xyz456',
          kind: 'redeploy',
          state: 'failed',
          backup_id: null,
          error: { code: 'unhealthy', message: 'web did not become healthy' },
          failed_step: 'wait',
          rolled_back_to: 1,
          unchanged: false,
        },
      },
    },
  });
