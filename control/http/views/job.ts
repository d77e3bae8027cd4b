// Jobs as the API shows them.
import { z } from 'zod';
import { JOB_KINDS, JOB_STATES, JOB_STEPS, STEP_STATES } from '#shared/jobs.ts';
import { toRfc3339 } from '#shared/time.ts';
import type { Job, JobDetail, Jobs } from '../../app/api/jobs.ts';
import { pageOf, timestamp } from './page.ts';
import { planStepView } from './plan-step.ts';

const jobFields = {
  id: z.string().meta({ example: 'job_xyz456' }),
  service_id: z.string(),
  service_name: z.string(),
  host_id: z.string(),
  kind: z.enum(JOB_KINDS),
  state: z.enum(JOB_STATES).meta({ description: 'How far it is', example: 'succeeded' }),
  error: z
    .object({
      code: z.string(),
      message: z.string(),
      details: z.string().optional(),
      fields: z.record(z.string(), z.string()).optional(),
    })
    .nullable()
    .meta({ description: 'Why it failed', example: null }),
  failed_step: z.enum(JOB_STEPS).nullable().meta({ example: null }),
  plan: z
    .array(planStepView)
    .nullable()
    .meta({ description: 'What a deploy does with each service of the compose file; null until it is known' }),
  rolled_back_to: z
    .number()
    .int()
    .nullable()
    .meta({ description: 'The revision put back after a failure', example: null }),
  unchanged: z.boolean().meta({ description: 'There was nothing to do', example: false }),
  cause: z.string().nullable().describe('Why, where nobody asked for this very job; `local`: somebody on the host did'),
  backup_id: z.string().nullable().describe('Of jobs about a backup'),
  created_at: timestamp,
  started_at: timestamp.nullable(),
  finished_at: timestamp.nullable(),
};

const stepView = z.object({
  step: z.enum(JOB_STEPS),
  state: z.enum(STEP_STATES).meta({ example: 'done' }),
  message: z.string().nullable(),
  started_at: timestamp,
  finished_at: timestamp.nullable(),
});

export const jobView = z.object(jobFields).meta({ id: 'Job' });
export const jobPage = pageOf(jobView);
export const jobDetailView = z.object({ ...jobFields, steps: z.array(stepView) }).meta({ id: 'JobDetail' });
export const jobLogView = z
  .object({ data: z.array(z.object({ timestamp, step: z.enum(JOB_STEPS), message: z.string() })) })
  .meta({ id: 'JobLog' });

const toTime = (ms: number | null) => (ms === null ? null : toRfc3339(ms));

export const toJobView = (job: Job): z.infer<typeof jobView> => ({
  id: job.id,
  service_id: job.serviceId,
  service_name: job.serviceName,
  host_id: job.hostId,
  kind: job.kind,
  state: job.state,
  error: job.error,
  failed_step: job.failedStep,
  plan: job.plan,
  rolled_back_to: job.rolledBackTo,
  unchanged: job.isUnchanged,
  cause: job.cause,
  backup_id: job.backupId,
  created_at: toRfc3339(job.createdAt),
  started_at: toTime(job.startedAt),
  finished_at: toTime(job.finishedAt),
});

export const toJobDetailView = (job: JobDetail): z.infer<typeof jobDetailView> => ({
  ...toJobView(job),
  steps: job.steps.map((step) => ({
    step: step.step,
    state: step.state,
    message: step.message,
    started_at: toRfc3339(step.startedAt),
    finished_at: toTime(step.finishedAt),
  })),
});

export const toJobLogView = (lines: ReturnType<Jobs['log']>): z.infer<typeof jobLogView> => ({
  data: lines.map(({ at, step, message }) => ({ timestamp: toRfc3339(at), step, message })),
});
