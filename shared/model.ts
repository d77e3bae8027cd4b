// The words both sides share. Plain data: no behaviour, no I/O. camelCase here and on the agent wire; the HTTP API and
// SQL are snake_case and map at their own edge.
import type { HealthCheckSpec } from './health-check.ts';

export const LIFECYCLES = ['deploying', 'running', 'stopped', 'failed'] as const;
export type Lifecycle = (typeof LIFECYCLES)[number];

export const HEALTHS = ['unknown', 'starting', 'healthy', 'unhealthy'] as const;
export type Health = (typeof HEALTHS)[number];

export const DEPLOY_METHODS = ['compose', 'template', 'git', 'ai'] as const;
export type DeployMethod = (typeof DEPLOY_METHODS)[number];

/** What all containers of a service may use together; null is no limit. */
export interface ServiceLimits {
  /** Cores, fractions allowed. */
  cpu: number | null;
  memoryMb: number | null;
}

/** How to log in to a registry for pulls. */
export interface RegistryLogin {
  /** `host[:port]` as image names have it; `docker.io` for Docker Hub. */
  server: string;
  username: string;
  password: string;
}

/** Who git is for the host of its repository. */
export interface GitLogin {
  username: string;
  /** A token, as hosts of repositories want it today. */
  password: string;
}

/** Where a service's files come from when they are in a Git repository. */
export interface GitSource {
  url: string;
  /** Null: the branch the repository's HEAD points to. */
  branch: string | null;
  /** Full name of the one commit to deploy; absent: the newest of the branch. */
  commit?: string | undefined;
  /** The folder of the repository where what is deployed lies; absent: its top. */
  path?: string | undefined;
  /** Whether its submodules are fetched, too. */
  submodules?: boolean | undefined;
  /** Whether what Git LFS keeps for it is fetched, too. */
  lfs?: boolean | undefined;
  /** For https only; absent: nobody. Sealed like the variables. */
  login?: GitLogin | undefined;
  /** For ssh only: a private key as OpenSSH writes it. Absent: the keys of the agent's user. Sealed like the variables. */
  deployKey?: string | undefined;
  /** For ssh only: lines of a known_hosts file, the only ones to count. Absent: what the host shows first is remembered. */
  knownHosts?: string | undefined;
}

/** What a host needs to run a service. The host keeps it; nothing else is needed to redeploy with control away. */
export interface ServiceSpec {
  id: string;
  /** Also the Compose project and the folder on the host. */
  name: string;
  customerId: string | null;
  /** Grows by one with each change; an older one is refused (`stale`). */
  revision: number;
  method: DeployMethod;
  /** Compose text as the user or the template gave it. */
  compose: string;
  /** Goes to `.env`; interpolated by Compose. */
  variables: Record<string, string>;
  /** Names among `variables` whose values must not be shown. */
  secretNames: string[];
  /** More values to hide: those in the compose text itself, and parts of variables. Absent: none is known. */
  literalSecrets?: string[] | undefined;
  /** Names among `variables` that the service has only because its repository may refer to them. Absent: none. */
  offeredNames?: string[] | undefined;
  template: { id: string; version: number } | null;
  /** Extra files of a template: path inside the service folder → text. */
  files: Record<string, string>;
  labels: Record<string, string>;
  rollbackOnFailure: boolean;
  /** Seconds to wait for healthy. */
  healthTimeoutS: number;
  /** For `git` and `ai`: `compose` is then empty, the repository's own file counts. */
  git?: GitSource | undefined;
  /** Absent from a control plane that knows no limits. */
  limits?: ServiceLimits | undefined;
  /** Absent: pulls are anonymous. Sealed on the host like the variables. */
  registries?: RegistryLogin[] | undefined;
  /** What is asked of its containers, besides Docker's own health checks. Absent: nothing. */
  healthChecks?: HealthCheckSpec[] | undefined;
  /** It is a member of this set, whose rollouts alone redeploy it. Absent: of none. */
  setId?: string | undefined;
}

