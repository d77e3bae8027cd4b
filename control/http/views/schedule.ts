// Schedules and their runs as the API shows them.
import { z } from 'zod';
import {
  CATCH_UPS,
  MAX_NAMED_SERVICES,
  RUN_STATES,
  RUN_TRIGGERS,
  SCHEDULE_KINDS,
  type ScheduleTargets,
} from '#shared/schedule/schedule.ts';
import { toRfc3339 } from '#shared/time.ts';
import type { NewSchedule, Schedule, ScheduleChanges, ScheduleRunRecord } from '../../app/api/schedules.ts';
import { pageOf, timestamp } from './page.ts';

/** A day, and a working day of pauses between services. */
const MAX_JITTER_S = 24 * 3600;
const MAX_DELAY_S = 8 * 3600;
const MAX_COMMAND_BYTES = 16 * 1024;
const MAX_DESCRIPTION = 1_000;

const labels = z.record(z.string().min(1).max(63), z.string().max(255));
const targets = z
  .union([
    z.strictObject({ service_id: z.string().max(64) }),
    z.strictObject({ service_ids: z.array(z.string().max(64)).min(1).max(MAX_NAMED_SERVICES) }),
    z.strictObject({ labels: labels.refine((it) => Object.keys(it).length > 0, 'Name at least one label') }),
    z.strictObject({ all: z.literal(true) }),
  ])
  .meta({
    description:
      'One service, some, the services with all of these labels, or every service; each host looks for itself',
    example: { service_id: 'svc_abc123' },
  });

const command = z
  .array(z.string().max(MAX_COMMAND_BYTES))
  .min(1)
  .max(100)
  .meta({ description: 'The program and its arguments; no shell reads them', example: ['rake', 'cleanup'] });

export const fields = {
  name: z.string().min(1).max(100).meta({ example: 'nightly restart' }),
  description: z.string().max(MAX_DESCRIPTION).nullable().meta({ description: 'What it is for' }),
  kind: z.enum(SCHEDULE_KINDS).meta({
    description: '`update` redeploys where newer images are there; `cleanup` and `statistics` are about hosts',
  }),
  cron: z
    .string()
    .min(1)
    .max(200)
    .meta({ description: 'As crontab(5), or @daily and the like', example: '30 3 * * *' }),
  timezone: z.string().max(64).meta({ description: 'IANA name', example: 'Europe/Berlin' }),
  targets,
  delay_between_s: z.number().int().min(0).max(MAX_DELAY_S).meta({ description: 'Between two services of a host' }),
  catch_up: z.enum(CATCH_UPS).meta({ description: 'What becomes of times that a host was off: nothing, or one run' }),
  jitter_s: z.number().int().min(0).max(MAX_JITTER_S).meta({ description: 'Each host is up to so much later' }),
  enabled: z.boolean(),
  command,
  service: z.string().max(255).meta({ description: 'A service of the compose file, where there are several' }),
  timeout_s: z.number().int().min(1).max(3600).meta({ description: 'Past it the program is ended' }),
};

const programFields = {
  command: fields.command.optional(),
  service: fields.service.optional(),
  timeout_s: fields.timeout_s.optional(),
};

type Program = { command?: unknown; service?: unknown; timeout_s?: unknown };
const isWhole = ({ command: argv, service, timeout_s: timeout }: Program): boolean =>
  argv !== undefined || (service === undefined && timeout === undefined);
const WHOLE = { path: ['command'], message: 'Needed: where it runs and how long belong to a program' };

const newScheduleFields = z.strictObject({
  name: fields.name,
  description: fields.description.default(null),
  kind: fields.kind,
  cron: fields.cron,
  timezone: fields.timezone.default('UTC'),
  targets: fields.targets,
  delay_between_s: fields.delay_between_s.default(0),
  catch_up: fields.catch_up.default('none'),
  jitter_s: fields.jitter_s.default(0),
  enabled: fields.enabled.default(true),
  ...programFields,
});
export const newScheduleBody = newScheduleFields.refine(isWhole, WHOLE);

/** Another program is given whole: with its service and its limit. The kind stays what it is. */
const scheduleChangesFields = z.strictObject({
  name: fields.name.optional(),
  description: fields.description.optional(),
  cron: fields.cron.optional(),
  timezone: fields.timezone.optional(),
  targets: fields.targets.optional(),
  delay_between_s: fields.delay_between_s.optional(),
  catch_up: fields.catch_up.optional(),
  jitter_s: fields.jitter_s.optional(),
  enabled: fields.enabled.optional(),
  ...programFields,
});
export const scheduleChangesBody = scheduleChangesFields.refine(isWhole, WHOLE);

export const scheduleView = z
  .object({
    id: z.string().meta({ example: 'sch_abc123' }),
    ...fields,
    targets: z.object({
      service_id: z.string().optional(),
      service_ids: z.array(z.string()).optional(),
      labels: labels.optional(),
      all: z.literal(true).optional(),
    }),
    command: command.nullable(),
    service: z.string().nullable(),
    timeout_s: z.number().int().nullable(),
    customer_id: z.string().nullable().meta({ description: "Reaches this customer's services only" }),
    host_labels: z.record(z.string(), z.string()).nullable().meta({ description: 'Reaches hosts with these only' }),
    next_run: timestamp.nullable().meta({ description: 'Without the jitter; null while it is not enabled' }),
    last_run: z.object({ at: timestamp, state: z.enum(RUN_STATES) }).nullable(),
    created_at: timestamp,
    updated_at: timestamp,
  })
  .meta({ id: 'Schedule' });
