// What is said of schedules: what a host is to do and when, and what it did.
import * as z from 'zod';
import {
  CATCH_UPS,
  MAX_NAMED_SERVICES,
  OUTPUT_CHARS,
  RUN_STATES,
  RUN_TRIGGERS,
  SCHEDULE_KINDS,
} from '../schedule/schedule.ts';
import { JOB_KINDS, PULL_POLICIES } from '../jobs.ts';
import { lazy, moment } from './parts.ts';

const id = () => z.string().max(64);

export const scheduleSpec = lazy(() =>
  z.object({
    id: id(),
    name: z.string().max(100),
    revision: z.number().int(),
    kind: z.enum(SCHEDULE_KINDS),
    cron: z.string().max(200),
    timeZone: z.string().max(64),
    targets: z.union([
      z.object({ serviceId: id() }),
      z.object({ serviceIds: z.array(id()).max(MAX_NAMED_SERVICES) }),
      z.object({ labels: z.record(z.string(), z.string()) }),
      z.object({ isAll: z.literal(true) }),
    ]),
    customerId: z.string().nullable(),
    heldCustomers: z.array(z.string()),
    delayBetweenS: z.number().int().min(0),
    catchUp: z.enum(CATCH_UPS),
    jitterS: z.number().int().min(0),
    isEnabled: z.boolean(),
    exec: z
      .object({ command: z.array(z.string()).min(1), composeService: z.string().nullable(), timeoutS: z.number() })
      .optional(),
  }),
);

const runTarget = lazy(() =>
  z.object({
    serviceId: id().nullable(),
    serviceName: z.string().max(100).nullable(),
    state: z.enum(RUN_STATES),
    reason: z.string().max(4096).nullable(),
    jobId: id().nullable(),
    output: z.string().max(OUTPUT_CHARS).nullable(),
  }),
);

/** Its latest state counts. */
export const scheduleRun = lazy(() =>
  z.object({
    id: id(),
    scheduleId: id(),
    trigger: z.enum(RUN_TRIGGERS),
    state: z.enum(RUN_STATES),
    reason: z.string().max(4096).nullable(),
    missed: z.number().int().min(0),
    dueAt: moment(),
    startedAt: moment().nullable(),
    finishedAt: moment().nullable(),
    targets: z.array(runTarget()),
  }),
);

/** A job that the host gave itself. Its steps and its end follow as those of any other. */
export const localJob = lazy(() =>
  z.object({
    jobId: id(),
    serviceId: id(),
    kind: z.enum(JOB_KINDS),
    /** Who: `by schedule nightly`. */
    cause: z.string().max(200),
    pull: z.enum(PULL_POLICIES).optional(),
    backupId: id().optional(),
    /** Where a backup goes; null, or absent: on the host itself. */
    repositoryId: id().nullable().optional(),
    at: moment(),
  }),
);
export type LocalJob = z.infer<ReturnType<typeof localJob>>;
