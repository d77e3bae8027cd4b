// What a container may use, in the words of a compose file. Pure. Sizes are in bytes.
import type { ComposeMap } from '#shared/compose/values.ts';
import type { RawHostConfig } from './raw-container.ts';

/** Docker's, in bytes. */
const DEFAULT_SHM_BYTES = 64 * 2 ** 20;

export function liveLimits(host: RawHostConfig): ComposeMap {
  return {
    // Docker keeps what it was given: cores, or a quota of a period.
    cpus: host.NanoCpus ? host.NanoCpus / 1e9 : undefined,
    cpu_quota: host.CpuQuota,
    cpu_period: host.CpuPeriod,
    cpu_shares: host.CpuShares,
    cpuset: host.CpusetCpus,
    mem_limit: host.Memory,
    mem_reservation: host.MemoryReservation,
    memswap_limit: swapOf(host),
    mem_swappiness: host.MemorySwappiness === -1 ? undefined : (host.MemorySwappiness ?? undefined),
    pids_limit: host.PidsLimit === -1 ? undefined : host.PidsLimit,
    shm_size: host.ShmSize === DEFAULT_SHM_BYTES ? undefined : host.ShmSize,
    oom_kill_disable: host.OomKillDisable || undefined,
    oom_score_adj: host.OomScoreAdj,
    blkio_config: host.BlkioWeight ? { weight: host.BlkioWeight } : undefined,
    ulimits: Object.fromEntries(
      (host.Ulimits ?? [])
        .map(({ Name, Soft, Hard }): [string, ComposeMap] => [Name, { soft: Soft, hard: Hard }])
        .toSorted(([a], [b]) => (a < b ? -1 : 1)),
    ),
  };
}

/** Docker sets twice the memory where nobody asked. */
const swapOf = ({ Memory: memory = 0, MemorySwap: swap = 0 }: RawHostConfig): number | undefined =>
  swap === memory * 2 ? undefined : swap;
