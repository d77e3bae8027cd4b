// From the kernel's counters to what people ask for: cores, bytes, bytes a second. Pure.
import type { Usage } from '#shared/stats.ts';
import type { ContainerUsage } from '../docker/engine.ts';
import type { CgroupVersion } from './cgroup-place.ts';

const NANOS_A_MICRO = 1_000;
const NANOS_A_SECOND = 1e9;
/** Less time between two readings says more about the readings than about the container. */
export const SHORTEST_MS = 500;

export interface UsageTexts {
  cpu: string;
  memory: string;
  memoryStat: string;
  /** Undefined: there is no such file, or what is in it is not the container's own. */
  io?: string | undefined;
  pids?: string | undefined;
  network?: string | undefined;
}

/** What the files of a cgroup say. A figure that is not there counts as nothing, one without its file is not known. */
export function usageOf(version: CgroupVersion, texts: UsageTexts): ContainerUsage {
  const { cpu, memory, memoryStat, io, pids, network } = texts;
  const isV1 = version === 'v1';
  // v1's plain figures leave out the cgroups that the container made itself.
  const cache = figureOf(memoryStat, isV1 ? 'total_inactive_file' : 'inactive_file');
  return {
    cpuNanos: isV1 ? Number.parseInt(cpu, 10) || 0 : figureOf(cpu, 'usage_usec') * NANOS_A_MICRO,
    memoryBytes: Math.max(0, (Number.parseInt(memory, 10) || 0) - cache),
    ...(network === undefined ? { rxBytes: null, txBytes: null } : interfacesOf(network)),
    readBytes: io === undefined ? null : transfersOf(io, isV1 ? / Read (\d+)/g : /\brbytes=(\d+)/g),
    writeBytes: io === undefined ? null : transfersOf(io, isV1 ? / Write (\d+)/g : /\bwbytes=(\d+)/g),
    pids: pids === undefined ? null : Number.parseInt(pids, 10) || 0,
  };
}

/** The number behind `name` in a file of `name number` lines. */
function figureOf(text: string, name: string): number {
  const start = text.startsWith(`${name} `) ? 0 : text.indexOf(`\n${name} `) + 1;
  if (start === 0 && !text.startsWith(`${name} `)) return 0;
  return Number.parseInt(text.slice(start + name.length + 1), 10) || 0;
}

/** Of all block devices. */
function transfersOf(text: string, figure: RegExp): number {
  let sum = 0;
  for (const [, bytes] of text.matchAll(figure)) sum += Number(bytes);
  return sum;
}

/** `  eth0: 240 2 0 0 0 0 0 0 42 1 …`: eight figures received, then as many sent. */
const INTERFACE = /^\s*([^\s:]+):\s*(\d+)(?:\s+\d+){7}\s+(\d+)/gm;

/** All interfaces of a file such as /proc/net/dev together, but loopback and those that `skips` names. */
export function interfacesOf(text: string, skips?: RegExp): { rxBytes: number; txBytes: number } {
  const sum = { rxBytes: 0, txBytes: 0 };
  for (const [, name = '', received, sent] of text.matchAll(INTERFACE)) {
    if (name === 'lo' || skips?.test(name)) continue;
    sum.rxBytes += Number(received);
    sum.txBytes += Number(sent);
  }
  return sum;
}

/** A counter at one moment, in milliseconds that pass (`Clock.elapsed`): the clock may be set between two looks. */
export interface Count {
  count: number | null;
  at: number;
}

/**
 * By how much a counter grew a second; null where the moments are too close. One that fell belongs to something that
 * was started anew: it counts from zero.
 */
export function rateBetween(before: Count, now: Count): number | null {
  const elapsedMs = now.at - before.at;
  if (before.count === null || now.count === null || elapsedMs < SHORTEST_MS) return null;
  const grown = now.count < before.count ? now.count : now.count - before.count;
  return (grown * 1000) / elapsedMs;
}

/** One look at a container's counters. */
export interface Reading extends ContainerUsage {
  /** As of a Count. */
  at: number;
}

/** What was used between two readings: rates are null at the first one. */
export function usageBetween(before: Reading | undefined, now: Reading): Usage {
  const rateOf = (name: 'cpuNanos' | 'rxBytes' | 'txBytes' | 'readBytes' | 'writeBytes') =>
    before ? rateBetween({ count: before[name], at: before.at }, { count: now[name], at: now.at }) : null;
  const nanosPerS = rateOf('cpuNanos');
  return {
    cpuCores: nanosPerS === null ? null : nanosPerS / NANOS_A_SECOND,
    memoryBytes: now.memoryBytes,
    rxBytesPerS: rateOf('rxBytes'),
    txBytesPerS: rateOf('txBytes'),
    readBytesPerS: rateOf('readBytes'),
    writeBytesPerS: rateOf('writeBytes'),
    pids: now.pids,
  };
}
