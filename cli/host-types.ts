// Hosts and what happens to them in the API's JSON, as the API documents them.
import type { HostResources } from './stats-types.ts';

export interface Host {
  id: string;
  name: string;
  labels: Record<string, string>;
  status: string;
  status_since: string | null;
  cordoned_at: string | null;
  drained_at: string | null;
  resources: HostResources | null;
  facts: HostFacts | null;
  facts_sampled_at: string | null;
  last_seen_at: string | null;
  created_at: string;
}

export interface HostFacts {
  hostname: string;
  os: string;
  kernel: string;
  arch: string;
  cpus: number;
  memory_bytes: number;
  memory_free_bytes: number;
  disk_bytes: number;
  disk_free_bytes: number;
  docker_version: string | null;
  docker_unavailable_since: string | null;
  compose_version: string | null;
  agent_version: string;
  addresses: string[];
}

export interface Drain {
  host: Host;
  services: {
    id: string;
    name: string;
    action: string;
    reason: string | null;
    job_id: string | null;
    data: { volumes: string[]; folders: string[] } | null;
    is_movable: boolean | null;
  }[];
}

export interface Undrain {
  host: Host;
  services: { id: string; name: string; job_id: string | null }[];
}

export interface Incident {
  id: string;
  kind: string;
  status: string;
  message: string;
  host_count: number;
  away_count: number;
  started_at: string;
  ended_at: string | null;
}

export interface IncidentDetail extends Incident {
  hosts: { id: string; name: string; lost_at: string; back_at: string | null }[];
}
