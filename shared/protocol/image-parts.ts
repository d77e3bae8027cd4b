// What hosts tell and are asked about images. The rules of schema.ts hold here too: append-only, built on first use.
import * as z from 'zod';
import { IMAGE_STATES } from '../image-updates.ts';
import { lazy, moment } from './parts.ts';

export const serviceUpdates = lazy(() =>
  z.object({
    serviceId: z.string(),
    images: z
      .array(
        z.object({
          service: z.string().max(255),
          image: z.string().max(1024),
          state: z.enum(IMAGE_STATES),
          currentDigest: z.string().max(256).nullable(),
          newestDigest: z.string().max(256).nullable(),
          reason: z.string().max(1024).nullable(),
        }),
      )
      .max(1_000),
    checkedAt: moment(),
  }),
);

export const PRUNE_SCOPES = ['none', 'dangling', 'unused'] as const;

export const pruneRequest = lazy(() =>
  z.object({
    /** `dangling`: images without a name; `unused`: those of no container. */
    scope: z.enum(PRUNE_SCOPES),
    /** Images that got a name later than this stay. */
    olderThanHours: z.number().int().min(1),
    buildCache: z.boolean(),
    /** Says what would go, and removes nothing. */
    isDryRun: z.boolean(),
  }),
);
export type PruneRequest = z.infer<ReturnType<typeof pruneRequest>>;

export const pruneResult = lazy(() =>
  z.object({
    images: z.array(z.object({ id: z.string(), tags: z.array(z.string()), sizeBytes: z.number().nonnegative() })),
    /** Freed for certain: what images share with those that stay is not counted. */
    imageBytes: z.number().nonnegative(),
    buildCacheBytes: z.number().nonnegative(),
    /** Unused images that stay: of revisions that are kept, and new ones. */
    protectedCount: z.number().int().nonnegative(),
    recentCount: z.number().int().nonnegative(),
    /** Chosen, but something came to use them, or a job did not let the rest be removed. */
    leftCount: z.number().int().nonnegative(),
  }),
);
export type PruneResult = z.infer<ReturnType<typeof pruneResult>>;
