// What is said over an agent's own socket, where whoever looks after the host speaks to it without the control plane:
// its place, the questions, the answers. Read by both ends; JSON with names as in the HTTP API.
import { join } from 'node:path';
import * as z from 'zod';
import { JOB_KINDS, JOB_STATES, JOB_STEPS, STEP_STATES } from './jobs.ts';
import { CONTAINER_STATES, HEALTHS, LIFECYCLES } from './model.ts';
import { lazy, wireError } from './protocol/parts.ts';

/** Below the agent's data folder. It is of mode 0700, which is what keeps others away from the socket in it. */
export const localFolderOf = (dataDir: string): string => join(dataDir, 'local');
export const LOCAL_SOCKET = 'agent.sock';

/** Who did it, in the words of jobs, the timeline and the audit log. */
export const LOCAL_CAUSE = 'local';

export const LOCAL_VERBS = ['start', 'stop', 'restart'] as const;
export type LocalVerb = (typeof LOCAL_VERBS)[number];

/** Longest wait of one request for the end of a job, in seconds. */
export const MAX_WAIT_S = 60;
/** Rows of one list: more are for the control plane. */
const MAX_ROWS = 1_000;
/** As the HTTP API has it. */
const MAX_TAIL = 10_000;

const count = (max: number) => z.coerce.number().int().min(0).max(max);

/** `wait`: seconds; 0 does not wait. */
export const waitQuery = lazy(() => z.strictObject({ wait: count(MAX_WAIT_S).default(MAX_WAIT_S) }));
/** `limit`: rows, the latest. */
export const latestQuery = lazy(() => z.strictObject({ limit: count(MAX_ROWS).default(50) }));
export const logsQuery = lazy(() =>
  z.strictObject({
    /** Lines from the end; without it 100, or all since `since`. */
    tail: count(MAX_TAIL).optional(),
    since: z.iso.datetime({ offset: true }).optional(),
    follow: z.enum(['true', 'false']).optional(),
  }),
);
export const noQuery = lazy(() => z.strictObject({}));

const timestamp = () => z.iso.datetime();

export const localStatus = lazy(() =>
  z.object({
    agent_version: z.string(),
    /** Null until it has joined. */
    host_id: z.string().nullable(),
    data_dir: z.string(),
    started_at: timestamp(),
    control: z.object({
      url: z.string(),
      connected: z.boolean(),
      /** Since when it is so, as far as this process knows. */
      since: timestamp(),
      /** Why it is not connected. */
      reason: z.string().nullable(),
    }),
    docker: z.object({ reachable: z.boolean(), version: z.string().nullable() }),
    /** What the control plane has not got yet. */
    outbox: z.object({ events: z.number().int(), bytes: z.number().int() }),
    services: z.number().int(),
    open_jobs: z.number().int(),
  }),
);
export type LocalStatus = z.infer<ReturnType<typeof localStatus>>;

const localContainer = lazy(() =>
  z.object({
    name: z.string(),
    service: z.string(),
    image: z.string(),
    state: z.enum(CONTAINER_STATES),
    health: z.enum(HEALTHS),
    exit_code: z.number().int().nullable(),
  }),
);

const localService = lazy(() =>
  z.object({
    id: z.string(),
    name: z.string(),
    /** Null: Docker does not answer, and it was never seen. */
    status: z.enum(LIFECYCLES).nullable(),
    health: z.enum(HEALTHS),
    reason: z.string().nullable(),
    enabled: z.boolean(),
    /** What was asked for last; `stopped` survives reboots. */
    wanted: z.enum(['running', 'stopped']),
    revision: z.number().int().nullable(),
    /** As the API has them. */
    failure_count: z.number().int(),
    restart_count: z.number().int(),
    last_restart_at: timestamp().nullable(),
    /** The kind of a job that has not ended. */
    job: z.enum(JOB_KINDS).nullable(),
    containers: z.array(localContainer()),
    /** When the containers were seen: before now where Docker does not answer. */
    seen_at: timestamp().nullable(),
  }),
);
export type LocalService = z.infer<ReturnType<typeof localService>>;
/** `docker_reachable: false`: services are shown as they were last seen. */
export const localServices = lazy(() => z.object({ docker_reachable: z.boolean(), data: z.array(localService()) }));
export type LocalServices = z.infer<ReturnType<typeof localServices>>;

const jobFields = lazy(() =>
  z.object({
    id: z.string(),
    service_id: z.string(),
    /** Null: the host has it no more. */
    service_name: z.string().nullable(),
    kind: z.enum(JOB_KINDS),
    state: z.enum(JOB_STATES),
    /** Who gave it: `local`, `by schedule nightly`; null: the control plane. */
    cause: z.string().nullable(),
    error: wireError().nullable(),
    started_at: timestamp().nullable(),
    finished_at: timestamp().nullable(),
  }),
);
export type LocalJobView = z.infer<ReturnType<typeof jobFields>>;
export const localJobs = lazy(() => z.object({ data: z.array(jobFields()) }));

export const localJobDetail = lazy(() =>
  jobFields().extend({
    failed_step: z.enum(JOB_STEPS).nullable(),
    steps: z.array(z.object({ step: z.enum(JOB_STEPS), state: z.enum(STEP_STATES), at: timestamp() })),
  }),
);
export type LocalJobDetail = z.infer<ReturnType<typeof localJobDetail>>;

const localEvent = lazy(() =>
  z.object({
    seq: z.number().int(),
    at: timestamp(),
    kind: z.string(),
    service_id: z.string().nullable(),
    service_name: z.string().nullable(),
    message: z.string(),
    /** The control plane has it. */
    told: z.boolean(),
  }),
);
export type LocalEvent = z.infer<ReturnType<typeof localEvent>>;
export const localEvents = lazy(() => z.object({ data: z.array(localEvent()) }));

/** One line of `logs`. */
export const localLogLine = lazy(() =>
  z.object({
    timestamp: z.string(),
    stream: z.enum(['stdout', 'stderr']),
    message: z.string(),
    container: z.string(),
  }),
);
