// From the kernel's counters to what people ask for: cores and bytes. Pure.
import type { ContainerUsage } from '../docker/engine.ts';
import type { CgroupVersion } from './cgroup-place.ts';

const NANOS_A_MICRO = 1_000;
const NANOS_A_MILLI = 1_000_000;
/** Less time between two readings says more about the readings than about the container. */
const SHORTEST_MS = 500;

/** What the three files of a cgroup say. A figure that is not there counts as nothing. */
export function usageOf(
  version: CgroupVersion,
  { cpu, memory, memoryStat }: { cpu: string; memory: string; memoryStat: string },
): ContainerUsage {
  const isV1 = version === 'v1';
  // v1's plain figures leave out the cgroups that the container made itself.
  const cache = figureOf(memoryStat, isV1 ? 'total_inactive_file' : 'inactive_file');
  return {
    cpuNanos: isV1 ? Number.parseInt(cpu, 10) || 0 : figureOf(cpu, 'usage_usec') * NANOS_A_MICRO,
    memoryBytes: Math.max(0, (Number.parseInt(memory, 10) || 0) - cache),
  };
}

/** The number behind `name` in a file of `name number` lines. */
function figureOf(text: string, name: string): number {
  const start = text.startsWith(`${name} `) ? 0 : text.indexOf(`\n${name} `) + 1;
  if (start === 0 && !text.startsWith(`${name} `)) return 0;
  return Number.parseInt(text.slice(start + name.length + 1), 10) || 0;
}

/** One look at a container's counters. */
export interface Reading {
  cpuNanos: number;
  /** Milliseconds since the epoch. */
  at: number;
}

/**
 * Cores used between two readings; null where they are too close, or the clock went back between them. A counter that
 * fell belongs to a container that was started anew: it counts from zero.
 */
export function coresBetween(before: Reading, now: Reading): number | null {
  const elapsedMs = now.at - before.at;
  if (elapsedMs < SHORTEST_MS) return null;
  const used = now.cpuNanos < before.cpuNanos ? now.cpuNanos : now.cpuNanos - before.cpuNanos;
  return used / NANOS_A_MILLI / elapsedMs;
}
