// Docker's answer to an inspect, as far as live-config.ts reads it; dockerode's own types leave half of it out. Docker
// writes null for an empty list, and leaves out what an older version does not know.

type Nullable<T> = T | null | undefined;

export interface RawHealthCheck {
  Test?: Nullable<string[]>;
  /** Nanoseconds, like all times here; 0 is Docker's default. */
  Interval?: number;
  Timeout?: number;
  StartPeriod?: number;
  StartInterval?: number;
  Retries?: number;
}

/** What an image gives its containers, and what they have. */
export interface RawConfig {
  Cmd?: Nullable<string[]>;
  Entrypoint?: Nullable<string[]>;
  Env?: Nullable<string[]>;
  ExposedPorts?: Nullable<Record<string, unknown>>;
  Healthcheck?: Nullable<RawHealthCheck>;
  Labels?: Nullable<Record<string, string>>;
  StopSignal?: string;
  User?: string;
  Volumes?: Nullable<Record<string, unknown>>;
  WorkingDir?: string;
}

interface RawOwnConfig extends RawConfig {
  Image: string;
  Hostname?: string;
  Domainname?: string;
  /** Seconds. */
  StopTimeout?: Nullable<number>;
  Tty?: boolean;
  OpenStdin?: boolean;
}

export interface RawMount {
  Type: string;
  Name?: string;
  Source: string;
  Destination: string;
  RW: boolean;
  Propagation?: string;
}

export interface RawAskedMount {
  Type: string;
  Source?: string;
  Target: string;
  BindOptions?: Nullable<{ CreateMountpoint?: boolean }>;
  VolumeOptions?: Nullable<{ NoCopy?: boolean; Subpath?: string }>;
  TmpfsOptions?: Nullable<{ SizeBytes?: number; Mode?: number }>;
  ImageOptions?: Nullable<{ Subpath?: string }>;
}

export interface RawEndpoint {
  Aliases?: Nullable<string[]>;
  IPAMConfig?: Nullable<{ IPv4Address?: string; IPv6Address?: string; LinkLocalIPs?: Nullable<string[]> }>;
  DriverOpts?: Nullable<Record<string, string>>;
  GwPriority?: number;
}

export interface RawHostConfig {
  Annotations?: Nullable<Record<string, string>>;
  Binds?: Nullable<string[]>;
  BlkioWeight?: number;
  CapAdd?: Nullable<string[]>;
  CapDrop?: Nullable<string[]>;
  CgroupParent?: string;
  CpuPeriod?: number;
  CpuQuota?: number;
  CpuShares?: number;
  CpusetCpus?: string;
  DeviceCgroupRules?: Nullable<string[]>;
  DeviceRequests?: Nullable<RawDeviceRequest[]>;
  Devices?: Nullable<{ PathOnHost: string; PathInContainer: string; CgroupPermissions: string }[]>;
  Dns?: Nullable<string[]>;
  DnsOptions?: Nullable<string[]>;
  DnsSearch?: Nullable<string[]>;
  ExtraHosts?: Nullable<string[]>;
  GroupAdd?: Nullable<string[]>;
  Init?: Nullable<boolean>;
  IpcMode?: string;
  Links?: Nullable<string[]>;
  LogConfig?: Nullable<{ Type: string; Config?: Nullable<Record<string, string>> }>;
  Memory?: number;
  MemoryReservation?: number;
  MemorySwap?: number;
  MemorySwappiness?: Nullable<number>;
  Mounts?: Nullable<RawAskedMount[]>;
  NanoCpus?: number;
  NetworkMode?: string;
  OomKillDisable?: Nullable<boolean>;
  OomScoreAdj?: number;
  PidMode?: string;
  PidsLimit?: Nullable<number>;
  PortBindings?: Nullable<Record<string, Nullable<{ HostIp?: string; HostPort?: string }[]>>>;
  Privileged?: boolean;
  ReadonlyRootfs?: boolean;
  RestartPolicy?: Nullable<{ Name: string; MaximumRetryCount?: number }>;
  Runtime?: string;
  SecurityOpt?: Nullable<string[]>;
  ShmSize?: number;
  StorageOpt?: Nullable<Record<string, string>>;
  Sysctls?: Nullable<Record<string, string>>;
  Tmpfs?: Nullable<Record<string, string>>;
  Ulimits?: Nullable<{ Name: string; Soft: number; Hard: number }[]>;
  UTSMode?: string;
  UsernsMode?: string;
}

interface RawDeviceRequest {
  Driver?: string;
  Count?: number;
  DeviceIDs?: Nullable<string[]>;
  Capabilities?: Nullable<string[][]>;
  Options?: Nullable<Record<string, string>>;
}

export interface RawContainer {
  Id: string;
  Name: string;
  /** Id of its image. */
  Image: string;
  State: { Status: string };
  Config: RawOwnConfig;
  HostConfig: RawHostConfig;
  Mounts?: Nullable<RawMount[]>;
  NetworkSettings: { Networks?: Nullable<Record<string, RawEndpoint>> };
}
