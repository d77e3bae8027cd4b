// Incidents as the API shows them.
import { z } from 'zod';
import { toRfc3339 } from '#shared/time.ts';
import { INCIDENT_KINDS, type Incident, type IncidentDetail } from '../../app/api/incidents.ts';
import { newestFirst, pageOf, pagingFields, timestamp } from './page.ts';

const STATUSES = ['open', 'resolved'] as const;
const kind = z.enum(INCIDENT_KINDS);

export const incidentQuery = z.strictObject({
  ...pagingFields,
  status: z.enum(STATUSES).optional().describe('Only those that are open, or over'),
  kind: kind.optional().describe('Only these'),
  sort: z.literal('started_at').default('started_at'),
  order: newestFirst,
});

const fields = {
  id: z.string().meta({ example: 'inc_abc123' }),
  kind,
  status: z.enum(STATUSES),
  message: z.string().meta({ example: '12 hosts went away together; what runs there runs on' }),
  host_count: z.number().int().meta({ description: 'Of those that you may see, here and below' }),
  away_count: z.number().int().meta({ description: 'That are not back' }),
  started_at: timestamp,
  ended_at: timestamp.nullable(),
};
export const incidentView = z.object(fields).meta({ id: 'Incident' });
export const incidentPage = pageOf(incidentView);

const host = z.object({
  id: z.string().meta({ example: 'host_abc123' }),
  name: z.string().meta({ example: 'web-1' }),
  lost_at: timestamp,
  back_at: timestamp.nullable(),
});
export const incidentDetailView = z
  .object({ ...fields, hosts: z.array(host).meta({ description: 'By name, the first 1 000' }) })
  .meta({ id: 'IncidentDetail' });

export const toIncidentView = (incident: Incident): z.infer<typeof incidentView> => ({
  id: incident.id,
  kind: incident.kind,
  status: incident.endedAt === null ? 'open' : 'resolved',
  message: incident.message,
  host_count: incident.hostCount,
  away_count: incident.awayCount,
  started_at: toRfc3339(incident.startedAt),
  ended_at: incident.endedAt === null ? null : toRfc3339(incident.endedAt),
});

export const toIncidentDetailView = (incident: IncidentDetail): z.infer<typeof incidentDetailView> => ({
  ...toIncidentView(incident),
  hosts: incident.hosts.map(({ hostId, name, lostAt, backAt }) => ({
    id: hostId,
    name,
    lost_at: toRfc3339(lostAt),
    back_at: backAt === null ? null : toRfc3339(backAt),
  })),
});
