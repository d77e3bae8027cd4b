// What the app layer offers to routes, dialects, sockets and background work. Every rule lives behind this line; HTTP
// chooses words and status codes, nothing else. All times are milliseconds since the epoch.
import type {
  DeployMethod,
  Health,
  HostFacts,
  JobKind,
  JobState,
  JobStep,
  Lifecycle,
  PlanStep,
  PullPolicy,
  ServiceReport,
  StepState,
} from '#shared/model.ts';
import type { WireError } from '#shared/errors.ts';
import type { Permission } from './permissions.ts';

// ── who asks ───────────────────────────────────────────────────────────────────────────────────────────────────────────

/** The holder of a key, as the guard found it. `null` bindings mean "all". */
export interface Caller {
  keyId: string;
  name: string;
  permissions: readonly Permission[];
  customerId: string | null;
  hostLabels: Record<string, string> | null;
  /** Requests a minute; null is the tier's default. */
  rateLimit: number | null;
}

export interface Page<T> {
  items: T[];
  total: number;
  page: number;
  perPage: number;
}

export interface Paging {
  page: number;
  perPage: number;
}

// ── services ───────────────────────────────────────────────────────────────────────────────────────────────────────────

export interface Service {
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
  /** The host's last word; null before its first. */
  report: ServiceReport | null;
  createdAt: number;
  updatedAt: number;
  deployedAt: number | null;
}

/** With what only the detail shows. Secret values are `***` unless the caller holds secrets.read. */
export interface ServiceDetail extends Service {
  compose: string;
  variables: Record<string, string>;
  rollbackOnFailure: boolean;
  healthTimeoutS: number;
}

/** `name` follows `[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?`; the routes' schema says the rest. */
export interface NewService {
  name: string;
  displayName?: string | undefined;
  category?: string | undefined;
  customerId?: string | undefined;
  hostId?: string | undefined;
  placement?: { labels: Record<string, string> } | undefined;
  labels?: Record<string, string> | undefined;
  variables?: Record<string, string> | undefined;
  rollbackOnFailure?: boolean | undefined;
  healthTimeoutS?: number | undefined;
  pull?: PullPolicy | undefined;
  source: { method: 'compose'; compose: string } | { method: 'template'; templateId: string };
}

export const SERVICE_SORTS = ['name', 'status', 'created_at', 'updated_at'] as const;
export interface ServiceQuery extends Paging {
  status?: Lifecycle | undefined;
  customerId?: string | undefined;
  hostId?: string | undefined;
  search?: string | undefined;
  sort: (typeof SERVICE_SORTS)[number];
  order: 'asc' | 'desc';
}

export interface ServiceEvent {
  id: string;
  serviceId: string | null;
  hostId: string | null;
  /** The job whose end this is. Written by control with job.finished: one event a job, never two. */
  jobId: string | null;
  type: string;
  status: string;
  message: string;
  at: number;
}

/** An action that was asked for: its job, and whether it had ended when the wait was over. */
export interface ActionOutcome {
  service: Service;
  job: Job;
  isDone: boolean;
}

export interface Services {
  /** 422 by field, compose_policy, yaml_resource_limit, template_variable; 409 name_taken, no_host. Written before it returns. */
  create(caller: Caller, input: NewService): Promise<{ service: Service; job: Job }>;
  list(caller: Caller, query: ServiceQuery): Page<Service>;
  /** Throws not_found, also for another customer's service. */
  require(caller: Caller, id: string): Service;
  detail(caller: Caller, id: string): ServiceDetail;
  /** Waits for the job at most `waitMs` (0: not at all). A failed job is thrown as its error; 409 service_busy, state_conflict, host_offline. */
  act(caller: Caller, id: string, kind: 'start' | 'stop' | 'restart', waitMs: number): Promise<ActionOutcome>;
  redeploy(
    caller: Caller,
    id: string,
    options: { pull?: PullPolicy | undefined },
  ): Promise<{ service: Service; job: Job }>;
  /** Cancels what is under way, then removes. `isDone: false` when the host is away or the wait was over. */
  remove(caller: Caller, id: string, waitMs: number): Promise<{ job: Job; isDone: boolean }>;
  events(caller: Caller, id: string, query: Paging & { type?: string | undefined }): Page<ServiceEvent>;
}

// ── jobs ───────────────────────────────────────────────────────────────────────────────────────────────────────────────

export interface JobStepView {
  step: JobStep;
  state: StepState;
  message: string | null;
  startedAt: number;
  finishedAt: number | null;
}

export interface Job {
  id: string;
  serviceId: string;
  serviceName: string;
  hostId: string;
  kind: JobKind;
  state: JobState;
  error: WireError | null;
  failedStep: JobStep | null;
  plan: PlanStep[] | null;
  rolledBackTo: number | null;
  isUnchanged: boolean;
  createdAt: number;
  startedAt: number | null;
  finishedAt: number | null;
}

export interface JobDetail extends Job {
  steps: JobStepView[];
}

export interface Jobs {
  list(caller: Caller, query: Paging & { serviceId?: string | undefined; state?: JobState | undefined }): Page<Job>;
  detail(caller: Caller, id: string): JobDetail;
  /** The bounded log of progress lines, oldest first. */
  log(caller: Caller, id: string): { at: number; step: JobStep; message: string }[];
  /** 409 state_conflict when it has ended. */
  cancel(caller: Caller, id: string): Promise<Job>;
  /** Resolves with the job once it has ended, or as it is after `waitMs`. */
  wait(id: string, waitMs: number, signal?: AbortSignal): Promise<Job>;
}

