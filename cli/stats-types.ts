// The parts of the API's JSON about usage that the commands read, as the API documents them.

type Figure = number | null;

interface Traffic {
  network_rx_bytes_per_s: Figure;
  network_tx_bytes_per_s: Figure;
  disk_read_bytes_per_s: Figure;
  disk_write_bytes_per_s: Figure;
}

export interface UsageNow extends Traffic {
  cpu_usage: Figure;
  memory_used_bytes: Figure;
  pids: Figure;
}

export interface HostUsageNow extends Traffic {
  cpu_usage: Figure;
  load_1: Figure;
  memory_used_bytes: Figure;
  disk_used_bytes: Figure;
  temperature_celsius: Figure;
  docker_bytes: Figure;
}

export interface HostResources extends HostUsageNow {
  memory_total_bytes: Figure;
  disk_total_bytes: Figure;
  sampled_at: string;
}

interface Point {
  timestamp: string;
  sampled_at: string | null;
}

export interface HostStats {
  step: number;
  points: (HostUsageNow & Point)[];
}

export interface ServiceStats {
  step: number;
  points: (UsageNow & Point)[];
  containers: (UsageNow & { name: string; restart_count: number; started_at: string; sampled_at: string })[];
}
