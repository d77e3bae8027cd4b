// Rollouts of sets as the API shows them.
import { z } from 'zod';
import { toRfc3339 } from '#shared/time.ts';
import {
  ROLLOUT_KINDS,
  ROLLOUT_STATES,
  TARGET_STATES,
  type Rollout,
  type RolloutDetail,
  type RolloutHost,
} from '../../app/api/service-sets.ts';
import { pageOf, timestamp } from './page.ts';

const count = z.number().int();

const rolloutFields = {
  id: z.string().meta({ example: 'rol_abc123' }),
  set_id: z.string().meta({ example: 'set_abc123' }),
  kind: z
    .enum(ROLLOUT_KINDS)
    .meta({ description: 'What brought it about; join: hosts came that match', example: 'change' }),
  state: z.enum(ROLLOUT_STATES).meta({
    description: 'It is running until every host is in, also while some are away',
    example: 'succeeded',
  }),
  set_revision: z.number().int().meta({ description: 'What of the set it rolls out' }),
  halted_by: z
    .object({
      host_id: z.string(),
      service_id: z.string().nullable(),
      job_id: z.string().nullable(),
      reason: z.string().nullable(),
    })
    .nullable()
    .meta({ description: 'Where and why it halted; null: it is not halted', example: null }),
  hosts: z
    .object({ pending: count, running: count, succeeded: count, failed: count, skipped: count })
    .meta({ description: 'How many hosts are in which state' }),
  made_by: z.string().nullable().meta({ description: 'Name of the key or person; null: nobody asked for it' }),
  created_at: timestamp,
  finished_at: timestamp.nullable(),
};

export const rolloutView = z.object(rolloutFields).meta({ id: 'Rollout' });
export const rolloutPage = pageOf(rolloutView);

const rolloutHostView = z
  .object({
    host_id: z.string(),
    host_name: z.string().meta({ example: 'eu-1' }),
    service_id: z.string().nullable(),
    job_id: z.string().nullable(),
    state: z.enum(TARGET_STATES).meta({
      description: 'skipped: the host is not meant any more, or the rollout ended before its turn',
      example: 'succeeded',
    }),
    reason: z.string().nullable().meta({ description: 'Why it failed, was skipped or waits', example: null }),
  })
  .meta({ id: 'RolloutHost' });

export const rolloutDetailView = z
  .object({
    ...rolloutFields,
    waves: z
      .array(z.object({ wave: z.number().int(), hosts: z.array(rolloutHostView) }))
      .meta({ description: 'In their order; the first is one host' }),
    waiting: z.array(rolloutHostView).meta({ description: 'Whose turn has not come', example: [] }),
  })
  .meta({ id: 'RolloutDetail' });

export const rolloutParams = z.object({
  id: z.string(),
  rollout_id: z.string(),
});

export const toRolloutView = (rollout: Rollout): z.infer<typeof rolloutView> => ({
  id: rollout.id,
  set_id: rollout.setId,
  kind: rollout.kind,
  state: rollout.state,
  set_revision: rollout.setRevision,
  halted_by: rollout.halt && {
    host_id: rollout.halt.hostId,
    service_id: rollout.halt.serviceId,
    job_id: rollout.halt.jobId,
    reason: rollout.halt.reason,
  },
  hosts: rollout.counts,
  made_by: rollout.madeBy,
  created_at: toRfc3339(rollout.createdAt),
  finished_at: rollout.finishedAt === null ? null : toRfc3339(rollout.finishedAt),
});

export function toRolloutDetailView(rollout: RolloutDetail): z.infer<typeof rolloutDetailView> {
  const byWave = Map.groupBy(rollout.hosts, ({ wave }) => wave);
  const waves = [...byWave].flatMap(([wave, hosts]) => (wave === null ? [] : [{ wave, hosts: hosts.map(toHostView) }]));
  return { ...toRolloutView(rollout), waves, waiting: (byWave.get(null) ?? []).map(toHostView) };
}

const toHostView = ({
  hostId,
  hostName,
  serviceId,
  jobId,
  state,
  reason,
}: RolloutHost): z.infer<typeof rolloutHostView> => ({
  host_id: hostId,
  host_name: hostName,
  service_id: serviceId,
  job_id: jobId,
  state,
  reason,
});
