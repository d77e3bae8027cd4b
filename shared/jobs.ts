// The words about jobs: what there is to do, how far it is, how it ended. Plain data, as in model.ts.
import type { BackupSettings, BackupSummary, RepositorySpec } from './backup.ts';
import type { ServiceSpec } from './model.ts';

/**
 * What a job does to its service. `redeploy` looks for newer images first, `rollback` puts an earlier revision back,
 * `propose` works out a deploy and starts nothing: somebody reviews it. `adopt` takes over containers as they are.
 * `revert` makes containers that drifted what they were, `accept` makes what they are the new revision. `drill`
 * brings a backup up beside its service and takes it away again. A host that does not know a kind refuses it.
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
  'drill',
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

/** Jobs that a host may give itself: by a schedule, by healing, or by whoever is on it. */
export const HOST_JOB_KINDS = [
  'start',
  'stop',
  'restart',
  'redeploy',
  'backup',
  'drill',
] as const satisfies readonly JobKind[];
export type HostJobKind = (typeof HOST_JOB_KINDS)[number];
export const isHostJobKind = (kind: JobKind): kind is HostJobKind =>
  (HOST_JOB_KINDS as readonly JobKind[]).includes(kind);

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
  'dump',
  'backup',
  'restore',
  'swap',
  'forget',
  'drill',
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
  /** Where that backup lies; null: on the host itself. Absent: the latter, or as the service's settings say. */
  repository?: RepositorySpec | null | undefined;
  /** How the service is backed up from now on. Absent: as the host knows it. */
  backupSettings?: BackupSettings | undefined;
  /** Present where what a backup holds is brought into this service: whose backup it is. */
  backupOf?: string | undefined;
  /** Present for a backup that a move needs: no dumps, nothing stands still for it, older ones stay. */
  volumesOnly?: boolean | undefined;
  /** Present for a rollback: the revision it puts back. */
  rollbackTo?: number | undefined;
  /** Present for an adoption: the containers that are taken over. */
  adopts?: AdoptedContainer[] | undefined;
  /** Present for a deploy of what was reviewed: the id of that proposal. */
  approves?: string | undefined;
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
  /** Of a deploy that took one first. */
  backupBefore?: { id: string; repositoryId: string | null; summary: BackupSummary } | undefined;
  /** Backups that its retention took away. */
  forgotten?: string[] | undefined;
  /** The backup that was tried out. */
  drilled?: string | undefined;
  /** What now waits for review. */
  proposal?: ProposalMark | undefined;
  startedAt: number;
  finishedAt: number;
}
