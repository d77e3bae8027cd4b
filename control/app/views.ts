// From the records of the store to what the app layer shows.
import type { ServiceSample } from '#shared/model.ts';
import type { JobRecord, ServiceRecord } from '../store/records.ts';
import type { Job } from './api/jobs.ts';
import type { Service } from './api/services.ts';

export function toService(record: ServiceRecord, usage: ServiceSample | null): Service {
  const { rollbackOnFailure: _r, healthTimeoutS: _h, ...service } = record;
  return { ...service, usage };
}

export function toJob({ customerId: _c, pull: _p, expiresAt: _e, ...job }: JobRecord): Job {
  return job;
}
