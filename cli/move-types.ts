// What the API says of moves and restores of hosts, as far as the client uses it.
export interface Move {
  id: string;
  service_id: string;
  service_name: string;
  from_host_id: string;
  to_host_id: string;
  state: 'running' | 'undoing' | 'succeeded' | 'failed' | 'cancelled';
  keeps_old: boolean;
  error: { code: string; message: string; details?: string } | null;
  created_at: string;
  finished_at: string | null;
}

export interface MoveStep {
  step: string;
  state: string;
  host_id: string;
  job_id: string | null;
  message: string | null;
}

export interface MoveDetail extends Move {
  steps: MoveStep[];
  next: string | null;
}

export interface RestoredService {
  service_id: string;
  service_name: string;
  state: Move['state'] | 'left';
  move_id: string | null;
  backup_id: string | null;
  backup_at: string | null;
  reason: string | null;
}

export interface HostRestore {
  id: string;
  from_host_id: string;
  to_host_id: string;
  state: 'running' | 'succeeded' | 'failed';
  services: RestoredService[];
  created_at: string;
  finished_at: string | null;
}
