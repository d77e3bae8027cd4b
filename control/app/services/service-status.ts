// What a service is after its host's word or the end of a job. Pure: facts in, status out.
//
// The host's report is the truth about containers; control knows only one thing better: whether a deploy is under way
// that the report does not know of yet.
import type { WireError } from '#shared/errors.ts';
import { isBackupKind } from '#shared/backup.ts';
import { bringsSpec, isDeployKind, type JobEndState, type JobKind } from '#shared/jobs.ts';
import type { Lifecycle, ServiceReport } from '#shared/model.ts';
import type { ServiceRecord, ServiceStatus } from '../../store/records.ts';

export interface EndedJob {
  kind: JobKind;
  state: JobEndState;
  error: WireError | null;
  finishedAt: number;
}

/** After a report. `isDeploying`: a deploy is open, so an older report must not hide it. */
export function statusAfterReport(service: ServiceRecord, report: ServiceReport, isDeploying: boolean): ServiceStatus {
  return {
    lifecycle: isDeploying ? 'deploying' : report.lifecycle,
    health: report.health,
    reason: report.reason,
    report,
    deployedAt: service.deployedAt,
  };
}

/** After a job's end. `isDeploying`: another deploy is still open. */
export function statusAfterJob(
  service: ServiceRecord,
  job: EndedJob,
  report: ServiceReport | null,
  isDeploying: boolean,
): ServiceStatus {
  if (isBackupKind(job.kind)) return report ? statusAfterReport(service, report, isDeploying) : service;
  const known = report ?? service.report;
  const hasDeployed = isDeployKind(job.kind) && job.state === 'succeeded';
  return {
    lifecycle: isDeploying ? 'deploying' : lifecycleAfter(service, job, report),
    health: known?.health ?? 'unknown',
    reason: report?.reason ?? (job.state === 'succeeded' ? null : reasonOf(job)),
    report: known,
    deployedAt: hasDeployed ? job.finishedAt : service.deployedAt,
  };
}

function lifecycleAfter(service: ServiceRecord, { kind, state }: EndedJob, report: ServiceReport | null): Lifecycle {
  if (report && report.lifecycle !== 'deploying') return report.lifecycle;
  if (state === 'succeeded' && kind === 'propose') return lifecycleBefore(service, 'stopped');
  if (state === 'succeeded') return kind === 'stop' ? 'stopped' : 'running';
  if (!bringsSpec(kind)) return service.lifecycle;
  return lifecycleBefore(service, 'failed'); // what ran before a deploy that came to nothing runs on
}

/** `otherwise`: for a service that never ran. */
function lifecycleBefore({ report }: ServiceRecord, otherwise: Lifecycle): Lifecycle {
  return !report || report.lifecycle === 'deploying' ? otherwise : report.lifecycle;
}

const reasonOf = ({ kind, state, error }: EndedJob): string => error?.message ?? `The ${kind} was ${state}`;
