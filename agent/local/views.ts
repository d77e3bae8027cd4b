// Services and jobs of this host as its own socket shows them. Pure.
import type { JobKind } from '#shared/jobs.ts';
import type { LocalJobDetail, LocalJobView, LocalService } from '#shared/local.ts';
import type { ServiceReport } from '#shared/model.ts';
import { toRfc3339 } from '#shared/time.ts';
import type { JobNote, StepRecord } from '../state/journal.ts';
import type { ServiceRecord } from '../state/services.ts';

const toTime = (ms: number | null): string | null => (ms === null ? null : toRfc3339(ms));

/** `report`: what is known of its containers; null: nothing. */
export function toServiceView(
  { spec, isEnabled, desired, goodRevision }: ServiceRecord,
  report: ServiceReport | null,
  job: JobKind | null,
): LocalService {
  const { failureCount = 0, restartCount = 0, lastRestartAt = null } = report?.healing ?? {};
  return {
    id: spec.id,
    name: spec.name,
    status: report?.lifecycle ?? null,
    health: report?.health ?? 'unknown',
    reason: report?.reason ?? null,
    enabled: isEnabled,
    wanted: desired,
    revision: goodRevision,
    failure_count: failureCount,
    restart_count: restartCount,
    last_restart_at: toTime(lastRestartAt),
    job,
    containers: (report?.containers ?? []).map(({ name, service, image, state, health, exitCode }) => ({
      name,
      service,
      image,
      state,
      health,
      exit_code: exitCode,
    })),
    seen_at: report && toRfc3339(report.at),
  };
}

export const toJobView = (job: JobNote, serviceName: string | null): LocalJobView => ({
  id: job.id,
  service_id: job.serviceId,
  service_name: serviceName,
  kind: job.kind,
  state: job.state,
  cause: job.cause,
  error: job.result?.error ?? null,
  started_at: toTime(job.startedAt),
  finished_at: toTime(job.finishedAt),
});

export const toJobDetail = (
  job: JobNote,
  serviceName: string | null,
  steps: readonly StepRecord[],
): LocalJobDetail => ({
  ...toJobView(job, serviceName),
  failed_step: job.result?.failedStep ?? null,
  steps: steps.map(({ step, state, at }) => ({ step, state, at: toRfc3339(at) })),
});
