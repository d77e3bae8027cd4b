// The parts of the API's JSON that the commands read, as the API documents them.
import type { HealthCheck } from './health-check.ts';
import type { JobKind, JobState, JobStep, PlanStep, StepState } from '#shared/jobs.ts';
import type { Health, Lifecycle } from '#shared/model.ts';
import type { WireError } from '#shared/errors.ts';
import type { AutoUpdate, ImageUpdate } from './image-types.ts';

export interface List<T> {
  data: T[];
  total: number;
  page: number;
  per_page: number;
}

export interface Service {
  id: string;
  name: string;
  status: Lifecycle;
  url: string | null;
  template: string | null;
  deploy_method: string;
  host_id: string;
  /** Null: it is no member of a set. */
  set_id: string | null;
  /** Whether its host heals it. */
  enabled: boolean;
  failure_count: number;
  restart_count: number;
  last_restart_at: string | null;
  next_restart_at: string | null;
  gave_up_at: string | null;
  reason: string | null;
  labels: Record<string, string>;
  revision: number;
  running_revision: number | null;
  /** Null: not known. */
  update_available: boolean | null;
  health: { status: Health };
  created_at: string;
  updated_at: string;
}

export interface ServiceDetail extends Service {
  deployed_at: string | null;
  health: {
    status: Health;
    last_check: string | null;
    consecutive_failures: number | null;
    last_output: string | null;
  };
  health_checks: HealthCheck[];
  auto_update: AutoUpdate | null;
  updates: ImageUpdate[];
  updates_checked_at: string | null;
  /** As its host told last; null: it did not. */
  drift: { state: 'in_sync' | 'drifted'; since: string } | null;
  containers: { name: string; service: string; image: string; state: string; health: Health; ports: Port[] }[];
}

interface Port {
  host: number;
  container: number;
  protocol: string;
  address: string;
}

/** Of start, stop, restart: 200 when the job has ended, 202 when it is still under way. */
export interface ActionAnswer {
  id: string;
  status: Lifecycle;
  message: string;
  job_id: string;
}

/** Of create and redeploy. */
export interface DeployAnswer {
  id: string;
  name?: string;
  status: Lifecycle;
  set_id?: string | null;
  deploy_job_id: string;
}

/** Of a change: the service as it is wanted now. */
export interface ChangeAnswer extends ServiceDetail {
  /** Null when nothing needs a deploy. */
  deploy_job_id: string | null;
}

export interface Variable {
  id: string;
  name: string;
  value: string;
  is_secret: boolean;
  description: string | null;
  customer_id: string | null;
  updated_at: string;
}

export interface VariableDetail extends Variable {
  used_by: number;
  services: { id: string; name: string }[];
}

export interface Event {
  type: string;
  status: string;
  message: string;
  timestamp: string;
}

export interface LogEntry {
  timestamp: string;
  stream: 'stdout' | 'stderr';
  message: string;
  container: string;
}

export interface Job {
  id: string;
  service_id: string;
  service_name: string;
  host_id: string;
  kind: JobKind;
  state: JobState;
  error: WireError | null;
  failed_step: JobStep | null;
  plan: PlanStep[] | null;
  rolled_back_to: number | null;
  unchanged: boolean;
  /** Null: somebody asked for it through the API. */
  cause: string | null;
  created_at: string;
  started_at: string | null;
  finished_at: string | null;
}

export interface JobStepView {
  step: JobStep;
  state: StepState;
  message: string | null;
  started_at: string;
  finished_at: string | null;
}

export interface JobDetail extends Job {
  steps: JobStepView[];
}

/** A message of `/api/ws`. Step `job` tells how the job ended. */
export interface DeployProgress {
  type: 'deploy.progress';
  service_id: string;
  job_id: string;
  step: JobStep | 'job';
  state: StepState | JobState;
  percent?: number;
  message?: string;
  timestamp: string;
}

export interface PersonSession {
  id: string;
  name: string;
  address: string;
  permissions: string[];
  last_used_at: string;
  expires_at: string;
}

export interface ApiKey {
  id: string;
  name: string;
  hint: string;
  permissions: string[];
  created_at: string;
  expires_at: string | null;
  last_used_at: string | null;
}

export interface Registry {
  id: string;
  name: string;
  server: string;
  username: string;
  customer_id: string | null;
  updated_at: string;
}

export interface AuditEntry {
  seq: number;
  timestamp: string;
  actor: { kind: string; id: string | null; name: string | null };
  action: string;
  target_id: string | null;
  address: string | null;
  result: string;
  code: string | null;
  detail: object | null;
}

export interface Webhook {
  id: string;
  url: string;
  events: string[];
  description: string | null;
  status: string;
  breaker: { state: string };
  pending: number;
}

export interface Delivery {
  id: string;
  message_id: string;
  type: string;
  state: string;
  error: string | null;
  tries: number;
  next_try_at: string | null;
  created_at: string;
}

export interface DeliveryDetail extends Delivery {
  request: { body: string };
  response: { status: number; body: string } | null;
  attempts: { at: string; duration_ms: number; status: number | null; error: string | null }[];
}

export interface ExecResult {
  container: string;
  service: string;
  exit_code: number | null;
  stdout: string;
  stderr: string;
  truncated: boolean;
  timed_out: boolean;
  left_running: boolean;
  duration_ms: number;
}
