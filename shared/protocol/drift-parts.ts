// What a host answers about drift. The rules of schema.ts hold here too: append-only, built on first use. Every value is
// shown as text, with secrets already hidden.
import * as z from 'zod';
import { DRIFT_STATES } from '../model.ts';
import { lazy, moment } from './parts.ts';

export const CONTAINER_CHANGES = ['missing', 'extra', 'changed'] as const;
export const FILE_CHANGES = ['missing', 'changed'] as const;

export const shownDrift = lazy(() =>
  z.object({
    state: z.enum(DRIFT_STATES),
    /** What is compared with; null where there is none. */
    revision: z.number().int().nullable(),
    checkedAt: moment(),
    services: z.array(
      z.object({
        service: z.string(),
        container: z.string(),
        change: z.enum(CONTAINER_CHANGES),
        /** Null where there is nothing. */
        fields: z.array(z.object({ path: z.string(), expected: z.string().nullable(), actual: z.string().nullable() })),
      }),
    ),
    files: z.array(z.object({ path: z.string(), change: z.enum(FILE_CHANGES) })),
  }),
);
export type ShownDrift = z.infer<ReturnType<typeof shownDrift>>;

/** What a service would be if what lives now were what is wanted. */
export const driftDraft = lazy(() =>
  z.object({
    /** With its secrets: it becomes the service's own file. */
    compose: z.string().max(256 * 1024),
  }),
);
export type DriftDraft = z.infer<ReturnType<typeof driftDraft>>;
