// What a service uses and how its health checks go, as the documented panel API names it. Null is "not known": its host
// has not told since the control plane started, or it has no such thing.
import { z } from 'zod';
import { HEALTHS } from '#shared/model.ts';
import { toRfc3339 } from '#shared/time.ts';
import type { Service } from '../../app/api/services.ts';
import { timestamp } from './page.ts';

const cores = z.number().nullable();
const megabytes = z.number().int().nullable();

export const resourcesView = z.object({
  cpu_usage: cores.meta({ description: 'Cores used by all its containers', example: 0.15 }),
  memory_usage_mb: megabytes.meta({ description: 'MiB, without file cache', example: 128 }),
  memory_limit_mb: megabytes.meta({ description: 'MiB for all its containers; null is no limit', example: 512 }),
  sampled_at: timestamp.nullable().meta({ description: 'When the host measured this' }),
});

export const resourcesDetailView = resourcesView.extend({
  cpu_limit: cores.meta({ description: 'Cores for all its containers; null is no limit', example: 1 }),
  storage_mb: megabytes.meta({ description: 'MiB in its named volumes', example: 256 }),
});

export const healthView = z.object({
  status: z.enum(HEALTHS).meta({ description: 'Of the container that does worst', example: 'healthy' }),
  last_check: timestamp.nullable().meta({ example: '2026-03-29T14:30:00Z' }),
  consecutive_failures: z.number().int().nullable().meta({ example: 0 }),
});

export const healthDetailView = healthView.extend({
  last_output: z.string().nullable().meta({
    description:
      'What that check printed or answered last, without secrets; null: nothing, or the caller lacks `services.logs`',
    example: 'HTTP 200 OK',
  }),
});

type Measured = Pick<Service, 'limits' | 'usage'>;

export function toResources({ limits, usage }: Measured): z.infer<typeof resourcesView> {
  return {
    cpu_usage: toCores(usage?.cpuCores),
    memory_usage_mb: toMegabytes(usage?.memoryBytes),
    memory_limit_mb: limits.memoryMb ?? toMegabytes(usage?.memoryLimitBytes),
    sampled_at: usage ? toRfc3339(usage.at) : null,
  };
}

export function toResourcesDetail({ limits, usage }: Measured): z.infer<typeof resourcesDetailView> {
  return {
    ...toResources({ limits, usage }),
    cpu_limit: limits.cpu ?? toCores(usage?.cpuLimitCores),
    storage_mb: toMegabytes(usage?.storageBytes),
  };
}

/** Where there is no health check, the host has looked when it last told of the containers. */
export function toHealth({
  health,
  usage,
  report,
}: Pick<Service, 'health' | 'usage' | 'report'>): z.infer<typeof healthView> {
  const seenAt = Math.max(usage?.at ?? 0, report?.at ?? 0);
  const checkedAt = usage?.lastCheckAt ?? seenAt;
  return {
    status: health,
    last_check: checkedAt === 0 ? null : toRfc3339(checkedAt),
    consecutive_failures: usage?.consecutiveFailures ?? (health === 'healthy' ? 0 : null),
  };
}

const MIB = 1024 ** 2;

const toMegabytes = (bytes: number | null = null): number | null => (bytes === null ? null : Math.round(bytes / MIB));

/** To a thousandth: below that it is noise of the clock. */
const toCores = (count: number | null = null): number | null =>
  count === null ? null : Math.round(count * 1000) / 1000;
