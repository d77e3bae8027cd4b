// Moves of services between hosts, and restores of lost hosts, as the app layer offers them.
import type { JobState } from '#shared/jobs.ts';
import type { HostRestoreRecord, MoveRecord, MoveState, MoveStep } from '../../store/move-records.ts';
import type { Caller } from './caller.ts';
import type { Order, Page, Paging } from './page.ts';

export { isMoveEnd, MOVE_STATES, MOVE_STEPS } from '../../store/move-records.ts';

export type Move = MoveRecord;

export interface MoveStepView {
  step: MoveStep;
  /** `waiting`: its turn has not come. */
  state: JobState | 'waiting';
  hostId: string;
  jobId: string | null;
  /** Of its job: how far it is, where it says so. */
  message: string | null;
}

export interface MoveDetail extends Move {
  steps: MoveStepView[];
  /** What is waited for, and why; null: it is over. */
  next: string | null;
}

export interface NewMove {
  hostId: string;
  /** The stopped service stays where it was. */
  keepsOld?: boolean | undefined;
  /** Through this repository, and not the service's own. */
  repositoryId?: string | undefined;
}

export interface MoveQuery extends Paging {
  state?: MoveState | undefined;
  serviceId?: string | undefined;
  order: Order;
}

export interface RestoredService {
  serviceId: string;
  serviceName: string;
  state: MoveState | 'left';
  moveId: string | null;
  backupId: string | null;
  /** When that backup was taken: what came later is lost. */
  backupAt: number | null;
  reason: string | null;
}

export interface HostRestore extends Omit<HostRestoreRecord, 'left'> {
  state: 'running' | 'succeeded' | 'failed';
  finishedAt: number | null;
  services: RestoredService[];
}

export interface Moves {
  /**
   * 409 service_busy, state_conflict (no repository that both hosts reach, too), name_taken, host_offline, host_cordoned;
   * 501 not_supported for what cannot be moved.
   */
  begin(caller: Caller, serviceId: string, input: NewMove): Promise<MoveDetail>;
  /** Those both of whose hosts the caller sees. */
  list(caller: Caller, query: MoveQuery): Page<Move>;
  require(caller: Caller, id: string): MoveDetail;
  /** 409 state_conflict once the service is the new host's. */
  cancel(caller: Caller, id: string): Promise<MoveDetail>;
  /** Removes what a move has left on the old host. 409 state_conflict where it left nothing. */
  removeOld(caller: Caller, id: string): Promise<MoveDetail>;
  /** All services of a host that is gone, on another one. Again: what is not there yet. 409 state_conflict. */
  restoreHost(caller: Caller, hostId: string, toHostId: string): Promise<HostRestore>;
  /** The last one of a host. 404. */
  requireRestore(caller: Caller, hostId: string): HostRestore;
}
