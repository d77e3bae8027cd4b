// What the world hears of a job while it runs and when it ends: `backup.progress` for jobs about a backup,
// `deploy.progress` for all others. Pure.
import { isBackupKind, type BackupKind } from '#shared/backup.ts';
import type { JobStep, Progress } from '#shared/jobs.ts';
import type { JobEnd } from '../../store/jobs.ts';
import type { JobRecord } from '../../store/records.ts';
import type { LiveEvent } from '../api/live.ts';

/** Of a restore only the copying is told; what follows takes seconds. */
const TOLD_STEPS: ReadonlySet<JobStep> = new Set(['dump', 'backup', 'restore', 'forget', 'drill']);

type About = Pick<JobRecord, 'id' | 'serviceId' | 'kind' | 'backupId'>;

/** Undefined for what is no news. */
export function toProgressNews(job: About, progress: Progress): LiveEvent | undefined {
  if (!isBackupKind(job.kind)) return { type: 'deploy.progress', ...progress };
  const about = aboutBackup(job, job.backupId);
  if (!about) return undefined;
  const { step, state, percent, bytesDone, totalBytes, at } = progress;
  if (state !== 'running' || !TOLD_STEPS.has(step)) return undefined;
  return { ...about, state: 'running', percent, bytesDone, totalBytes, at };
}

export function toEndNews(job: About, { state, backup, backups, finishedAt: at }: JobEnd, message: string): LiveEvent {
  const about = aboutBackup(job, job.backupId ?? backups?.drilled ?? null);
  const { id: jobId, serviceId } = job;
  if (!about) return { type: 'deploy.progress', serviceId, jobId, step: 'job', state, message, at };
  const bytes = backup?.totalBytes;
  const percent = state === 'succeeded' ? 100 : undefined;
  return { ...about, state, percent, bytesDone: bytes, totalBytes: bytes, message, at };
}

/** Which backup a drill tries, only its end says. */
function aboutBackup({ id, serviceId, kind }: About, backupId: string | null) {
  if (!isBackupKind(kind) || backupId === null) return undefined;
  return { type: 'backup.progress' as const, serviceId, backupId, jobId: id, kind: kind satisfies BackupKind };
}
