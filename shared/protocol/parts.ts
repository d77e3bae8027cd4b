// Shapes that several messages of the protocol share. The rules of schema.ts hold here too: append-only, built on first use.
import * as z from 'zod';
import { MAX_CHECKS } from '../health-check.ts';
import * as jobs from '../jobs.ts';
import * as model from '../model.ts';
import { SERVICE_NAME } from '../service-name.ts';
import { backupId, backupOrigin, backupSettings, backupSummary, repositorySpec } from './backup-parts.ts';
import { healthCheckSpec } from './health-parts.ts';

/** A schema built when it is first used, then kept. */
export const lazy = <T>(build: () => T): (() => T) => {
  let built: T | undefined;
  return () => (built ??= build());
};

export const base64 = () =>
  z
    .string()
    .regex(/^[A-Za-z0-9+/_-]+={0,2}$/)
    .max(1024);
export const seq = () => z.number().int().nonnegative();
/** A time as the host has it, in milliseconds since the epoch: any that can be shown (ECMA-262 §21.4.1.1). */
export const moment = () => z.number().int().min(0).max(8.64e15);
export const wireError = lazy(() =>
  z.object({
    code: z.string(),
    message: z.string(),
    details: z.string().optional(),
    fields: z.record(z.string(), z.string()).optional(),
  }),
);

export const serviceName = lazy(() => z.string().regex(SERVICE_NAME));

export const serviceSpec = lazy(() =>
  z.object({
    id: z.string(),
    name: serviceName(),
    customerId: z.string().nullable(),
    revision: z.number().int().positive(),
    method: z.enum(model.DEPLOY_METHODS),
    compose: z.string().max(256 * 1024),
    variables: z.record(z.string(), z.string()),
    secretNames: z.array(z.string()),
    literalSecrets: z.array(z.string()).optional(),
    offeredNames: z.array(z.string()).optional(),
    template: z.object({ id: z.string(), version: z.number().int() }).nullable(),
    files: z.record(z.string(), z.string()),
    labels: z.record(z.string(), z.string()),
    rollbackOnFailure: z.boolean(),
    healthTimeoutS: z.number().int().positive(),
    git: z
      .object({
        url: z.string().max(2048),
        branch: z.string().max(255).nullable(),
        commit: z.string().max(64).optional(),
        path: z.string().max(255).optional(),
        submodules: z.boolean().optional(),
        lfs: z.boolean().optional(),
        login: z.object({ username: z.string().max(255), password: z.string().max(2048) }).optional(),
        deployKey: z.string().max(16_384).optional(),
        knownHosts: z.string().max(16_384).optional(),
      })
      .optional(),
    limits: z
      .object({ cpu: z.number().positive().nullable(), memoryMb: z.number().int().positive().nullable() })
      .optional(),
    registries: z
      .array(z.object({ server: z.string().max(255), username: z.string().max(255), password: z.string().max(16_384) }))
      .max(100)
      .optional(),
    healthChecks: z.array(healthCheckSpec()).max(MAX_CHECKS).optional(),
    setId: z.string().max(64).optional(),
  }),
);

/** See model.ts, ProposalMark. */
export const proposalId = lazy(() => z.string().regex(/^[0-9a-f]{64}$/));

export const adoptedContainer = lazy(() => z.object({ id: z.string().max(128), service: z.string().max(255) }));

export const jobOffer = lazy(() =>
  z.object({
    jobId: z.string(),
    serviceId: z.string(),
    kind: z.enum(jobs.JOB_KINDS),
    epoch: z.number().int().nonnegative(),
    spec: serviceSpec().optional(),
    pull: z.enum(jobs.PULL_POLICIES).optional(),
    expiresAt: z.number().optional(),
    backupId: backupId().optional(),
    repository: repositorySpec().nullable().optional(),
    backupSettings: backupSettings().optional(),
    backupOf: backupOrigin().optional(),
    volumesOnly: z.boolean().optional(),
    rollbackTo: z.number().int().positive().optional(),
    adopts: z.array(adoptedContainer()).max(1_000).optional(),
    approves: proposalId().optional(),
  }),
);

