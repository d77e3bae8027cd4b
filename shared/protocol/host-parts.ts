// What a host answers about its containers, and about those it may take over. The rules of schema.ts hold here too.
import * as z from 'zod';
import { FOUND_KINDS, OBSTACLE_CODES } from '../adoption.ts';
import { adoptedContainer, container, lazy, serviceName } from './parts.ts';

/** A list that may be long: the host cuts it. */
export const hostPage = lazy(() =>
  z.object({
    page: z.number().int().min(1),
    perPage: z.number().int().min(1).max(100),
    /** Part of the name. */
    search: z.string().max(200).optional(),
    isDescending: z.boolean(),
  }),
);
export type HostPage = z.infer<ReturnType<typeof hostPage>>;

export const find = lazy(() =>
  z.object({
    kind: z.enum(FOUND_KINDS),
    name: z.string(),
    workingDir: z.string().nullable(),
    configFiles: z.array(z.string()),
    containers: z.array(container()),
    /** A code from a newer host reads as one that no name helps against. */
    obstacle: z.object({ code: z.enum(OBSTACLE_CODES).catch('foreign_part'), message: z.string() }).nullable(),
  }),
);

export const hostContainer = lazy(() => container().extend({ project: z.string(), serviceId: z.string().nullable() }));

export const adoptionQuestion = lazy(() =>
  z.object({
    kind: z.enum(FOUND_KINDS),
    name: z.string().max(255),
    /** What the service will be called. */
    as: serviceName(),
    /** Whether files of the host may be read for it: not for a customer. */
    mayReadFiles: z.boolean(),
  }),
);
export type AdoptionQuestion = z.infer<ReturnType<typeof adoptionQuestion>>;

export const adoptionDraft = lazy(() =>
  z.object({
    compose: z.string().max(256 * 1024),
    variables: z.record(z.string(), z.string()),
    containers: z.array(adoptedContainer()),
  }),
);
