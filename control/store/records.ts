// What the stores give and take: plain data in the words of the model. Rows and column names end here.
import type { AutoUpdate } from '#shared/auto-update.ts';
import type { WireError } from '#shared/errors.ts';
import type { HealthCheckSpec } from '#shared/health-check.ts';
import type { BackupState, BackupSummary } from '#shared/backup.ts';
import type { DeployKind, JobKind, JobState, JobStep, PlanStep, PullPolicy, StepState } from '#shared/jobs.ts';
import type {
  ContainerEnd,
  DeployMethod,
  GitSource,
  Health,
  HostFacts,
  Lifecycle,
  ServiceLimits,
  ServiceReport,
} from '#shared/model.ts';

export interface HostRecord {
  id: string;
  name: string;
  /** SPKI DER in base64url. */
  agentKey: string;
  labels: Record<string, string>;
  facts: HostFacts | null;
  remoteAddress: string | null;
  bootId: string | null;
  epoch: number;
  /** Last number given to a command. */
  commandSeq: number;
  /** Last command the host has on disk. */
  ackedSeq: number;
  /** Last event of the host that is committed here. */
  eventSeq: number;
  /** Its services have to be seen anew: it or control came back with an older memory. */
  isToRelist: boolean;
  /** Its events up to here may be about what control forgot; 0: none. */
  forgottenUpTo: number;
  createdAt: number;
  lastSeenAt: number | null;
  revokedAt: number | null;
  /** When it told its facts. */
  factsAt: number | null;
  /** Since when it takes no new services. */
  cordonedAt: number | null;
  /** Since when its services are stopped for as long as it is drained. */
  drainedAt: number | null;
  /** Since when it is no host of the fleet any more; the row keeps its key out. */
  removedAt: number | null;
}

export interface ServiceRecord {
  id: string;
  name: string;
  displayName: string | null;
  category: string | null;
  lifecycle: Lifecycle;
  health: Health;
  isEnabled: boolean;
  /** Why it failed or is unhealthy. */
  reason: string | null;
  customerId: string | null;
  hostId: string;
  method: DeployMethod;
  templateId: string | null;
  labels: Record<string, string>;
  /** Wanted revision; `report.revision` is the one that runs. */
  revision: number;
  rollbackOnFailure: boolean;
  healthTimeoutS: number;
  createdAt: number;
  updatedAt: number;
  deployedAt: number | null;
  /** For all its containers together; null is no limit. */
  limits: ServiceLimits;
  /** What it was at when its customer was suspended: resuming brings that back. Null: there is nothing to bring back. */
  suspendedFrom: SuspendedFrom | null;
  /** When it may take newer images by itself; null: when somebody asks. */
  autoUpdate: AutoUpdate | null;
  /** Null: not known. */
  updateAvailable: boolean | null;
  /** The host's last word; null before its first. */
  report: ServiceReport | null;
  /** Whose member it is; null: it is a service of its own. */
  setId: string | null;
  /** Of its set, that it was last deployed to with success. */
  setRevision: number | null;
  /** The first of its names; null: nothing answers to one. */
  hostname: string | null;
}

export type SuspendedFrom = 'running' | 'deploying';

/** The part of a service that is sealed at rest. */
export interface ServiceSource {
  /** Empty for a service from Git. */
  compose: string;
  git?: GitSource;
  variables: Record<string, string>;
  secretNames: string[];
  templateVersion: number | null;
  /**
   * The template it was rendered from, as it was then: other variables are rendered with it, whatever became of the
   * template since. Null for other methods; absent in what was stored before it was kept.
   */
  templateDocument?: string | null;
  files: Record<string, string>;
  /** Absent: none. */
  healthChecks?: HealthCheckSpec[];
}

/** What a revision was made from is sealed beside it. */
export interface RevisionRecord {
  serviceId: string;
  revision: number;
  /** That makes it; may be gone. */
  jobId: string;
  kind: DeployKind;
  cause: string | null;
  /** Name of the key or person that asked for it. */
  madeBy: string | null;
  /** The revision that it puts back. */
  rollbackOf: number | null;
  limits: ServiceLimits;
  /** Null until its job has succeeded. */
  recordedAt: number | null;
}

/** What its user may change of a service without a deploy. */
export type ServiceSettings = Pick<
  ServiceRecord,
  'displayName' | 'category' | 'labels' | 'rollbackOnFailure' | 'healthTimeoutS'
>;

/** What changes in a service without its user asking. */
export type ServiceStatus = Pick<ServiceRecord, 'lifecycle' | 'health' | 'reason' | 'report' | 'deployedAt'>;

export interface JobRecord {
  id: string;
  serviceId: string;
  serviceName: string;
  customerId: string | null;
  hostId: string;
  kind: JobKind;
  state: JobState;
  pull: PullPolicy | null;
  expiresAt: number | null;
  /** Why, where nobody asked for this very job: `customer suspended`. */
  cause: string | null;
  /** Of jobs about a backup. */
  backupId: string | null;
  error: WireError | null;
  failedStep: JobStep | null;
  plan: PlanStep[] | null;
  rolledBackTo: number | null;
  isUnchanged: boolean;
  createdAt: number;
  startedAt: number | null;
  finishedAt: number | null;
}

export interface BackupRecord {
  id: string;
  /** May be gone, as may its job. */
  serviceId: string;
  serviceName: string;
  customerId: string | null;
  hostId: string;
  jobId: string;
  state: BackupState;
  /** Null until it succeeded. */
  summary: BackupSummary | null;
  /** Where it lies; null: on its host. */
  repositoryId: string | null;
  /** How the last drill of it ended; null: none was made. */
  drill: BackupDrill | null;
  /** Why it failed. */
  error: WireError | null;
  createdAt: number;
  finishedAt: number | null;
}

export interface BackupDrill {
  isGood: boolean;
  /** What was wrong with it. */
  message: string | null;
  at: number;
}

export interface JobStepRecord {
  step: JobStep;
  state: StepState;
  message: string | null;
  startedAt: number;
  finishedAt: number | null;
}

export interface JobLogRecord {
  at: number;
  step: JobStep;
  message: string;
}

export interface EventRecord {
  id: string;
  serviceId: string | null;
  hostId: string | null;
  /** The job whose end this is. */
  jobId: string | null;
  /** The schedule whose run this is about. */
  scheduleId: string | null;
  type: string;
  status: string;
  message: string;
  at: number;
  /** How the container ended that it is about; null for most. */
  end: ContainerEnd | null;
  /** The incident it is a part of: whoever hears of that is not told of this as well. */
  incidentId: string | null;
}

/** Which rows a caller may see; null is all. */
export interface Visibility {
  customerId: string | null;
  hostIds: readonly string[] | null;
}
