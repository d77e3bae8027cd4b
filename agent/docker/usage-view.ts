// What Docker's API says of usage, in our words. Pure; what is missing counts as nothing.
import type { ContainerUsage, VolumeSize } from './engine.ts';
import { PROJECT_LABEL } from './container-view.ts';

/** As far as we read the answer of `/containers/ID/stats`. */
export interface RawStats {
  cpu_stats?: { cpu_usage?: { total_usage?: number } };
  memory_stats?: { usage?: number; stats?: Record<string, number> };
}

/** Undefined for a container that does not run: it has no memory then. */
export function fromStats({ cpu_stats: cpu, memory_stats: memory }: RawStats): ContainerUsage | undefined {
  if (memory?.usage === undefined) return undefined;
  // cgroup v1 counts the whole tree under `total_…` only; v2 always does.
  const cache = memory.stats?.['total_inactive_file'] ?? memory.stats?.['inactive_file'] ?? 0;
  return { cpuNanos: cpu?.cpu_usage?.total_usage ?? 0, memoryBytes: Math.max(0, memory.usage - cache) };
}

/** As far as we read the answer of `/system/df?type=volume`. */
export interface RawDiskUsage {
  Volumes?: { Name: string; Labels?: Record<string, string> | null; UsageData?: { Size: number } | null }[] | null;
}

/** A size of -1 is one that Docker could not measure, of a remote driver say. */
export function fromDiskUsage({ Volumes: volumes }: RawDiskUsage): VolumeSize[] {
  return (volumes ?? []).map(({ Name, Labels, UsageData }) => {
    const sizeBytes = UsageData && UsageData.Size >= 0 ? UsageData.Size : null;
    return { name: Name, project: Labels?.[PROJECT_LABEL] ?? '', sizeBytes };
  });
}
