// Upgrades of hosts, and what each host is in one. States and their order are those of rollouts (set-records.ts).
import type { UpgradePhase } from '#shared/protocol/upgrade-parts.ts';
import type { RolloutState, TargetState } from './set-records.ts';

export interface UpgradeRecord {
  id: string;
  version: string;
  /** Hosts at a time, after the first. */
  waveSize: number;
  allowsDowngrade: boolean;
  state: RolloutState;
  /** The host that failed. */
  haltedBy: string | null;
  /** Name of who asked for it. */
  madeBy: string;
  createdAt: number;
  finishedAt: number | null;
}

export interface UpgradeTargetRecord {
  upgradeId: string;
  hostId: string;
  state: TargetState;
  /** Null until its turn has come. */
  wave: number | null;
  /** It failed before the upgrade was resumed: it goes first. */
  isRetry: boolean;
  /** Under which the host was told; null until then. */
  orderId: string | null;
  /** What it ran before. */
  fromVersion: string | null;
  /** What it said last; null: nothing yet. */
  phase: UpgradePhase | null;
  percent: number | null;
  /** When it was told, or said something new. */
  heardAt: number | null;
  /** Its services that were well before. */
  well: string[];
  reason: string | null;
}
