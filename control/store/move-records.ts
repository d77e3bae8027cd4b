// Moves of services from host to host, and restores of whole hosts, which are moves whose old host does not answer.
import type { WireError } from '#shared/errors.ts';

/*
 * running ──▶ succeeded            the service runs on its new host
 *    │
 *    └──────▶ undoing ──▶ failed | cancelled    it is where it was
 */
export const MOVE_STATES = ['running', 'undoing', 'succeeded', 'failed', 'cancelled'] as const;
export type MoveState = (typeof MOVE_STATES)[number];
export type MoveEnd = Exclude<MoveState, 'running' | 'undoing'>;
export const isMoveEnd = (state: MoveState): state is MoveEnd => state !== 'running' && state !== 'undoing';

/**
 * Each is one job. `copy`: a backup while the service runs, so that the next one is short. `stop`: on the old host.
 * `backup`: of what stands still. `deploy`: on the new host, with the data. `rest`: what did not run before is stopped
 * again. `remove`: on the old host. On the way back, `clear`: on the new host. `start`: on the old one.
 */
export const MOVE_STEPS = ['copy', 'stop', 'backup', 'deploy', 'rest', 'remove', 'clear', 'start'] as const;
export type MoveStep = (typeof MOVE_STEPS)[number];

export interface MoveRecord {
  id: string;
  serviceId: string;
  serviceName: string;
  customerId: string | null;
  fromHostId: string;
  toHostId: string;
  /** The restore of a host that it is a part of. */
  restoreId: string | null;
  state: MoveState;
  /** It ran before, so it runs afterwards, wherever that is. */
  wasRunning: boolean;
  /** The stopped service stays on the old host; of one that is over, that something of it is where it is not. */
  keepsOld: boolean;
  repositoryId: string;
  /** The backup whose data comes along; null: none was begun. */
  backupId: string | null;
  jobs: Partial<Record<MoveStep, string>>;
  /** Why it is undone, failed, or left something behind. */
  error: WireError | null;
  /** Name of who asked for it. */
  madeBy: string;
  createdAt: number;
  /** From then on the service is the new host's. */
  switchedAt: number | null;
  finishedAt: number | null;
}

/** What a restore of a host could not even begin with: `moves` says the rest. */
export interface LeftService {
  serviceId: string;
  serviceName: string;
  reason: string;
}

export interface HostRestoreRecord {
  id: string;
  fromHostId: string;
  toHostId: string;
  left: LeftService[];
  madeBy: string;
  createdAt: number;
}
