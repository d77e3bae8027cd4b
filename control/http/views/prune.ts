// Pruning a host's images, as the API takes and shows it.
import { z } from 'zod';
import { PRUNE_SCOPES, type PruneRequest, type PruneResult } from '#shared/protocol/image-parts.ts';

/** A year: older images are as old as any. */
const MAX_HOURS = 366 * 24;

const count = z.number().int().meta({ example: 0 });
const bytes = z.number().meta({ example: 184_549_376 });

const prune = z.strictObject({
  dry_run: z.boolean().default(false).meta({ description: 'Say what would go, and remove nothing' }),
  images: z
    .enum(PRUNE_SCOPES)
    .default('unused')
    .meta({ description: '`unused`: of no container; `dangling`: without a name as well' }),
  older_than_hours: z
    .number()
    .int()
    .min(1)
    .max(MAX_HOURS)
    .default(24)
    .meta({ description: 'Images that were pulled, built or named later stay' }),
  build_cache: z.boolean().default(false).meta({ description: 'Empty the build cache as well' }),
});
export const pruneBody = prune.nullish().meta({ id: 'Prune', example: { dry_run: true } });

export const prunedView = z
  .object({
    dry_run: z.boolean(),
    images: z.array(
      z.object({
        id: z.string().meta({ example: 'sha256:8a5a1f2d' }),
        tags: z.array(z.string()).meta({ example: ['nginx:1.27'] }),
        size_bytes: bytes,
      }),
    ),
    images_freed_bytes: bytes.meta({ description: 'At least: layers that only removed images share come on top' }),
    build_cache_freed_bytes: bytes,
    protected: count.meta({ description: 'Unused images that stay for a rollback' }),
    recent: count.meta({ description: 'Unused images that stay because they are new' }),
    left: count.meta({ description: 'That were to go, when something came to use them or a job began' }),
  })
  .meta({ id: 'Pruned' });

export function fromPruneBody(body: z.infer<typeof pruneBody>): PruneRequest {
  const {
    dry_run: isDryRun,
    images: scope,
    older_than_hours: olderThanHours,
    build_cache: buildCache,
  } = prune.parse(body ?? {});
  return { scope, olderThanHours, buildCache, isDryRun };
}

export const toPrunedView = (result: PruneResult, isDryRun: boolean): z.infer<typeof prunedView> => ({
  dry_run: isDryRun,
  images: result.images.map(({ id, tags, sizeBytes }) => ({ id, tags, size_bytes: sizeBytes })),
  images_freed_bytes: result.imageBytes,
  build_cache_freed_bytes: result.buildCacheBytes,
  protected: result.protectedCount,
  recent: result.recentCount,
  left: result.leftCount,
});
