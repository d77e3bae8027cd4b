// The backup that a job is about.
import { LongshoreError } from '#shared/errors.ts';
import type { JobRun } from '../deploy/job-run.ts';

export function requireBackupId({ offer }: Pick<JobRun, 'offer'>): string {
  if (offer.backupId !== undefined) return offer.backupId;
  throw new LongshoreError('protocol_violation', { message: `Job "${offer.jobId}" names no backup` });
}
