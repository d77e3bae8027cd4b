// From the records of the store to what the app layer shows.
import type { JobRecord, ServiceRecord } from '../store/records.ts';
import type { Job } from './api/jobs.ts';
import type { Service } from './api/services.ts';

export function toService({ rollbackOnFailure: _r, healthTimeoutS: _h, ...service }: ServiceRecord): Service {
  return service;
}

export function toJob({ customerId: _c, pull: _p, expiresAt: _e, ...job }: JobRecord): Job {
  return job;
}
