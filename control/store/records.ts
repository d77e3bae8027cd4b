// What the stores give and take: plain data in the words of the model. Rows and column names end here.
import type { WireError } from '#shared/errors.ts';
import type {
  BackupState,
  BackupSummary,
  DeployKind,
  DeployMethod,
  GitSource,
  Health,
  HostFacts,
  JobKind,
  JobState,
  JobStep,
  Lifecycle,
  PlanStep,
  PullPolicy,
  ServiceLimits,
  ServiceReport,
  StepState,
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
  createdAt: number;
  lastSeenAt: number | null;
  revokedAt: number | null;
}

export interface JoinTokenRecord {
  id: string;
  /** SHA-256 of the secret in hex. */
  secretHash: string;
  labels: Record<string, string>;
  maxUses: number;
  addressRange: string | null;
  createdBy: string;
  createdAt: number;
  expiresAt: number;
}

export interface KeyRecord {
  id: string;
  name: string;
  /** First characters of the secret, to tell keys apart. */
  hint: string;
  secretHash: string;
  permissions: string[];
  customerId: string | null;
  hostLabels: Record<string, string> | null;
  /** Requests a minute; null is the tier's default. */
  rateLimit: number | null;
  createdAt: number;
  expiresAt: number | null;
  lastUsedAt: number | null;
}

export interface SessionRecord {
  id: string;
  secretHash: string;
  /** Whoever vouched for the person; a subject is unique there. */
  issuer: string;
  subject: string;
  name: string;
  email: string | null;
  permissions: string[];
  customerId: string | null;
  /** Where the login came from. */
  address: string;
  userAgent: string | null;
  createdAt: number;
  expiresAt: number;
  lastUsedAt: number;
}

export interface LoginAttemptRecord {
  stateHash: string;
  browserHash: string;
  nonce: string;
  codeVerifier: string;
  returnTo: string;
  createdAt: number;
}

/** Its password never leaves the store but to a host. */
export interface RegistryRecord {
  id: string;
  name: string;
  /** `host[:port]` as image names have it. */
  server: string;
  username: string;
  /** Whose services it is for; null: the operator's. */
  customerId: string | null;
  createdAt: number;
  updatedAt: number;
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
  /** The host's last word; null before its first. */
  report: ServiceReport | null;
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

/** A user's own template. */
export interface TemplateRecord {
  id: string;
  /** Null: for everybody. */
  customerId: string | null;
  name: string;
  tagline: string;
  category: string;
  version: number;
  isImported: boolean;
  /** JSON that only control/templates reads. */
  document: string;
  createdAt: number;
  updatedAt: number;
}

/** A variable that services of one scope share. */
export interface VariableRecord {
  id: string;
  /** Null: the operator's services. */
  customerId: string | null;
  name: string;
  value: string;
  isSecret: boolean;
  description: string | null;
  createdAt: number;
  updatedAt: number;
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
  /** Why it failed. */
  error: WireError | null;
  createdAt: number;
  finishedAt: number | null;
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
  type: string;
  status: string;
  message: string;
  at: number;
}

/** What all services of a customer may take together; each null is no limit. */
export interface PlanLimits {
  services: number | null;
  /** Cores. */
  cpu: number | null;
  memoryMb: number | null;
  storageMb: number | null;
}

export interface PlanRecord {
  id: string;
  name: string;
  description: string | null;
  limits: PlanLimits;
  createdAt: number;
  updatedAt: number;
}

export interface CustomerRecord {
  id: string;
  name: string;
  email: string | null;
  planId: string | null;
  /** Null: active. */
  suspendedAt: number | null;
  createdAt: number;
  updatedAt: number;
}

export const AUDIT_RESULTS = ['ok', 'refused', 'failed', 'replayed'] as const;

/** Who did what to what, from where, with which result. Never a value that was sent. */
export interface AuditRecord {
  /** 1, 2, 3 … without a hole. */
  seq: number;
  id: string;
  at: number;
  actorKind: 'key' | 'session' | 'system' | 'anonymous';
  actorId: string | null;
  actorName: string | null;
  /** Resource and verb: `services.create`. */
  action: string;
  method: string | null;
  /** The route's pattern. */
  path: string | null;
  targetId: string | null;
  /** Names of the body's fields. */
  fields: string[];
  /** Whose the target is, and where it runs: decides who may see the row. */
  customerId: string | null;
  hostId: string | null;
  jobId: string | null;
  address: string | null;
  requestId: string | null;
  userAgent: string | null;
  result: (typeof AUDIT_RESULTS)[number];
  /** Of the answer; null where the row was written with the effect, before there was one. */
  status: number | null;
  code: string | null;
  /** Refusals before this row that got none of their own. */
  omitted: number;
  hash: string;
}

export const WEBHOOK_STATES = ['active', 'paused', 'disabled'] as const;

export interface WebhookRecord {
  id: string;
  url: string;
  description: string | null;
  /** Patterns: an exact type, `deploy.*` or `*`. */
  events: string[];
  /** Hears only of this customer's services. */
  customerId: string | null;
  /** Hears only of hosts with these labels, and of services there. */
  hostLabels: Record<string, string> | null;
  /** `disabled`: the receiver said it is gone. */
  state: (typeof WEBHOOK_STATES)[number];
  disabledReason: string | null;
  /** Failed attempts since the last good one. */
  failures: number;
  /** Nothing is sent before; null: its breaker is closed. */
  openUntil: number | null;
  /** Hears of what came after this place of the outbox. */
  afterSeq: number;
  createdAt: number;
  updatedAt: number;
}

/** The newest first; the old one counts until its time is over. */
export interface WebhookSecrets {
  secret: string;
  old: { secret: string; until: number } | null;
}

export interface MessageRecord {
  id: string;
  type: string;
  /** What is sent, to the byte. */
  body: string;
  at: number;
}

export const DELIVERY_STATES = ['pending', 'delivered', 'failed', 'dropped'] as const;
export type DeliveryState = (typeof DELIVERY_STATES)[number];

export interface DeliveryRecord {
  id: string;
  webhookId: string;
  messageId: string;
  /** Of the message. */
  type: string;
  state: DeliveryState;
  /** Why the last attempt or the whole of it failed. */
  error: string | null;
  /** Since it was last asked for. */
  tries: number;
  askedAt: number;
  /** Null unless pending. */
  nextAt: number | null;
  createdAt: number;
  finishedAt: number | null;
}

export interface AttemptRecord {
  at: number;
  durationMs: number;
  url: string;
  requestHeaders: Record<string, string>;
  /** Null: there was no reply. */
  status: number | null;
  replyHeaders: Record<string, string> | null;
  /** Its beginning. */
  replyBody: string | null;
  /** There was more of it. */
  isCut: boolean;
  error: string | null;
}

/** Which rows a caller may see; null is all. */
export interface Visibility {
  customerId: string | null;
  hostIds: readonly string[] | null;
}
