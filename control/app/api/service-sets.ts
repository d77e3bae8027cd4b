// Sets of services as the app layer offers them: one service on each of several hosts, changed in waves.
import type { PullPolicy } from '#shared/jobs.ts';
import type { ServiceRecord } from '../../store/records.ts';
import type { RolloutRecord, RolloutState, SetRecord, TargetRecord, TargetState } from '../../store/set-records.ts';
import type { Caller } from './caller.ts';
import type { Order, Page, Paging } from './page.ts';
import type { ServiceChange, ServiceDetail } from './services.ts';

export { ROLLOUT_KINDS, ROLLOUT_STATES, TARGET_STATES } from '../../store/set-records.ts';

/** More at a time is no wave any more. */
export const MAX_PARALLEL = 100;

export const SET_STATES = ['steady', 'rolling_out', 'halted', 'removing'] as const;
export type SetState = (typeof SET_STATES)[number];

/** Of its members: how many there are, run and are not unhealthy, and are as the set wants them. */
export interface MemberCounts {
  total: number;
  running: number;
  upToDate: number;
}

export interface ServiceSet extends SetRecord {
  state: SetState;
  members: MemberCounts;
  /** The current one, else the last. */
  rollout: Rollout | null;
}

export interface SetMember
  extends Pick<ServiceRecord, 'hostId' | 'lifecycle' | 'health' | 'reason' | 'revision' | 'report'> {
  serviceId: string;
  hostName: string;
  /** As the set wants it. */
  isUpToDate: boolean;
  /** Its job in the last rollout; null: it had none. */
  jobId: string | null;
}

/** With what only the detail shows; secret values as in the detail of a service. */
export interface ServiceSetDetail
  extends ServiceSet,
    Pick<ServiceDetail, 'compose' | 'git' | 'variables' | 'healthChecks'> {
  /** By name of their hosts; at most a thousand. */
  memberList: SetMember[];
}

export interface Rollout extends RolloutRecord {
  counts: Record<TargetState, number>;
  /** Why it is halted. */
  halt: Pick<TargetRecord, 'hostId' | 'serviceId' | 'jobId' | 'reason'> | null;
}

export type RolloutHost = Omit<TargetRecord, 'rolloutId' | 'isRetry'> & { hostName: string };

export interface RolloutDetail extends Rollout {
  /** In the order of their turns. */
  hosts: RolloutHost[];
}

/** As that of a service; `revision` is that of the set. */
export interface SetChange extends Omit<ServiceChange, 'planId' | 'autoUpdate' | 'review' | 'gitWatchPaths'> {
  maxParallel?: number | undefined;
}

export const SET_SORTS = ['name', 'created_at', 'updated_at'] as const;
export interface SetQuery extends Paging {
  search?: string | undefined;
  customerId?: string | undefined;
  sort: (typeof SET_SORTS)[number];
  order: Order;
}

export interface ServiceSets {
  list(caller: Caller, query: SetQuery): Page<ServiceSet>;
  /** Throws not_found, also for a set whose hosts the caller does not all see. */
  detail(caller: Caller, id: string): ServiceSetDetail;
  /**
   * Rolls a change out; `rolloutId` is null when nothing needs a deploy. What is under way is superseded. 422 as for a
   * service; 409 state_conflict, plan_limit, customer_suspended.
   */
  update(caller: Caller, id: string, change: SetChange): Promise<{ set: ServiceSetDetail; rolloutId: string | null }>;
  redeploy(caller: Caller, id: string, pull: PullPolicy | undefined): Promise<{ set: ServiceSet; rolloutId: string }>;
  /** Removes every member. `isDone: false` when a host is away or the wait was over. */
  remove(caller: Caller, id: string, waitMs: number): Promise<{ rolloutId: string; isDone: boolean }>;
  rollouts(
    caller: Caller,
    id: string,
    query: Paging & { state?: RolloutState | undefined; order?: Order },
  ): Page<Rollout>;
  rollout(caller: Caller, id: string, rolloutId: string): RolloutDetail;
  /** Goes on with a halted one, those that failed first. 409 state_conflict. */
  resume(caller: Caller, id: string, rolloutId: string): Promise<RolloutDetail>;
  /** Ends a running or halted one; who had no turn keeps what it has. 409 state_conflict. */
  cancel(caller: Caller, id: string, rolloutId: string): Promise<RolloutDetail>;
}
