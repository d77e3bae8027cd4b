// What Docker's API says of usage, in our words. Pure; what is missing counts as nothing.
import type { DockerDisk } from '#shared/stats.ts';
import type { ContainerUsage, VolumeSize } from './engine.ts';
import { PROJECT_LABEL } from './container-view.ts';

/** As far as we read the answer of `/containers/ID/stats`. */
export interface RawStats {
  cpu_stats?: { cpu_usage?: { total_usage?: number } };
  memory_stats?: { usage?: number; stats?: Record<string, number> };
  /** By interface; absent for a container in the host's network or another's. */
  networks?: Record<string, { rx_bytes: number; tx_bytes: number }>;
  blkio_stats?: { io_service_bytes_recursive?: { op: string; value: number }[] | null };
  pids_stats?: { current?: number };
}

/** Undefined for a container that does not run: it has no memory then. */
export function fromStats(raw: RawStats): ContainerUsage | undefined {
  const { cpu_stats: cpu, memory_stats: memory } = raw;
  if (memory?.usage === undefined) return undefined;
  // cgroup v1 counts the whole tree under `total_…` only; v2 always does.
  const cache = memory.stats?.['total_inactive_file'] ?? memory.stats?.['inactive_file'] ?? 0;
  return {
    cpuNanos: cpu?.cpu_usage?.total_usage ?? 0,
    memoryBytes: Math.max(0, memory.usage - cache),
    ...trafficOf(raw),
    pids: raw.pids_stats?.current ?? null,
  };
}

type Traffic = Pick<ContainerUsage, 'rxBytes' | 'txBytes' | 'readBytes' | 'writeBytes'>;

/** cgroup v1 says `Read`, v2 `read`. */
function trafficOf({ networks, blkio_stats: blkio }: RawStats): Traffic {
  const interfaces = networks && Object.values(networks);
  const transfers = blkio?.io_service_bytes_recursive;
  const bytesOf = (kind: string) =>
    transfers ? sum(transfers.filter(({ op }) => op.toLowerCase() === kind).map(({ value }) => value)) : null;
  return {
    rxBytes: interfaces ? sum(interfaces.map(({ rx_bytes: bytes }) => bytes)) : null,
    txBytes: interfaces ? sum(interfaces.map(({ tx_bytes: bytes }) => bytes)) : null,
    readBytes: bytesOf('read'),
    writeBytes: bytesOf('write'),
  };
}

const sum = (values: readonly number[]): number => values.reduce((all, value) => all + value, 0);

/** As far as we read the answer of `/system/df`; what was not asked for is absent. */
export interface RawDiskUsage {
  LayersSize?: number;
  Containers?: { SizeRw?: number }[] | null;
  BuildCache?: { Size: number; Shared: boolean }[] | null;
  Volumes?: { Name: string; Labels?: Record<string, string> | null; UsageData?: { Size: number } | null }[] | null;
}

/** A size of -1 is one that Docker could not measure, of a remote driver say. */
export function fromDiskUsage({ Volumes: volumes }: RawDiskUsage): VolumeSize[] {
  return (volumes ?? []).map(({ Name, Labels, UsageData }) => {
    const sizeBytes = UsageData && UsageData.Size >= 0 ? UsageData.Size : null;
    return { name: Name, project: Labels?.[PROJECT_LABEL] ?? '', sizeBytes };
  });
}

/** Layers that images share count once, and what the build cache shares with images counts with those. */
export function toDockerDisk(raw: RawDiskUsage): Omit<DockerDisk, 'at'> {
  const volumes = fromDiskUsage(raw).map(({ sizeBytes }) => sizeBytes ?? 0);
  return {
    imageBytes: raw.LayersSize ?? null,
    containerBytes: raw.Containers ? sum(raw.Containers.map(({ SizeRw }) => SizeRw ?? 0)) : null,
    volumeBytes: raw.Volumes ? sum(volumes) : null,
    buildCacheBytes: raw.BuildCache ? sum(raw.BuildCache.map(({ Size, Shared }) => (Shared ? 0 : Size))) : null,
  };
}