export const schedulePage = pageOf(scheduleView);

const runTargetView = z
  .object({
    service_id: z.string().nullable().meta({ description: 'Null: the host' }),
    service_name: z.string().nullable(),
    state: z.enum(RUN_STATES),
    reason: z.string().nullable().meta({ description: 'Why it was skipped or failed' }),
    job_id: z.string().nullable(),
    output: z.string().nullable().meta({ description: 'The end of it' }),
  })
  .meta({ id: 'ScheduleRunTarget' });

export const runView = z
  .object({
    id: z.string().meta({ example: 'run_abc123' }),
    schedule_id: z.string(),
    host_id: z.string(),
    trigger: z.enum(RUN_TRIGGERS),
    state: z.enum(RUN_STATES),
    reason: z.string().nullable(),
    missed: z.number().int().meta({ description: 'Times before it that nothing was done for' }),
    due_at: timestamp,
    started_at: timestamp.nullable(),
    finished_at: timestamp.nullable(),
    targets: z.array(runTargetView),
  })
  .meta({ id: 'ScheduleRun', description: 'One time that a schedule was due on a host.' });
export const runPage = pageOf(runView);
export const askedRunsView = z.object({ runs: z.array(runView) }).meta({ id: 'AskedScheduleRuns' });

const DEFAULT_TIMEOUT_S = 300;

type Body = z.infer<typeof newScheduleBody>;

const fromTargets = (body: Body['targets']): ScheduleTargets => {
  if ('service_id' in body) return { serviceId: body.service_id };
  if ('service_ids' in body) return { serviceIds: body.service_ids };
  return 'labels' in body ? { labels: body.labels } : { isAll: true };
};

type ExecFields = Pick<z.infer<typeof scheduleChangesBody>, 'command' | 'service' | 'timeout_s'>;

const fromExec = ({ command: argv, service, timeout_s: timeoutS }: ExecFields): Pick<NewSchedule, 'exec'> =>
  argv === undefined
    ? {}
    : { exec: { command: argv, composeService: service ?? null, timeoutS: timeoutS ?? DEFAULT_TIMEOUT_S } };

export const fromNewScheduleBody = (body: Body): NewSchedule => ({
  name: body.name,
  description: body.description,
  kind: body.kind,
  cron: body.cron,
  timeZone: body.timezone,
  targets: fromTargets(body.targets),
  delayBetweenS: body.delay_between_s,
  catchUp: body.catch_up,
  jitterS: body.jitter_s,
  isEnabled: body.enabled,
  ...fromExec(body),
});

export const fromScheduleChangesBody = (body: z.infer<typeof scheduleChangesBody>): ScheduleChanges => ({
  name: body.name,
  description: body.description,
  cron: body.cron,
  timeZone: body.timezone,
  targets: body.targets && fromTargets(body.targets),
  delayBetweenS: body.delay_between_s,
  catchUp: body.catch_up,
  jitterS: body.jitter_s,
  isEnabled: body.enabled,
  ...fromExec(body),
});

const toTargets = (it: ScheduleTargets): z.infer<typeof scheduleView>['targets'] => {
  if ('serviceId' in it) return { service_id: it.serviceId };
  if ('serviceIds' in it) return { service_ids: it.serviceIds };
  return 'labels' in it ? { labels: it.labels } : { all: true };
};

export const toScheduleView = (schedule: Schedule): z.infer<typeof scheduleView> => ({
  id: schedule.id,
  name: schedule.name,
  description: schedule.description,
  kind: schedule.kind,
  cron: schedule.cron,
  timezone: schedule.timeZone,
  targets: toTargets(schedule.targets),
  delay_between_s: schedule.delayBetweenS,
  catch_up: schedule.catchUp,
  jitter_s: schedule.jitterS,
  enabled: schedule.isEnabled,
  command: schedule.exec?.command ?? null,
  service: schedule.exec?.composeService ?? null,
  timeout_s: schedule.exec?.timeoutS ?? null,
  customer_id: schedule.customerId,
  host_labels: schedule.hostLabels,
  next_run: toTimestamp(schedule.nextRun),
  last_run: schedule.lastRun && { at: toRfc3339(schedule.lastRun.at), state: schedule.lastRun.state },
  created_at: toRfc3339(schedule.createdAt),
  updated_at: toRfc3339(schedule.updatedAt),
});

export const toRunView = (run: ScheduleRunRecord): z.infer<typeof runView> => ({
  id: run.id,
  schedule_id: run.scheduleId,
  host_id: run.hostId,
  trigger: run.trigger,
  state: run.state,
  reason: run.reason,
  missed: run.missed,
  due_at: toRfc3339(run.dueAt),
  started_at: toTimestamp(run.startedAt),
  finished_at: toTimestamp(run.finishedAt),
  targets: run.targets.map((target) => ({
    service_id: target.serviceId,
    service_name: target.serviceName,
    state: target.state,
    reason: target.reason,
    job_id: target.jobId,
    output: target.output,
  })),
});

const toTimestamp = (ms: number | null): string | null => (ms === null ? null : toRfc3339(ms));
