// Jobs as the app layer offers them.
import type { JobState } from '#shared/jobs.ts';
import type { JobLogRecord, JobRecord, JobStepRecord } from '../../store/records.ts';
import type { Caller } from './caller.ts';
import type { Order, Page, Paging } from './page.ts';

export type Job = Omit<JobRecord, 'customerId' | 'pull' | 'expiresAt'>;

export interface JobDetail extends Job {
  steps: JobStepRecord[];
}

export interface JobQuery extends Paging {
  serviceId?: string | undefined;
  state?: JobState | undefined;
  /** By age, the newest first unless asked otherwise. */
  order?: Order | undefined;
}

export interface Jobs {
  list(caller: Caller, query: JobQuery): Page<Job>;
  detail(caller: Caller, id: string): JobDetail;
  /** The bounded log of progress lines, oldest first. */
  log(caller: Caller, id: string): JobLogRecord[];
  /** 409 state_conflict when it has ended. */
  cancel(caller: Caller, id: string): Promise<Job>;
  /** Resolves with the job once it has ended, or as it is after `waitMs`. */
  wait(id: string, waitMs: number, signal?: AbortSignal): Promise<Job>;
}
