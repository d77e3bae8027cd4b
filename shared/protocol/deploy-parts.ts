// What a host answers about deploys: the revisions it keeps, and what a deploy would do. The rules of schema.ts hold
// here too: append-only, built on first use. Every value is shown as text, with secrets already hidden.
import * as z from 'zod';
import { lazy, planStep, proposalId } from './parts.ts';

const fieldChange = lazy(() =>
  z.object({
    /** `image`, `environment.LOG_LEVEL`. */
    field: z.string(),
    /** Null where there was nothing. */
    before: z.string().nullable(),
    after: z.string().nullable(),
  }),
);
export type FieldChange = z.infer<ReturnType<typeof fieldChange>>;

export const revisionSummary = lazy(() =>
  z.object({
    revision: z.number().int(),
    jobId: z.string(),
    recordedAt: z.number(),
    /** Of a service from Git. */
    commit: z.string().nullable(),
    /** The revision that this one put back. */
    rollbackOf: z.number().int().nullable(),
    variablesHash: z.string(),
    images: z.array(
      z.object({ service: z.string(), reference: z.string(), id: z.string(), digests: z.array(z.string()) }),
    ),
  }),
);
export type RevisionSummary = z.infer<ReturnType<typeof revisionSummary>>;

export const SERVICE_CHANGES = ['added', 'removed', 'changed', 'same'] as const;

export const serviceChange = lazy(() =>
  z.object({ service: z.string(), change: z.enum(SERVICE_CHANGES), fields: z.array(fieldChange()) }),
);
export type ServiceChange = z.infer<ReturnType<typeof serviceChange>>;

/** `refresh`: it is on the host, and a newer one will be looked for. */
export const IMAGE_SOURCES = ['present', 'pull', 'refresh', 'build'] as const;
/** `leave`: the file no longer names it; nothing uses it, and its data stays. */
export const VOLUME_ACTIONS = ['keep', 'create', 'leave'] as const;
export const PREFLIGHT_CHECKS = ['name', 'ports', 'disk', 'memory', 'architecture', 'registry'] as const;
/** Only what has `failed` would make the deploy fail. */
export const PREFLIGHT_STATES = ['ok', 'warning', 'failed'] as const;

/** What the AI proposes, as it may be shown. */
export const shownProposal = lazy(() =>
  z.object({
    compose: z.string(),
    dockerfile: z.string().nullable(),
    variables: z.array(
      z.object({
        name: z.string(),
        /** Null where the user's own counts. */
        value: z.string().nullable(),
        purpose: z.string(),
        isGiven: z.boolean(),
      }),
    ),
    port: z.number().int().nullable(),
    healthPath: z.string().nullable(),
    reasons: z.array(z.string()),
  }),
);
export type ShownProposal = z.infer<ReturnType<typeof shownProposal>>;

/** What a deploy would do, found out without doing anything. */
export const deployPlan = lazy(() =>
  z.object({
    services: z.array(planStep().extend({ fields: z.array(fieldChange()) })),
    images: z.array(
      z.object({
        reference: z.string(),
        services: z.array(z.string()),
        source: z.enum(IMAGE_SOURCES),
        /** Null while it is not on the host. */
        sizeBytes: z.number().nonnegative().nullable(),
        /** Compressed, of one that would be pulled; null where the registry did not say. */
        downloadBytes: z.number().int().nonnegative().nullable().optional(),
      }),
    ),
    ports: z.array(
      z.object({
        service: z.string(),
        /** A port or a range of them; null: Docker chooses. */
        host: z.string().nullable(),
        container: z.number().int(),
        protocol: z.string(),
        address: z.string(),
      }),
    ),
    volumes: z.array(z.object({ name: z.string(), action: z.enum(VOLUME_ACTIONS), services: z.array(z.string()) })),
    /** Compose services that are down for a moment: the old container goes before the new one comes. */
    downtime: z.array(z.string()),
    findings: z.array(z.object({ path: z.string(), rule: z.string(), message: z.string() })),
    preflight: z.array(
      z.object({ check: z.enum(PREFLIGHT_CHECKS), state: z.enum(PREFLIGHT_STATES), message: z.string() }),
    ),
    /** Of a service from Git: what would be deployed. */
    commit: z.string().nullable(),
    /** Of what would be deployed and of what is there: another digest is another plan. */
    digest: z.string().max(128),
    /** Of a service by AI; null where there is none to ask. */
    proposal: shownProposal().nullable().optional(),
  }),
);
export type DeployPlan = z.infer<ReturnType<typeof deployPlan>>;

/** What waits for review on a host. */
export const waitingProposal = lazy(() =>
  z.object({
    /** The digest of its plan. */
    id: proposalId(),
    jobId: z.string(),
    madeAt: z.number(),
    /** What would be deployed, a Dockerfile in it; and what runs, null where nothing does. */
    compose: z.string(),
    runs: z.string().nullable(),
    plan: deployPlan(),
  }),
);
export type WaitingProposal = z.infer<ReturnType<typeof waitingProposal>>;
