// What the end of a job means for backups: the one it made, those that had to go, the one that was tried out. Only those of
// the job's own service, whatever its host says.
import type { JobEnd } from '../../store/jobs.ts';
import type { JobRecord } from '../../store/records.ts';
import type { Stores } from '../../store/stores.ts';
import { noteBackup } from './note.ts';

export function finishBackups(stores: Stores, job: JobRecord, end: JobEnd): void {
  const { backups } = stores;
  const { kind, backupId } = job;
  const { state, backup = null, error, finishedAt } = end;
  if (kind === 'backup' && backupId !== null)
    backups.finish(backupId, { summary: state === 'succeeded' ? backup : null, error, finishedAt });
  else if (kind === 'forget_backup' && backupId !== null && state === 'succeeded') backups.remove(backupId);
  noteBefore(stores, job, end);
  const { forgotten = [], drilled } = end.backups ?? {};
  for (const id of forgotten) if (isOwn(stores, job, id)) backups.remove(id);
  const tried = kind === 'drill' ? (drilled ?? backupId) : null;
  if (tried === null || tried === undefined || !isOwn(stores, job, tried)) return;
  if (state !== 'succeeded' && state !== 'failed') return;
  backups.setDrill(tried, { isGood: state === 'succeeded', message: error?.message ?? null, at: finishedAt });
}

/** A deploy took it of what it was about to change, and however the deploy ended, it is there. */
function noteBefore(stores: Stores, { id: jobId, serviceId }: JobRecord, { backups, finishedAt }: JobEnd): void {
  const made = backups?.backupBefore;
  const service = stores.services.find(serviceId);
  if (!made || !service || stores.backups.find(made.id)) return;
  const { id, repositoryId, summary } = made;
  noteBackup(stores, service, { id, jobId, repositoryId, createdAt: finishedAt });
  stores.backups.finish(id, { summary, error: null, finishedAt });
}

const isOwn = ({ backups }: Stores, { serviceId }: JobRecord, id: string): boolean =>
  backups.find(id)?.serviceId === serviceId;
