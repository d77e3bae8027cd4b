// Sets of services, their rollouts, and what each host is in one.
import type { PullPolicy } from '#shared/jobs.ts';
import type { DeployMethod, ServiceLimits } from '#shared/model.ts';
import type { ServiceSettings } from './records.ts';

/** What its members are made from is sealed beside it. */
export interface SetRecord extends ServiceSettings {
  id: string;
  /** Of each member. */
  name: string;
  customerId: string | null;
  method: DeployMethod;
  templateId: string | null;
  /** Asked for each member; null is what is its due. */
  limits: ServiceLimits;
  /** Hosts with all of these get a member. */
  hostLabels: Record<string, string>;
  /** How many members change at a time. */
  maxParallel: number;
  /** Of what members should be: grows with each change. */
  revision: number;
  createdAt: number;
  updatedAt: number;
}

/** What brought a rollout about: `join`, that hosts came which match. */
export const ROLLOUT_KINDS = ['create', 'change', 'redeploy', 'join', 'remove'] as const;
export type RolloutKind = (typeof ROLLOUT_KINDS)[number];

/*
 * running ──▶ succeeded
 *  ▲   │ a member failed      resume: those that failed go first
 *  │   ▼
 * halted ──▶ cancelled | superseded        a running one may end like this as well
 */
export const ROLLOUT_STATES = ['running', 'halted', 'succeeded', 'cancelled', 'superseded'] as const;
export type RolloutState = (typeof ROLLOUT_STATES)[number];
export const isCurrent = (state: RolloutState): boolean => state === 'running' || state === 'halted';

export interface RolloutRecord {
  id: string;
  setId: string;
  setRevision: number;
  kind: RolloutKind;
  pull: PullPolicy;
  state: RolloutState;
  /** The host whose member failed. */
  haltedBy: string | null;
  /** Name of who asked for it; null: nobody did. */
  madeBy: string | null;
  createdAt: number;
  finishedAt: number | null;
}

/** `skipped`: the host is no longer meant, or the rollout ended before its turn. */
export const TARGET_STATES = ['pending', 'running', 'succeeded', 'failed', 'skipped'] as const;
export type TargetState = (typeof TARGET_STATES)[number];

/** What a host is in a rollout. */
export interface TargetRecord {
  rolloutId: string;
  hostId: string;
  state: TargetState;
  /** Null until its turn has come. */
  wave: number | null;
  /** It failed before the rollout was resumed: it goes first. */
  isRetry: boolean;
  /** Null until it has a member. */
  serviceId: string | null;
  jobId: string | null;
  reason: string | null;
}
