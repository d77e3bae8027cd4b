// Moves of services and restores of hosts as the API shows and takes them.
import { z } from 'zod';
import { JOB_STATES } from '#shared/jobs.ts';
import { toRfc3339 } from '#shared/time.ts';
import {
  MOVE_STATES,
  MOVE_STEPS,
  type HostRestore,
  type Move,
  type MoveDetail,
  type MoveQuery,
  type NewMove,
} from '../../app/api/moves.ts';
import { filterText, fromPaging, newestFirst, pageOf, pagingFields, timestamp } from './page.ts';

const id = z.string().min(1).max(64);

export const newMoveBody = z.strictObject({
  host_id: id.meta({ description: 'Its new host' }),
  keep_old: z.boolean().optional().meta({ description: 'The stopped service stays on the old host, with its data' }),
  repository_id: id.optional().meta({ description: 'Its data goes through this one; default: where its backups go' }),
});

export const moveQuery = z.strictObject({
  ...pagingFields,
  state: z.enum(MOVE_STATES).optional().describe('Only those in this state'),
  service_id: filterText.optional().describe('Only those of this service'),
  sort: z.literal('created_at').default('created_at'),
  order: newestFirst,
});

const fault = z
  .object({ code: z.string(), message: z.string(), details: z.string().optional() })
  .nullable()
  .meta({ description: 'Why it is where it was, or what could not be tidied up', example: null });

const moveFields = {
  id: z.string().meta({ example: 'mov_abc123' }),
  service_id: z.string().meta({ example: 'svc_abc123' }),
  service_name: z.string().meta({ example: 'shop' }),
  from_host_id: z.string(),
  to_host_id: z.string(),
  restore_id: z.string().nullable().meta({ description: 'The restore of a host that it is a part of', example: null }),
  state: z.enum(MOVE_STATES).meta({ description: 'undoing: it goes back to where it was', example: 'succeeded' }),
  keeps_old: z.boolean().meta({
    description: 'The old service stays on its host; of one that is over, that something of it is left where it is not',
  }),
  repository_id: z.string().meta({ description: 'Its data goes through this one' }),
  backup_id: z.string().nullable().meta({ description: 'Whose data comes along', example: null }),
  error: fault,
  made_by: z.string().meta({ description: 'Name of the key or person' }),
  created_at: timestamp,
  switched_at: timestamp.nullable().meta({ description: "From then on it is the new host's; null: it is not" }),
  finished_at: timestamp.nullable(),
};

export const moveView = z.object(moveFields).meta({ id: 'Move' });
export const movePage = pageOf(moveView);

const stepView = z
  .object({
    step: z.enum(MOVE_STEPS),
    state: z.enum([...JOB_STATES, 'waiting']).meta({ description: 'Of its job; waiting: its turn has not come' }),
    host_id: z.string(),
    job_id: z.string().nullable(),
    message: z.string().nullable().meta({ description: 'What its job said last' }),
  })
  .meta({ id: 'MoveStep' });

export const moveDetailView = z
  .object({
    ...moveFields,
    steps: z.array(stepView),
    next: z.string().nullable().meta({ description: 'What is waited for, and why; null: it is over' }),
  })
  .meta({ id: 'MoveDetail' });

export const restoreHostBody = z.strictObject({ to_host_id: id.meta({ description: 'Where its services come up' }) });

export const hostRestoreView = z
  .object({
    id: z.string().meta({ example: 'hre_abc123' }),
    from_host_id: z.string(),
    to_host_id: z.string(),
    state: z.enum(['running', 'succeeded', 'failed']).meta({ description: 'succeeded: every service is there' }),
    services: z.array(
      z.object({
        service_id: z.string(),
        service_name: z.string().meta({ example: 'shop' }),
        state: z.enum([...MOVE_STATES, 'left']).meta({ description: 'left: nothing was begun; the reason says why' }),
        move_id: z.string().nullable(),
        backup_id: z.string().nullable(),
        backup_at: timestamp.nullable().meta({ description: 'When that was taken: what came later is lost' }),
        reason: z.string().nullable(),
      }),
    ),
    made_by: z.string(),
    created_at: timestamp,
    finished_at: timestamp.nullable(),
  })
  .meta({ id: 'HostRestore', description: 'What became of the services of a lost host' });

export const fromNewMoveBody = ({ host_id, keep_old, repository_id }: z.infer<typeof newMoveBody>): NewMove => ({
  hostId: host_id,
  keepsOld: keep_old,
  repositoryId: repository_id,
});

export const fromMoveQuery = ({ state, service_id, order, ...query }: z.infer<typeof moveQuery>): MoveQuery => ({
  ...fromPaging(query),
  state,
  serviceId: service_id,
  order,
});

const orNull = (at: number | null): string | null => (at === null ? null : toRfc3339(at));

export const toMoveView = (move: Move): z.infer<typeof moveView> => ({
  id: move.id,
  service_id: move.serviceId,
  service_name: move.serviceName,
  from_host_id: move.fromHostId,
  to_host_id: move.toHostId,
  restore_id: move.restoreId,
  state: move.state,
  keeps_old: move.keepsOld,
  repository_id: move.repositoryId,
  backup_id: move.backupId,
  error: move.error,
  made_by: move.madeBy,
  created_at: toRfc3339(move.createdAt),
  switched_at: orNull(move.switchedAt),
  finished_at: orNull(move.finishedAt),
});

export const toMoveDetailView = ({ steps, next, ...move }: MoveDetail): z.infer<typeof moveDetailView> => ({
  ...toMoveView(move),
  steps: steps.map(({ step, state, hostId, jobId, message }) => ({
    step,
    state,
    host_id: hostId,
    job_id: jobId,
    message,
  })),
  next,
});

export const toHostRestoreView = (restore: HostRestore): z.infer<typeof hostRestoreView> => ({
  id: restore.id,
  from_host_id: restore.fromHostId,
  to_host_id: restore.toHostId,
  state: restore.state,
  services: restore.services.map((service) => ({
    service_id: service.serviceId,
    service_name: service.serviceName,
    state: service.state,
    move_id: service.moveId,
    backup_id: service.backupId,
    backup_at: orNull(service.backupAt),
    reason: service.reason,
  })),
  made_by: restore.madeBy,
  created_at: toRfc3339(restore.createdAt),
  finished_at: orNull(restore.finishedAt),
});
