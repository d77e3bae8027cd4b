// Jobs as callers see them, and waiting for one.
import { isJobEnd } from '#shared/jobs.ts';
import type { JobLogRecord } from '../../store/records.ts';
import type { Stores } from '../../store/stores.ts';
import type { Access } from '../access/access.ts';
import type { Caller } from '../api/caller.ts';
import type { Job, JobDetail, JobQuery, Jobs } from '../api/jobs.ts';
import type { Page } from '../api/page.ts';
import type { IdempotencyDesk } from '../idempotency.ts';
import type { JobWaiters } from './job-waiters.ts';
import type { ServiceJobs } from '../services/service-jobs.ts';
import { toJob } from '../views.ts';
import { missing } from '../missing.ts';

export interface JobDeskDeps {
  stores: Stores;
  access: Access;
  effects: IdempotencyDesk;
  serviceJobs: ServiceJobs;
  waiters: JobWaiters;
}

export class JobDesk implements Jobs {
  readonly #deps: JobDeskDeps;

  constructor(deps: JobDeskDeps) {
    this.#deps = deps;
  }

  list(caller: Caller, query: JobQuery): Page<Job> {
    const { stores, access } = this.#deps;
    const { items, total } = stores.jobs.list({ ...query, visibility: access.visibility(caller) });
    return { items: items.map(toJob), total, page: query.page, perPage: query.perPage };
  }

  detail(caller: Caller, id: string): JobDetail {
    const { stores, access } = this.#deps;
    return { ...toJob(access.requireJob(caller, id)), steps: stores.jobs.steps(id) };
  }

  log(caller: Caller, id: string): JobLogRecord[] {
    const { stores, access } = this.#deps;
    access.requireJob(caller, id);
    return stores.jobLog.list(id);
  }

  async cancel(caller: Caller, id: string): Promise<Job> {
    const { effects, serviceJobs, access } = this.#deps;
    await effects.perform(() => (tx) => ({ jobId: serviceJobs.cancel(tx, caller, id) }));
    return toJob(access.requireJob(caller, id));
  }

  async wait(id: string, waitMs: number, signal?: AbortSignal): Promise<Job> {
    // The row first: the end may have been committed before anybody waited.
    const now = this.#require(id);
    if (isJobEnd(now.state) || waitMs <= 0) return now;
    await this.#deps.waiters.wait(id, waitMs, signal);
    return this.#require(id);
  }

  #require(id: string): Job {
    const job = this.#deps.stores.jobs.find(id);
    if (!job) throw missing('job', id);
    return toJob(job);
  }
}