/** Whether what runs is what the good revision says; `unknown`: nobody can tell. */
export const DRIFT_STATES = ['in_sync', 'drifted', 'unknown'] as const;
export type DriftState = (typeof DRIFT_STATES)[number];
export interface DriftNote {
  state: Exclude<DriftState, 'unknown'>;
  /** Since when, in milliseconds since the epoch. */
  at: number;
}

export const CONTAINER_STATES = ['created', 'running', 'paused', 'restarting', 'removing', 'exited', 'dead'] as const;
export type ContainerState = (typeof CONTAINER_STATES)[number];

/** A container as the agent's list shows it. */
export interface ContainerView {
  id: string;
  name: string;
  /** Compose service name. */
  service: string;
  image: string;
  imageId: string;
  state: ContainerState;
  health: Health;
  exitCode: number | null;
  /** Milliseconds since the epoch; 0 when never started. */
  startedAt: number;
  ports: { host: number; container: number; protocol: 'tcp' | 'udp'; address: string }[];
}

/** What a host has done about failures of a service. */
export interface HealingNote {
  /** Since somebody last started, restarted, enabled or deployed it. */
  failureCount: number;
  /** Ever: by its host, by Docker's restart policy and by hand. */
  restartCount: number;
  lastRestartAt: number | null;
  /** When what is down is restarted; null: nothing is. */
  nextRestartAt: number | null;
  /** Since when nothing is restarted any more; null: it is. */
  gaveUpAt: number | null;
}

/** How a container ended that its host gave up on, or that ran out of memory. */
export interface ContainerEnd {
  /** Null while it runs. */
  exitCode: number | null;
  oomKilled: boolean;
  /** Its last log lines without the service's secrets. */
  lastLines: string[];
}

/** Status of a service as its host sees it; the latest one counts. */
export interface ServiceReport {
  serviceId: string;
  lifecycle: Lifecycle;
  health: Health;
  /** Why it failed or is unhealthy, in words; null when nothing is wrong. */
  reason: string | null;
  /** Revision that runs now; null before the first good deploy. */
  revision: number | null;
  containers: ContainerView[];
  /** Absent until it was looked for. */
  drift?: DriftNote | undefined;
  /** Absent from an agent that does not heal. */
  healing?: HealingNote | undefined;
  /** Milliseconds since the epoch, on the host's clock. */
  at: number;
}

/** Characters of a health check's output that travel: many services are told of in one message. */
export const MAX_CHECK_OUTPUT = 500;

/** What a service uses, as its host measured it last: all its running containers together. */
export interface ServiceSample {
  serviceId: string;
  /** Cores; null until its containers were seen twice. */
  cpuCores: number | null;
  /** Without file cache; null where it cannot be read. */
  memoryBytes: number | null;
  /** What Docker holds the containers to; null when one of them has no limit, or none runs. */
  cpuLimitCores: number | null;
  memoryLimitBytes: number | null;
  /** Of its named volumes; null until they were measured. */
  storageBytes: number | null;
  /** Of the container whose health check does worst; null without a health check. */
  lastCheckAt: number | null;
  consecutiveFailures: number | null;
  /** What that check printed or answered last, without secrets. Absent: its host is too old to tell. */
  lastOutput?: string | null | undefined;
  /** Milliseconds since the epoch, on the host's clock. */
  at: number;
}

/** Facts about a host, reported at connect and when they change. */
export interface HostFacts {
  hostname: string;
  os: string;
  kernel: string;
  arch: string;
  cpus: number;
  memoryBytes: number;
  memoryFreeBytes: number;
  diskBytes: number;
  diskFreeBytes: number;
  dockerVersion: string | null;
  /** Milliseconds since the epoch: when it was first seen not to answer; null while it does. Hosts of 0.1 don't say. */
  dockerAwaySince?: number | null | undefined;
  composeVersion: string | null;
  agentVersion: string;
  /** Milliseconds since the epoch; hosts of 0.1 don't say. */
  agentStartedAt?: number | undefined;
  addresses: string[];
}

/** One log line as a viewer gets it; `timestamp` is RFC 3339 with nanoseconds as Docker wrote it. */
export interface LogEntry {
  timestamp: string;
  stream: 'stdout' | 'stderr';
  message: string;
  container: string;
}
