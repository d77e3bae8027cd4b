// Facts about this host. What can't change without a reboot is asked once a boot and kept, because the library that
// knows it costs more memory than the rest of this file; what changes is read from the kernel each time.
import { readFileSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { arch, availableParallelism, freemem, hostname, networkInterfaces, totalmem } from 'node:os';
import type { HostFacts } from '#shared/model.ts';
import type { Meta } from './state/meta.ts';

export interface HostDeps {
  dataDir: string;
  meta: Pick<Meta, 'get' | 'set'>;
  agentVersion: string;
  /** Null when Docker does not answer. */
  fetchDockerVersion: () => Promise<string | null>;
  /** Null when the plugin is missing. */
  fetchComposeVersion: () => Promise<string | null>;
}

interface Platform {
  bootId: string;
  os: string;
  kernel: string;
}

/** The schema's limits. */
const MAX_TEXT_CHARS = 255;
const MAX_ADDRESSES = 64;
/** Docker's own bridges say nothing about where the host can be reached. */
const VIRTUAL_INTERFACE = /^(veth|br-|docker)/;

/** Changes with each boot of the machine, also of a clone. */
export const readBootId = (): string => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();

export async function collectHostFacts(deps: HostDeps): Promise<HostFacts> {
  const [platform, disk, dockerVersion, composeVersion] = await Promise.all([
    loadPlatform(deps.meta),
    statfs(deps.dataDir),
    deps.fetchDockerVersion(),
    deps.fetchComposeVersion(),
  ]);
  return {
    hostname: hostname().slice(0, MAX_TEXT_CHARS),
    os: platform.os,
    kernel: platform.kernel,
    arch: arch(),
    cpus: availableParallelism(),
    memoryBytes: totalmem(),
    memoryFreeBytes: freemem(),
    diskBytes: disk.blocks * disk.bsize,
    diskFreeBytes: disk.bavail * disk.bsize,
    dockerVersion,
    composeVersion,
    agentVersion: deps.agentVersion,
    agentStartedAt: Math.floor(performance.timeOrigin),
    addresses: readAddresses(),
  };
}

async function loadPlatform(meta: HostDeps['meta']): Promise<Platform> {
  const bootId = readBootId();
  const known = JSON.parse(meta.get('platform') ?? 'null') as Platform | null;
  if (known?.bootId === bootId) return known;
  // CommonJS: in a bundle it has no other name than this one.
  const { default: systemInformation } = await import('systeminformation');
  const { distro, release, kernel } = await systemInformation.osInfo();
  const platform = {
    bootId,
    os: `${distro} ${release}`.trim().slice(0, MAX_TEXT_CHARS),
    kernel: kernel.slice(0, MAX_TEXT_CHARS),
  };
  meta.set('platform', JSON.stringify(platform));
  return platform;
}

function readAddresses(): string[] {
  const reachable = Object.entries(networkInterfaces())
    .filter(([name]) => !VIRTUAL_INTERFACE.test(name))
    .flatMap(([, addresses]) => addresses ?? [])
    .filter(({ internal, address }) => !internal && !address.startsWith('fe80:'));
  return reachable.map(({ address }) => address).slice(0, MAX_ADDRESSES);
}

/** Whether control's picture of the host needs the new facts: free space counts in twentieths. */
export function isNews(before: HostFacts, now: HostFacts): boolean {
  return JSON.stringify(coarse(before)) !== JSON.stringify(coarse(now));
}

const coarse = (facts: HostFacts) => ({
  ...facts,
  memoryFreeBytes: Math.round((20 * facts.memoryFreeBytes) / facts.memoryBytes),
  diskFreeBytes: Math.round((20 * facts.diskFreeBytes) / facts.diskBytes),
});
