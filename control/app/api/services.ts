// Services as the app layer offers them.
import type { AutoUpdate } from '#shared/auto-update.ts';
import type { LongshoreError } from '#shared/errors.ts';
import type { HealthCheckSpec } from '#shared/health-check.ts';
import type { ImageCheck } from '#shared/image-updates.ts';
import type { PullPolicy } from '#shared/jobs.ts';
import type { GitSource, Lifecycle, ServiceSample } from '#shared/model.ts';
import type { EventRecord, ServiceRecord } from '../../store/records.ts';
import type { WaitingMark } from '../../store/reviews.ts';
import type { Caller } from './caller.ts';
import type { Job } from './jobs.ts';
import type { Order, Page, Paging } from './page.ts';

export interface Service extends Omit<ServiceRecord, 'rollbackOnFailure' | 'healthTimeoutS'> {
  /** Null until its host has said, since control started. */
  usage: ServiceSample | null;
}

/** Token and key are never shown, to nobody. */
export type ShownGit = Omit<GitSource, 'login' | 'deployKey'> & { hasToken: boolean; hasDeployKey: boolean };

/** With what only the detail shows. Secret values are `***` unless the caller holds secrets.read. */
export interface ServiceDetail extends Service, Pick<ServiceRecord, 'rollbackOnFailure' | 'healthTimeoutS'> {
  /** Null without a customer. */
  customerName: string | null;
  /** Empty for a service from Git: its repository has the file. */
  compose: string;
  /** Null for other methods. */
  git: ShownGit | null;
  /** What a push must touch to deploy; empty: every push does. */
  watchPaths: string[];
  variables: Record<string, string>;
  /** Of its user, besides those of its compose file and images. */
  healthChecks: HealthCheckSpec[];
  /** What the health check that does worst said last; null: nothing, or the caller lacks services.logs. */
  lastOutput: string | null;
  /** Whether its deploys stop at their plan. */
  isReviewed: boolean;
  /** Null: nothing waits for review. */
  waiting: WaitingMark | null;
  /** Null until its host has looked. */
  updates: { images: ImageCheck[]; checkedAt: number } | null;
}

export const REPLICAS = ['one', 'per_host'] as const;

/** Only hosts with these labels. `per_host`: a service on each of them, now and later, all members of one set. */
export interface Placement {
  labels: Record<string, string>;
  replicas?: (typeof REPLICAS)[number] | undefined;
  /** How many members change at a time; for `per_host`. */
  maxParallel?: number | undefined;
}

/** `name` follows `[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?`; the routes' schema says the rest. */
export interface NewService {
  name: string;
  displayName?: string | undefined;
  category?: string | undefined;
  customerId?: string | undefined;
  hostId?: string | undefined;
  placement?: Placement | undefined;
  labels?: Record<string, string> | undefined;
  variables?: Record<string, string> | undefined;
  rollbackOnFailure?: boolean | undefined;
  healthTimeoutS?: number | undefined;
  healthChecks?: readonly HealthCheckSpec[] | undefined;
  /** Only of services by AI: each deploy stops at its plan, until somebody approves it. */
  review?: boolean | undefined;
  pull?: PullPolicy | undefined;
  /** Undefined: newer images are taken when somebody asks. */
  autoUpdate?: AutoUpdate | undefined;
  /** Undefined: the share of its customer's plan, or none. */
  limits?: { cpu?: number | undefined; memoryMb?: number | undefined } | undefined;
  source: NewSource;
}

/** What a service is made from. For `ai` the repository's own files are all there is until somebody writes more. */
export type NewSource =
  | { method: 'compose'; compose: string }
  | { method: 'template'; templateId: string }
  | { method: 'git' | 'ai'; git: GitSource; watchPaths?: readonly string[] | undefined };

/** What GitHub wants beside a token; GitLab, Gitea and Forgejo take any name. */
export const DEFAULT_GIT_USERNAME = 'x-access-token';

/** More than any real file has; the whole must fit into one message to the host. */
export const MAX_VARIABLES = 200;
export const MAX_LABELS = 64;

