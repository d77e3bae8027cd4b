// What hosts and services use and used, as the API shows it. Null is "not known": not measured, or there is none.
import { z } from 'zod';
import type { DockerDisk, HostSample, HostUsage, StatsPoint, Usage } from '#shared/stats.ts';
import { toRfc3339 } from '#shared/time.ts';
import type { HostStats, ServiceStats, StretchAsked } from '../../app/api/stats.ts';
import { timestamp } from './page.ts';

const cores = z.number().nullable().meta({ description: 'Cores in use', example: 0.15 });
const bytes = (description: string, example: number) => z.number().int().nullable().meta({ description, example });

const trafficFields = {
  network_rx_bytes_per_s: bytes('Received', 20_480),
  network_tx_bytes_per_s: bytes('Sent', 4_096),
  disk_read_bytes_per_s: bytes('Read from disks', 0),
  disk_write_bytes_per_s: bytes('Written to disks', 8_192),
};
const usageFields = {
  cpu_usage: cores,
  memory_used_bytes: bytes('Without file cache', 134_217_728),
  ...trafficFields,
  pids: z.number().nullable().meta({ description: 'Processes and threads', example: 12 }),
};
const hostFields = {
  cpu_usage: cores,
  load_1: z.number().nullable().meta({ description: 'Load over one minute', example: 0.4 }),
  memory_used_bytes: bytes('What programs cannot have', 3_221_225_472),
  disk_used_bytes: bytes("On the file system with the agent's data", 42_949_672_960),
  ...trafficFields,
  temperature_celsius: z.number().nullable().meta({ description: 'The hottest sensor of a processor', example: 51 }),
  docker_bytes: bytes('What Docker keeps on disk', 9_663_676_416),
};

const sampledAt = timestamp.meta({ description: 'When this was measured' });
const pointFields = {
  timestamp: timestamp.meta({ description: 'Where the step begins' }),
  sampled_at: sampledAt.nullable().meta({ description: 'The last measurement in it; null: a gap' }),
};
const stretchFields = {
  since: timestamp.meta({ description: 'Where the first step begins' }),
  until: timestamp,
  step: z
    .number()
    .int()
    .meta({ description: 'Seconds; more than was asked for where there would be too many', example: 10 }),
};

export const statsQuery = z.strictObject({
  since: z.iso.datetime({ offset: true }).optional().describe('From this instant on; absent: an hour before `until`'),
  until: z.iso.datetime({ offset: true }).optional().describe('Before this instant; absent: now'),
  step: z.coerce.number().int().min(10).max(86_400).optional().describe('Seconds a point; at least'),
});
export const serviceStatsQuery = statsQuery.extend({
  container: z.string().min(1).max(255).optional().describe('Name of one container; absent: all of them together'),
});

export const hostStatsView = z
  .object({ ...stretchFields, points: z.array(z.object({ ...pointFields, ...hostFields })) })
  .meta({ id: 'HostStats', description: 'Means over each step, at most 720' });

const containerNow = z.object({
  name: z.string().meta({ example: 'my-app-web-1' }),
  service: z.string().meta({ description: 'Its service in the compose file', example: 'web' }),
  ...usageFields,
  restart_count: z.number().int().meta({ description: "By Docker's own restart policy", example: 0 }),
  started_at: timestamp,
  sampled_at: sampledAt,
});
export const serviceStatsView = z
  .object({
    ...stretchFields,
    points: z.array(z.object({ ...pointFields, ...usageFields })),
    containers: z.array(containerNow).meta({ description: 'Those that run, as they are now' }),
  })
  .meta({ id: 'ServiceStats', description: 'Means over each step, at most 720, of all containers together' });

const dockerView = z.object({
  image_bytes: bytes('Of all images, layers they share once', 8_589_934_592),
  container_bytes: bytes('Written by containers outside of volumes', 1_048_576),
  volume_bytes: bytes('In all volumes', 1_073_741_824),
  build_cache_bytes: bytes('Not shared with images', 0),
  sampled_at: sampledAt,
});
export const hostResourcesView = z.object({
  ...hostFields,
  load_5: z.number().nullable().meta({ example: 0.3 }),
  load_15: z.number().nullable().meta({ example: 0.2 }),
  memory_total_bytes: bytes('Of the host', 8_326_500_352),
  disk_total_bytes: bytes("Of the file system with the agent's data", 84_825_604_096),
  uptime_s: z.number().int().nullable().meta({ description: 'Since the machine was started', example: 864_000 }),
  docker: dockerView.nullable().meta({ description: 'Measured hourly; null before that' }),
  sampled_at: sampledAt,
});