// ── hosts ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

export interface Host {
  id: string;
  name: string;
  labels: Record<string, string>;
  status: 'connected' | 'offline' | 'revoked' | 'fenced';
  facts: HostFacts | null;
  lastSeenAt: number | null;
  createdAt: number;
}

export interface NewJoinToken {
  labels?: Record<string, string> | undefined;
  /** 1–1000, default 1. */
  uses?: number | undefined;
  /** Seconds, ≤ 86 400, default 3600. */
  expiresInS?: number | undefined;
  /** Addresses in CIDR form the host may call from. */
  addressRange?: string | undefined;
}

export interface Hosts {
  list(caller: Caller, query: Paging & { search?: string | undefined }): Page<Host>;
  require(caller: Caller, id: string): Host;
  /** `token` is shown once. `command` is the line to run on the host. */
  createJoinToken(
    caller: Caller,
    input: NewJoinToken,
  ): Promise<{ id: string; token: string; expiresAt: number; command: string }>;
  /** Closes its socket within 5 s; services stay as they are. */
  revoke(caller: Caller, id: string): Promise<void>;
}

// ── keys ───────────────────────────────────────────────────────────────────────────────────────────────────────────────

export interface ApiKey {
  id: string;
  name: string;
  /** First characters, to tell keys apart. */
  hint: string;
  permissions: readonly Permission[];
  customerId: string | null;
  hostLabels: Record<string, string> | null;
  rateLimit: number | null;
  createdAt: number;
  expiresAt: number | null;
  lastUsedAt: number | null;
}

export interface Keys {
  /** The only way in: undefined for a key that is missing, malformed, unknown, revoked or expired, in the same time. */
  identify(secret: string): Caller | undefined;
  list(caller: Caller, query: Paging): Page<ApiKey>;
  /** `secret` is shown once. A caller cannot give what it does not hold (403). */
  create(
    caller: Caller,
    input: {
      name: string;
      permissions: Permission[];
      customerId?: string | undefined;
      hostLabels?: Record<string, string> | undefined;
      expiresAt?: number | undefined;
      rateLimit?: number | undefined;
    },
  ): Promise<{ key: ApiKey; secret: string }>;
  revoke(caller: Caller, id: string): Promise<void>;
  /** Called with the id when a key is revoked or expires: sockets it opened must go. */
  onRevoked(listener: (keyId: string) => void): () => void;
}

// ── templates ──────────────────────────────────────────────────────────────────────────────────────────────────────────

export interface TemplateVariable {
  name: string;
  label: string;
  help: string | null;
  type: string;
  isRequired: boolean;
  default: string | null;
  isSecret: boolean;
  isGenerated: boolean;
  options: { value: string; label: string }[] | null;
}

export interface Template {
  id: string;
  name: string;
  tagline: string;
  description: string;
  category: string;
  version: number;
  appVersion: string;
  links: Record<string, string>;
  variables: TemplateVariable[];
}

export interface TemplateDetail extends Template {
  compose: string;
}

export interface Templates {
  list(caller: Caller, query: Paging & { category?: string | undefined; search?: string | undefined }): Page<Template>;
  require(caller: Caller, id: string): TemplateDetail;
}

// ── live ───────────────────────────────────────────────────────────────────────────────────────────────────────────────

export const LIVE_TYPES = [
  'deploy.progress',
  'service.status',
  'service.logs',
  'host.status',
  'health.changed',
] as const;
export type LiveType = (typeof LIVE_TYPES)[number];

/** What the bus carries, before a socket turns it into the documented message. */
export type LiveEvent =
  | {
      type: 'deploy.progress';
      serviceId: string;
      jobId: string;
      step: JobStep | 'job';
      /** For step `job`: how the job ended. */
      state: StepState | JobState;
      percent?: number | undefined;
      message?: string | undefined;
      at: number;
    }
  | {
      type: 'service.status';
      serviceId: string;
      lifecycle: Lifecycle;
      health: Health;
      reason: string | null;
      at: number;
    }
  | { type: 'health.changed'; serviceId: string; health: Health; at: number }
  | { type: 'host.status'; hostId: string; status: Host['status']; at: number };

export interface Bus {
  publish(event: LiveEvent): void;
  subscribe(listener: (event: LiveEvent) => void): () => void;
}

// ── all of it ──────────────────────────────────────────────────────────────────────────────────────────────────────────

export interface Idempotency {
  /**
   * Runs `work` once for a caller's key: later calls with the same fingerprint within 24 h get the stored answer, also
   * after a crash; another fingerprint gets 409 idempotency_mismatch; one still under way is waited for.
   */
  once(
    caller: Caller,
    key: string,
    fingerprint: string,
    work: () => Promise<{ status: number; body: unknown }>,
  ): Promise<{ status: number; body: unknown; isReplay: boolean }>;
}

export interface App {
  services: Services;
  jobs: Jobs;
  hosts: Hosts;
  keys: Keys;
  templates: Templates;
  idempotency: Idempotency;
  bus: Bus;
  /** Ready once migrations are done and, for `up`, the local agent is connected. */
  readiness(): { isReady: boolean; reason: string | null };
}
