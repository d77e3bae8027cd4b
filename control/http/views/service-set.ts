// Sets of services as the API shows them, and the body that changes one.
import { z } from 'zod';
import { PULL_POLICIES } from '#shared/jobs.ts';
import { DEPLOY_METHODS, HEALTHS, LIFECYCLES } from '#shared/model.ts';
import { toRfc3339 } from '#shared/time.ts';
import {
  SET_STATES,
  type ServiceSet,
  type ServiceSetDetail,
  type SetChange,
  type SetMember,
} from '../../app/api/service-sets.ts';
import { maxParallel } from './new-service.ts';
import { pageOf, timestamp } from './page.ts';
import { rolloutView, toRolloutView } from './rollout.ts';
import { fromServiceChangeBody, serviceChangeBody } from './service-change.ts';
import { sourceFields, toSourceView } from './service.ts';

const labelMap = z.record(z.string(), z.string());
const count = z.number().int();

const setFields = {
  id: z.string().meta({ example: 'set_abc123' }),
  name: z.string().meta({ description: 'Of the set and of each member', example: 'my-app' }),
  state: z.enum(SET_STATES).meta({
    description:
      'rolling_out: its rollout goes on; halted: a member failed, and resume, cancel or another change is wanted',
    example: 'steady',
  }),
  counts: z
    .object({ total: count, running: count, up_to_date: count })
    .meta({ description: 'Its members: all, those that run and are not unhealthy, those that are as it wants them' }),
  rollout: rolloutView.nullable().meta({ description: 'The current one, else the last' }),
  customer_id: z.string().nullable(),
  template: z.string().nullable().meta({ example: null }),
  deploy_method: z.enum(DEPLOY_METHODS).meta({ example: 'compose' }),
  placement: z.object({
    labels: labelMap.meta({ description: 'Every host with these has a member', example: { zone: 'eu' } }),
    replicas: z.literal('per_host'),
    max_parallel: z.number().int().meta({ description: 'How many members change at a time' }),
  }),
  revision: z.number().int().meta({ description: 'Grows by one with each change; those of members count apart' }),
  display_name: z.string().nullable(),
  category: z.string().nullable(),
  labels: labelMap.meta({ example: { tier: 'web' } }),
  created_at: timestamp,
  updated_at: timestamp,
};

export const setView = z.object(setFields).meta({ id: 'ServiceSet' });
export const setPage = pageOf(setView);

const memberView = z
  .object({
    host_id: z.string(),
    host_name: z.string().meta({ example: 'eu-1' }),
    service_id: z.string(),
    status: z.enum(LIFECYCLES).meta({ example: 'running' }),
    health: z.enum(HEALTHS).meta({ example: 'healthy' }),
    reason: z.string().nullable().meta({ description: 'Why its status is what it is', example: null }),
    revision: z.number().int(),
    running_revision: z.number().int().nullable().meta({ description: 'What its host runs; null: not known' }),
    up_to_date: z.boolean().meta({ description: 'Its last good deploy was of the current revision of the set' }),
    job_id: z.string().nullable().meta({ description: 'Its job in the last rollout; null: it had none' }),
  })
  .meta({ id: 'SetMember' });

const detailFields = {
  ...setFields,
  ...sourceFields,
  limits: z
    .object({ cpu: z.number().nullable(), memory_mb: z.number().int().nullable() })
    .meta({ description: "Asked for each member; null: the plan's share, or no limit" }),
  rollback_on_failure: z.boolean(),
  health_timeout_s: z.number().int().meta({ example: 300 }),
  members: z.array(memberView).meta({ description: 'By name of their hosts; at most 1000' }),
};
export const setDetailView = z.object(detailFields).meta({ id: 'ServiceSetDetail' });

export const changedSetView = z
  .object({
    ...detailFields,
    rollout_id: z.string().nullable().meta({ description: 'Null when nothing needs a deploy', example: 'rol_abc123' }),
  })
  .meta({ id: 'ChangedServiceSet' });

export const redeployedSetView = z
  .object({ id: setFields.id, state: setFields.state, rollout_id: z.string().meta({ example: 'rol_abc123' }) })
  .meta({ id: 'RedeployedServiceSet' });

export const removingSetView = z
  .object({ id: setFields.id, rollout_id: z.string().meta({ example: 'rol_abc123' }) })
  .meta({ id: 'RemovingServiceSet', description: 'The wait is over, the work goes on: follow the rollout.' });

export const redeploySetBody = z
  .strictObject({ pull: z.enum(PULL_POLICIES).optional().describe('When images are pulled: always') })
  .nullish();

export const setChangeBody = serviceChangeBody
  .omit({ plan_id: true, auto_update: true, review: true, git_watch_paths: true })
  .extend({ placement: z.strictObject({ max_parallel: maxParallel.optional() }).optional() })
  .meta({ id: 'ServiceSetChange', example: { variables: { LOG_LEVEL: 'debug' }, placement: { max_parallel: 5 } } });

export const fromSetChangeBody = ({ placement, ...change }: z.infer<typeof setChangeBody>): SetChange => ({
  ...fromServiceChangeBody(change),
  maxParallel: placement?.max_parallel,
});

export const toSetView = (set: ServiceSet): z.infer<typeof setView> => ({
  id: set.id,
  name: set.name,
  state: set.state,
  counts: { total: set.members.total, running: set.members.running, up_to_date: set.members.upToDate },
  rollout: set.rollout && toRolloutView(set.rollout),
  customer_id: set.customerId,
  template: set.templateId,
  deploy_method: set.method,
  placement: { labels: set.hostLabels, replicas: 'per_host', max_parallel: set.maxParallel },
  revision: set.revision,
  display_name: set.displayName,
  category: set.category,
  labels: set.labels,
  created_at: toRfc3339(set.createdAt),
  updated_at: toRfc3339(set.updatedAt),
});

export const toSetDetailView = (set: ServiceSetDetail): z.infer<typeof setDetailView> => ({
  ...toSetView(set),
  ...toSourceView(set),
  limits: { cpu: set.limits.cpu, memory_mb: set.limits.memoryMb },
  rollback_on_failure: set.rollbackOnFailure,
  health_timeout_s: set.healthTimeoutS,
  members: set.memberList.map(toMemberView),
});

const toMemberView = (member: SetMember): z.infer<typeof memberView> => ({
  host_id: member.hostId,
  host_name: member.hostName,
  service_id: member.serviceId,
  status: member.lifecycle,
  health: member.health,
  reason: member.reason,
  revision: member.revision,
  running_revision: member.report?.revision ?? null,
  up_to_date: member.isUpToDate,
  job_id: member.jobId,
});
