// Schedules and their runs as the API answers them, as far as the commands show them.

export interface Schedule {
  id: string;
  name: string;
  kind: string;
  cron: string;
  timezone: string;
  targets: { service_id?: string; labels?: Record<string, string>; all?: true };
  enabled: boolean;
  next_run: string | null;
  last_run: { at: string; state: string } | null;
}

export interface RunTarget {
  service_name: string | null;
  state: string;
  reason: string | null;
  job_id: string | null;
  output: string | null;
}

export interface ScheduleRun {
  id: string;
  host_id: string;
  trigger: string;
  state: string;
  reason: string | null;
  due_at: string;
  targets: RunTarget[];
}
