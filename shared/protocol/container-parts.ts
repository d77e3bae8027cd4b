// What a host is asked about any of its containers, whoever made them, and what it answers. The rules of schema.ts hold
// here too.
import * as z from 'zod';
import { hostContainer } from './host-parts.ts';
import { lazy, moment } from './parts.ts';

export const CONTAINER_ACTS = ['start', 'stop', 'restart'] as const;
export type ContainerAct = (typeof CONTAINER_ACTS)[number];

/** Null is not known, as of one that does not run. */
const usage = () =>
  z.object({
    cpuCores: z.number().nullable(),
    memoryBytes: z.number().nullable(),
    /** Its own limit, or all that the host has. */
    memoryLimitBytes: z.number().nullable(),
  });

export const knownContainer = lazy(() =>
  hostContainer().extend({
    restartCount: z.number().int().nonnegative(),
    /** As its image's labels tell. */
    version: z.string().nullable(),
    description: z.string().nullable(),
    usage: usage(),
    at: moment(),
  }),
);
export type KnownContainer = z.infer<ReturnType<typeof knownContainer>>;

export const containersQuestion = lazy(() =>
  z.object({
    page: z.number().int().min(1),
    perPage: z.number().int().min(1).max(100),
    /** Id, short id or name; absent: all of them. */
    called: z.string().max(255).optional(),
    /** Only of these services: whoever asks sees no other. */
    serviceIds: z.array(z.string()).max(10_000).optional(),
    /** What they use as well, which takes a moment. */
    isMeasured: z.boolean(),
  }),
);
export type ContainersQuestion = z.infer<ReturnType<typeof containersQuestion>>;

export const containerSetup = lazy(() =>
  z.object({
    createdAt: moment(),
    mounts: z.array(z.object({ source: z.string(), destination: z.string() })),
    /** `NAME=value`; a secret value is `***` unless it was asked for. */
    env: z.array(z.string()),
  }),
);
export type ContainerSetup = z.infer<ReturnType<typeof containerSetup>>;

export const containerLogRequest = lazy(() =>
  z.object({
    containerId: z.string().max(64),
    /** Lines from the end. */
    tail: z.number().int().min(0),
    /** RFC 3339 with up to nanoseconds. */
    since: z.string().max(64).nullable(),
  }),
);