type StretchQuery = z.infer<typeof statsQuery>;

export const fromStatsQuery = ({ since, until, step }: StretchQuery): StretchAsked => ({
  since: since === undefined ? undefined : Date.parse(since),
  until: until === undefined ? undefined : Date.parse(until),
  stepMs: step === undefined ? undefined : step * 1000,
});

export const toHostStatsView = (stats: HostStats): z.infer<typeof hostStatsView> => ({
  ...toStretch(stats),
  points: stats.points.map((point) => ({ ...toPoint(point), ...toHostUsage(point) })),
});

export const toServiceStatsView = (stats: ServiceStats): z.infer<typeof serviceStatsView> => ({
  ...toStretch(stats),
  points: stats.points.map((point) => ({ ...toPoint(point), ...toUsage(point) })),
  containers: toContainersNow(stats),
});

export const toContainersNow = ({ containers }: Pick<ServiceStats, 'containers'>): z.infer<typeof containerNow>[] =>
  containers.map((container) => ({
    name: container.name,
    service: container.service,
    ...toUsage(container),
    restart_count: container.restartCount,
    started_at: toRfc3339(container.startedAt),
    sampled_at: toRfc3339(container.at),
  }));

export const toHostResources = (sample: HostSample): z.infer<typeof hostResourcesView> => ({
  ...toHostUsage(sample),
  load_5: rounded(sample.load5, 100),
  load_15: rounded(sample.load15, 100),
  memory_total_bytes: rounded(sample.memoryTotalBytes),
  disk_total_bytes: rounded(sample.diskTotalBytes),
  uptime_s: rounded(sample.uptimeS),
  docker: sample.docker && toDocker(sample.docker),
  sampled_at: toRfc3339(sample.at),
});

const toDocker = (disk: DockerDisk): z.infer<typeof dockerView> => ({
  image_bytes: rounded(disk.imageBytes),
  container_bytes: rounded(disk.containerBytes),
  volume_bytes: rounded(disk.volumeBytes),
  build_cache_bytes: rounded(disk.buildCacheBytes),
  sampled_at: toRfc3339(disk.at),
});

const toStretch = ({ since, until, stepMs }: Pick<HostStats, 'since' | 'until' | 'stepMs'>) => ({
  since: toRfc3339(since),
  until: toRfc3339(until),
  step: Math.round(stepMs / 1000),
});

const toPoint = ({ at, sampledAt: last }: StatsPoint) => ({
  timestamp: toRfc3339(at),
  sampled_at: last === null ? null : toRfc3339(last),
});

type Traffic = Pick<Usage, 'rxBytesPerS' | 'txBytesPerS' | 'readBytesPerS' | 'writeBytesPerS'>;

const toTraffic = ({ rxBytesPerS, txBytesPerS, readBytesPerS, writeBytesPerS }: Traffic) => ({
  network_rx_bytes_per_s: rounded(rxBytesPerS),
  network_tx_bytes_per_s: rounded(txBytesPerS),
  disk_read_bytes_per_s: rounded(readBytesPerS),
  disk_write_bytes_per_s: rounded(writeBytesPerS),
});

const toUsage = (usage: Usage) => ({
  cpu_usage: rounded(usage.cpuCores, 1000),
  memory_used_bytes: rounded(usage.memoryBytes),
  ...toTraffic(usage),
  pids: rounded(usage.pids, 10),
});

const toHostUsage = (usage: HostUsage) => ({
  cpu_usage: rounded(usage.cpuCores, 1000),
  load_1: rounded(usage.load1, 100),
  memory_used_bytes: rounded(usage.memoryBytes),
  disk_used_bytes: rounded(usage.diskBytes),
  ...toTraffic(usage),
  temperature_celsius: rounded(usage.temperatureC, 10),
  docker_bytes: rounded(usage.dockerBytes),
});

/** To a part of one: what is below it is noise. */
const rounded = (value: number | null, parts = 1): number | null =>
  value === null ? null : Math.round(value * parts) / parts;