export const container = lazy(() =>
  z.object({
    id: z.string(),
    name: z.string(),
    service: z.string(),
    image: z.string(),
    imageId: z.string(),
    state: z.enum(model.CONTAINER_STATES),
    health: z.enum(model.HEALTHS),
    exitCode: z.number().int().nullable(),
    startedAt: moment(),
    ports: z.array(
      z.object({ host: z.number(), container: z.number(), protocol: z.enum(['tcp', 'udp']), address: z.string() }),
    ),
  }),
);

const healingNote = lazy(() =>
  z.object({
    failureCount: z.number().int().nonnegative(),
    restartCount: z.number().int().nonnegative(),
    lastRestartAt: moment().nullable(),
    nextRestartAt: moment().nullable(),
    gaveUpAt: moment().nullable(),
  }),
);

export const containerEnd = lazy(() =>
  z.object({
    exitCode: z.number().int().nullable(),
    oomKilled: z.boolean(),
    lastLines: z.array(z.string().max(1_024)).max(50),
  }),
);

export const serviceReport = lazy(() =>
  z.object({
    serviceId: z.string(),
    lifecycle: z.enum(model.LIFECYCLES),
    health: z.enum(model.HEALTHS),
    reason: z.string().nullable(),
    revision: z.number().int().nullable(),
    containers: z.array(container()),
    drift: z.object({ state: z.enum(model.DRIFT_STATES).exclude(['unknown']), at: moment() }).optional(),
    healing: healingNote().optional(),
    at: moment(),
  }),
);

export const serviceSample = lazy(() =>
  z.object({
    serviceId: z.string(),
    cpuCores: z.number().nonnegative().nullable(),
    memoryBytes: z.number().nonnegative().nullable(),
    cpuLimitCores: z.number().nonnegative().nullable(),
    memoryLimitBytes: z.number().nonnegative().nullable(),
    storageBytes: z.number().nonnegative().nullable(),
    lastCheckAt: moment().nullable(),
    consecutiveFailures: z.number().int().nonnegative().nullable(),
    lastOutput: z.string().max(model.MAX_CHECK_OUTPUT).nullable().optional(),
    at: moment(),
  }),
);

export const progress = lazy(() =>
  z.object({
    jobId: z.string(),
    serviceId: z.string(),
    step: z.enum(jobs.JOB_STEPS),
    state: z.enum(jobs.STEP_STATES),
    percent: z.number().min(0).max(100).optional(),
    message: z.string().max(4096).optional(),
    bytesDone: z.number().nonnegative().optional(),
    totalBytes: z.number().nonnegative().optional(),
    at: moment(),
  }),
);

export const planStep = lazy(() =>
  z.object({
    service: z.string(),
    action: z.enum(jobs.PLAN_ACTIONS),
    reason: z.string(),
    replacement: z.object({ order: z.enum(jobs.REPLACEMENT_ORDERS), reason: z.string() }).optional(),
  }),
);

export const jobResult = lazy(() =>
  z.object({
    jobId: z.string(),
    serviceId: z.string(),
    state: z.enum(jobs.JOB_END_STATES),
    error: wireError().optional(),
    failedStep: z.enum(jobs.JOB_STEPS).optional(),
    plan: z.array(planStep()).optional(),
    rolledBackTo: z.number().int().optional(),
    unchanged: z.boolean().optional(),
    backup: backupSummary().optional(),
    backupBefore: z
      .object({ id: backupId(), repositoryId: z.string().max(64).nullable(), summary: backupSummary() })
      .optional(),
    forgotten: z.array(backupId()).max(1_000).optional(),
    drilled: backupId().optional(),
    proposal: z.object({ id: proposalId(), commit: z.string().max(64) }).optional(),
    startedAt: moment(),
    finishedAt: moment(),
  }),
);

export const hostFacts = lazy(() =>
  z.object({
    hostname: z.string().max(255),
    os: z.string().max(255),
    kernel: z.string().max(255),
    arch: z.string().max(32),
    cpus: z.number().int(),
    memoryBytes: z.number(),
    memoryFreeBytes: z.number(),
    diskBytes: z.number(),
    diskFreeBytes: z.number(),
    dockerVersion: z.string().max(64).nullable(),
    dockerAwaySince: moment().nullable().optional(),
    agentStartedAt: moment().optional(),
    composeVersion: z.string().max(64).nullable(),
    agentVersion: z.string().max(64),
    addresses: z.array(z.string().max(64)).max(64),
  }),
);
