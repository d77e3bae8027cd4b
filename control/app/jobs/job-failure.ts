// A job that ended otherwise than well is the caller's error, where the caller waited for it.
import { LongshoreError } from '#shared/errors.ts';
import { isJobEnd } from '#shared/jobs.ts';
import type { Job } from '../api/jobs.ts';

/** With the code the host gave. */
export function throwFailure(job: Job): void {
  if (!isJobEnd(job.state) || job.state === 'succeeded') return;
  if (job.error) throw LongshoreError.fromWire(job.error);
  throw new LongshoreError(job.state === 'failed' ? 'internal' : job.state, { details: `Job ${job.id}` });
}
