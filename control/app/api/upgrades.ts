// Upgrades of hosts as the app layer offers them.
import type { RolloutState, TargetState } from '../../store/set-records.ts';
import type { UpgradeRecord, UpgradeTargetRecord } from '../../store/upgrade-records.ts';
import type { Caller } from './caller.ts';
import type { Order, Page, Paging } from './page.ts';

export { ROLLOUT_STATES as UPGRADE_STATES, TARGET_STATES } from '../../store/set-records.ts';

/** `10%` of the hosts, or so many. */
export const WAVE = /^([1-9]\d?|100)%$|^[1-9]\d{0,3}$/;

export interface Upgrade extends UpgradeRecord {
  counts: Record<TargetState, number>;
  /** Why it is halted. */
  halt: Pick<UpgradeTargetRecord, 'hostId' | 'reason'> | null;
}

export type UpgradeHost = Pick<
  UpgradeTargetRecord,
  'hostId' | 'state' | 'wave' | 'fromVersion' | 'phase' | 'percent' | 'reason'
> & { hostName: string };

export interface UpgradeDetail extends Upgrade {
  /** In the order of their turns. */
  hosts: UpgradeHost[];
}

export interface NewUpgrade {
  /** These hosts; all that the caller sees unless given. */
  hostIds?: readonly string[] | undefined;
  /** Of those, the ones with these labels. */
  labels?: Record<string, string> | undefined;
  /** What the control plane offers, said once more; anything else is refused. */
  version?: string | undefined;
  /** As WAVE says. */
  wave?: string | undefined;
  allowsDowngrade?: boolean | undefined;
}

export interface UpgradeQuery extends Paging {
  state?: RolloutState | undefined;
  order?: Order | undefined;
}

export interface HostUpgrades {
  /** 404 release_missing; 409 upgrade_under_way, no_host; 422 for another version than the one offered. */
  create(caller: Caller, input: NewUpgrade): Promise<UpgradeDetail>;
  /** Those all of whose hosts the caller sees. */
  list(caller: Caller, query: UpgradeQuery): Page<Upgrade>;
  require(caller: Caller, id: string): UpgradeDetail;
  /** Goes on with a halted one, those that failed first. 409 state_conflict. */
  resume(caller: Caller, id: string): Promise<UpgradeDetail>;
  /** Ends a running or halted one; who had no turn keeps what it has. 409 state_conflict. */
  cancel(caller: Caller, id: string): Promise<UpgradeDetail>;
}
