// Sets of services and their rollouts, as far as the commands read them.
import type { Health, Lifecycle } from '#shared/model.ts';

export interface Rollout {
  id: string;
  set_id: string;
  kind: string;
  state: 'running' | 'halted' | 'succeeded' | 'cancelled' | 'superseded';
  set_revision: number;
  halted_by: { host_id: string; job_id: string | null; reason: string | null } | null;
  hosts: Record<'pending' | 'running' | 'succeeded' | 'failed' | 'skipped', number>;
  made_by: string | null;
  created_at: string;
}

export interface RolloutHost {
  host_id: string;
  host_name: string;
  service_id: string | null;
  job_id: string | null;
  state: keyof Rollout['hosts'];
  reason: string | null;
}

export interface RolloutDetail extends Rollout {
  waves: { wave: number; hosts: RolloutHost[] }[];
  waiting: RolloutHost[];
}

export interface ServiceSet {
  id: string;
  name: string;
  state: string;
  revision: number;
  counts: { total: number; running: number; up_to_date: number };
  placement: { labels: Record<string, string>; max_parallel: number };
  rollout: Rollout | null;
  created_at: string;
}

export interface SetMember {
  host_name: string;
  service_id: string;
  status: Lifecycle;
  health: Health;
  reason: string | null;
  running_revision: number | null;
  up_to_date: boolean;
}

export interface ServiceSetDetail extends ServiceSet {
  members: SetMember[];
}
