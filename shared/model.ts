// The words both sides share. Plain data: no behaviour, no I/O. camelCase here and on the agent wire; the HTTP API and
// SQL are snake_case and map at their own edge.
import type { BackupSummary } from './backup.ts';

export const LIFECYCLES = ['deploying', 'running', 'stopped', 'failed'] as const;
export type Lifecycle = (typeof LIFECYCLES)[number];

export const HEALTHS = ['unknown', 'starting', 'healthy', 'unhealthy'] as const;
export type Health = (typeof HEALTHS)[number];

export const DEPLOY_METHODS = ['compose', 'template', 'git', 'ai'] as const;
export type DeployMethod = (typeof DEPLOY_METHODS)[number];

/**
 * What a job does to its service. `redeploy` looks for newer images first, `rollback` puts an earlier revision back,
 * `propose` works out a deploy and starts nothing: somebody reviews it. `adopt` takes over containers as they are.
 * `revert` makes containers that drifted what they were, `accept` makes what they are the new revision. A host that does
 * not know a kind refuses it.
 */
export const JOB_KINDS = [
  'deploy',
  'redeploy',
  'start',
  'stop',
  'restart',
  'remove',
  'backup',
  'restore',
  'forget_backup',
  'rollback',
  'propose',
  'adopt',
  'revert',
  'accept',
] as const;
export type JobKind = (typeof JOB_KINDS)[number];

/** Jobs that make a new revision. */
export const DEPLOY_KINDS = ['deploy', 'redeploy', 'rollback', 'adopt', 'accept'] as const;
export type DeployKind = (typeof DEPLOY_KINDS)[number];
export const isDeployKind = (kind: JobKind): kind is DeployKind => (DEPLOY_KINDS as readonly string[]).includes(kind);
/** Jobs that bring a new spec along. */
export const bringsSpec = (kind: JobKind): boolean => isDeployKind(kind) || kind === 'propose';

/*
 * queued ──▶ offered ──▶ accepted ──▶ running ──▶ succeeded | failed
 *    │          │            │           │
 *    └──────────┴────────────┴───────────┴─────▶ cancelled | expired | superseded
 *
 * queued: row at control, host away.  offered: sent.  accepted: in the agent's journal, on disk.
 */
export const JOB_STATES = [
  'queued',
  'offered',
  'accepted',
  'running',
  'succeeded',
  'failed',
  'cancelled',
  'expired',
  'superseded',
] as const;
export type JobState = (typeof JOB_STATES)[number];
export const JOB_END_STATES = ['succeeded', 'failed', 'cancelled', 'expired', 'superseded'] as const;
export type JobEndState = (typeof JOB_END_STATES)[number];
export const isJobEnd = (state: JobState): state is JobEndState =>
  (JOB_END_STATES as readonly string[]).includes(state);

/** Steps of a job in the order they run; not every job has every step. */
export const JOB_STEPS = [
  'prepare',
  'normalise',
  'check',
  'plan',
  'pull',
  'build',
  'apply',
  'wait',
  'record',
  'start',
  'stop',
  'restart',
  'remove',
  'rollback',
  'backup',
  'restore',
  'swap',
  'forget',
] as const;
export type JobStep = (typeof JOB_STEPS)[number];
export const STEP_STATES = ['running', 'done', 'failed', 'skipped'] as const;
export type StepState = (typeof STEP_STATES)[number];

/** One line of `deploy.progress`, or of `backup.progress` for a job about a backup. */
export interface Progress {
  jobId: string;
  serviceId: string;
  step: JobStep;
  state: StepState;
  /** 0–100 where the step can tell. */
  percent?: number | undefined;
  message?: string | undefined;
  /** Of a backup or a restore. */
  bytesDone?: number | undefined;
  totalBytes?: number | undefined;
  /** Milliseconds since the epoch, on the host's clock. */
  at: number;
}

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
  /** It is a member of this set, whose rollouts alone redeploy it. Absent: of none. */
  setId?: string | undefined;
}

export const PULL_POLICIES = ['missing', 'always', 'never'] as const;
export type PullPolicy = (typeof PULL_POLICIES)[number];

/** A container that a service takes over, and the compose service it becomes a part of. */
export interface AdoptedContainer {
  id: string;
  service: string;
}

/** A job as control offers it. */
export interface JobOffer {
  jobId: string;
  serviceId: string;
  kind: JobKind;
  /** Control's epoch for this host; a lower one than the host has seen is refused. */
  epoch: number;
  /** Present for jobs that make a new revision. */
  spec?: ServiceSpec | undefined;
  pull?: PullPolicy | undefined;
  /** Milliseconds since the epoch after which the job must not start; absent: never expires. */
  expiresAt?: number | undefined;
  /** Present for jobs about a backup. */
  backupId?: string | undefined;
  /** Present for a rollback: the revision it puts back. */
  rollbackTo?: number | undefined;
  /** Present for an adoption: the containers that are taken over. */
  adopts?: AdoptedContainer[] | undefined;
  /** Present for a deploy of what was reviewed: the id of that proposal. */
  approves?: string | undefined;
}

/** Whether what runs is what the good revision says; `unknown`: nobody can tell. */
export const DRIFT_STATES = ['in_sync', 'drifted', 'unknown'] as const;
export type DriftState = (typeof DRIFT_STATES)[number];
export interface DriftNote {
  state: Exclude<DriftState, 'unknown'>;
  /** Since when, in milliseconds since the epoch. */
  at: number;
}

export const PLAN_ACTIONS = ['create', 'recreate', 'keep', 'start', 'remove'] as const;
export type PlanAction = (typeof PLAN_ACTIONS)[number];
/** What a deploy will do to one compose service, and why. */
export interface PlanStep {
  service: string;
  action: PlanAction;
  reason: string;
  /** Of one whose containers are replaced. */
  replacement?: Replacement | undefined;
}

export const REPLACEMENT_ORDERS = ['start_first', 'stop_first'] as const;
/** Whether the new containers come before the old ones go, and why. */
export interface Replacement {
  order: (typeof REPLACEMENT_ORDERS)[number];
  reason: string;
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
  /** Milliseconds since the epoch, on the host's clock. */
  at: number;
}

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
  /** Milliseconds since the epoch, on the host's clock. */
  at: number;
}

/** Names a proposal that waits on its host. */
export interface ProposalMark {
  /** Of what would be deployed and of the host as it was: another id is another proposal. */
  id: string;
  commit: string;
}

/** How a job ended: travels once, is never dropped. */
export interface JobResult {
  jobId: string;
  serviceId: string;
  state: 'succeeded' | 'failed' | 'cancelled' | 'expired' | 'superseded';
  error?:
    | { code: string; message: string; details?: string | undefined; fields?: Record<string, string> | undefined }
    | undefined;
  /** Step that failed. */
  failedStep?: JobStep | undefined;
  plan?: PlanStep[] | undefined;
  /** Revision put back after a failure; absent when none was. */
  rolledBackTo?: number | undefined;
  /** True when nothing had to change. */
  unchanged?: boolean | undefined;
  /** What a backup holds. */
  backup?: BackupSummary | undefined;
  /** What now waits for review. */
  proposal?: ProposalMark | undefined;
  startedAt: number;
  finishedAt: number;
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
  composeVersion: string | null;
  agentVersion: string;
  addresses: string[];
}

/** One log line as a viewer gets it; `timestamp` is RFC 3339 with nanoseconds as Docker wrote it. */
export interface LogEntry {
  timestamp: string;
  stream: 'stdout' | 'stderr';
  message: string;
  container: string;
}
