// The one place where an open job is called off, whoever wants that: a caller, a removal, a suspension.
import type { Clock } from '#shared/time.ts';
import type { JobRecord } from '../../store/records.ts';
import type { Stores, WriteContext } from '../../store/stores.ts';
import type { JobEnds } from './job-ends.ts';
import type { JobStarts } from './job-starts.ts';

export interface JobCancelDeps {
  stores: Stores;
  starts: JobStarts;
  ends: JobEnds;
  clock: Clock;
}

export class JobCancels {
  readonly #deps: JobCancelDeps;

  constructor(deps: JobCancelDeps) {
    this.#deps = deps;
  }

  /**
   * A job that was never sent ends here, and its offer becomes a cancel in the same place of the sequence. One that was
   * sent ends when its host says so. Returns whether the host never heard of it.
   */
  cancel(tx: WriteContext, job: JobRecord, reason: 'cancelled' | 'superseded'): boolean {
    const { stores, starts, ends, clock } = this.#deps;
    const isUnsent = job.state === 'queued';
    const body = { kind: 'job.cancel' as const, jobId: job.id, reason };
    if (isUnsent && stores.commands.replaceOffer(job.hostId, job.id, body)) {
      ends.abandon(tx, job.id, reason, null, clock.now());
      return true;
    }
    starts.cancel(tx, job.hostId, job.id, reason);
    return false;
  }
}
