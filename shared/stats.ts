// What is measured of services and hosts, in the words of both sides. Null is "not known": not measured, or there is no
// such thing there. Rates are bytes a second since the look before.

export const USAGE_FIGURES = [
  'cpuCores',
  'memoryBytes',
  'rxBytesPerS',
  'txBytesPerS',
  'readBytesPerS',
  'writeBytesPerS',
  'pids',
] as const;
/** Of a container, or of all of a service together. Memory is without file cache; network without loopback. */
export type Usage = Figures<(typeof USAGE_FIGURES)[number]>;

export const HOST_FIGURES = [
  'cpuCores',
  'load1',
  'memoryBytes',
  'diskBytes',
  'rxBytesPerS',
  'txBytesPerS',
  'readBytesPerS',
  'writeBytesPerS',
  'temperatureC',
  'dockerBytes',
] as const;
/** Of a host; memory and disk are what is used. The disk is the one with the agent's data. */
export type HostUsage = Figures<(typeof HOST_FIGURES)[number]>;

export type Figures<Name extends string = string> = Record<Name, number | null>;

/** Where nothing is known. */
export const nothingOf = <const Name extends string>(names: readonly Name[]): Figures<Name> =>
  Object.fromEntries(names.map((name) => [name, null])) as Figures<Name>;

/** One stretch of a history. */
export type StatsPoint<Name extends string = string> = Figures<Name> & {
  /** Where it begins, milliseconds since the epoch. */
  at: number;
  /** The last measurement in it; null for a gap. */
  sampledAt: number | null;
};

/** A container of a service as it is now. */
export interface ContainerUsageNow extends Usage {
  name: string;
  /** Compose service name. */
  service: string;
  /** How often Docker's own restart policy has brought it back. */
  restartCount: number;
  /** Milliseconds since the epoch. */
  startedAt: number;
  at: number;
}

/** What Docker keeps on disk. Null where it could not be measured. */
export const DOCKER_DISK_PARTS = ['imageBytes', 'containerBytes', 'volumeBytes', 'buildCacheBytes'] as const;
export type DockerDisk = Figures<(typeof DOCKER_DISK_PARTS)[number]> & { at: number };

/** A host as it was measured last. */
export interface HostSample extends HostUsage {
  load5: number | null;
  load15: number | null;
  memoryTotalBytes: number | null;
  diskTotalBytes: number | null;
  /** Of the machine, in seconds. */
  uptimeS: number | null;
  /** Null until it was measured: hourly. */
  docker: DockerDisk | null;
  /** Milliseconds since the epoch, on the host's clock. */
  at: number;
}

/** More points than a chart has pixels; a longer stretch gets a coarser step. */
export const MAX_POINTS = 720;