/** A merge patch: what is undefined stays, null removes. */
export interface ServiceChange {
  /** `***` for a secret keeps it, so that what was shown can be sent back. */
  variables?: Record<string, string | null> | undefined;
  /** Not for services that were made from a template. `***` keeps the secret that stands there. */
  compose?: string | undefined;
  /** Deploy this commit; null: the newest of the branch. */
  gitCommit?: string | null | undefined;
  /** Folder of the repository to deploy from; null: its top. */
  gitPath?: string | null | undefined;
  /** For the host of its repository. */
  gitToken?: string | null | undefined;
  gitUsername?: string | undefined;
  /** A private key as OpenSSH writes it, for a repository by ssh. */
  gitDeployKey?: string | null | undefined;
  /** Lines of a known_hosts file. */
  gitKnownHosts?: string | null | undefined;
  gitSubmodules?: boolean | undefined;
  gitLfs?: boolean | undefined;
  /** Deploys nothing. */
  gitWatchPaths?: readonly string[] | null | undefined;
  limits?: { cpu?: number | null | undefined; memoryMb?: number | null | undefined } | undefined;
  labels?: Record<string, string | null> | undefined;
  displayName?: string | null | undefined;
  category?: string | null | undefined;
  rollbackOnFailure?: boolean | undefined;
  healthTimeoutS?: number | undefined;
  /** In place of all there are; `***` in a command keeps what stands there. */
  healthChecks?: readonly HealthCheckSpec[] | undefined;
  autoUpdate?: AutoUpdate | null | undefined;
  /** Only of services by AI. */
  review?: boolean | undefined;
  /** The one the caller has seen; 409 state_conflict when the service has moved on since. */
  revision?: number | undefined;
  /** Of the plan this is to be; 409 state_conflict when it would be another now. */
  planId?: string | undefined;
}

export const SERVICE_SORTS = ['name', 'status', 'created_at', 'updated_at'] as const;
export interface ServiceQuery extends Paging {
  status?: Lifecycle | undefined;
  customerId?: string | undefined;
  hostId?: string | undefined;
  search?: string | undefined;
  updateAvailable?: boolean | undefined;
  sort: (typeof SERVICE_SORTS)[number];
  order: Order;
}

/** One event a job's end, written with `job.finished`: never two. */
export type ServiceEvent = EventRecord;

/** An action that was asked for: its job, and whether it had ended when the wait was over. */
export interface ActionOutcome {
  service: Service;
  job: Job;
  isDone: boolean;
}

/**
 * Why a caller would not have it done as the service is now; null: nothing. Asked inside the write, so that a repeated
 * request is not refused for what the first has brought about.
 */
export type FindRefusal = (service: Service) => LongshoreError | null;

export interface RedeployOptions {
  pull?: PullPolicy | undefined;
  planId?: string | undefined;
  /** Only of services by AI: whether it stops at its plan this time. */
  review?: boolean | undefined;
}

export interface Services {
  /** 422 by field, compose_policy, yaml_resource_limit, template_variable; 409 name_taken, no_host. Written before it returns. */
  create(caller: Caller, input: NewService): Promise<{ service: Service; job: Job }>;
  list(caller: Caller, query: ServiceQuery): Page<Service>;
  /** Every one the caller sees, by name: for whoever is asked for all at once. Lets others at it in between. */
  all(caller: Caller): Promise<Service[]>;
  /** Those the caller sees of this name: on each host it is taken once. */
  named(caller: Caller, name: string): Service[];
  /** Undefined also for another customer's service. */
  find(caller: Caller, id: string): Service | undefined;
  /** Throws not_found, also for another customer's service. */
  require(caller: Caller, id: string): Service;
  detail(caller: Caller, id: string): ServiceDetail;
  /**
   * `job` is null when nothing needs a deploy. A host that is away gets it when it returns. 422 as create; 409
   * service_busy, state_conflict, plan_limit, customer_suspended. The change stays when its deploy fails.
   */
  update(caller: Caller, id: string, change: ServiceChange): Promise<{ service: ServiceDetail; jobId: string | null }>;
  /** Waits for the job at most `waitMs` (0: not at all). A failed job is thrown as its error; 409 service_busy, state_conflict, host_offline. */
  act(
    caller: Caller,
    id: string,
    kind: 'start' | 'stop' | 'restart',
    waitMs: number,
    findRefusal?: FindRefusal,
  ): Promise<ActionOutcome>;
  /** A host that is away hears of it when it returns. 409 no_host for one that was revoked. */
  setEnabled(caller: Caller, id: string, isEnabled: boolean, findRefusal?: FindRefusal): Promise<Service>;
  redeploy(caller: Caller, id: string, options: RedeployOptions): Promise<{ service: Service; job: Job }>;
  /** Cancels what is under way, then removes. `isDone: false` when the host is away or the wait was over. */
  remove(caller: Caller, id: string, waitMs: number): Promise<{ job: Job; isDone: boolean }>;
  /** By time, the newest first unless asked otherwise. */
  events(
    caller: Caller,
    id: string,
    query: Paging & { type?: string | undefined; order?: Order | undefined },
  ): Page<ServiceEvent>;
}
