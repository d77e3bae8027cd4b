// Jobs that control believes to be with a host and the host does not know: its state was rolled back, or control's was
// and an acknowledgement is taken for another's. They are judged once the host has sent every event it had when it
// connected, because the end of the job may be among them.
//
//   a newer job for the service is open     the lost one ends as interrupted: it must not run after its successor
//   restart, restore                        ends as interrupted: done twice would be two effects
//   everything else                         is offered again under the same id: doing it twice changes nothing, and a
//                                           host that had finished it answers with the result it kept
import { LongshoreError, type WireError } from '#shared/errors.ts';
import { isJobEnd } from '#shared/jobs.ts';
import type { Clock } from '#shared/time.ts';
import type { JobEnds } from '../app/jobs/job-ends.ts';
import type { JobStarts } from '../app/jobs/job-starts.ts';
import type { JobRecord, ServiceRecord } from '../store/records.ts';
import type { Stores, WriteContext } from '../store/stores.ts';

interface Suspects {
  /** Last event the host had when it connected. */
  upToEvent: number;
  jobIds: string[];
}

const INTERRUPTED = {
  code: 'interrupted',
  message: 'The host does not know this job any more; its outcome is unknown',
};

export class LostJobs {
  readonly #stores: Stores;
  readonly #starts: JobStarts;
  readonly #ends: JobEnds;
  readonly #clock: Clock;
  readonly #byHost = new Map<string, Suspects>();

  constructor(stores: Stores, starts: JobStarts, ends: JobEnds, clock: Clock) {
    this.#stores = stores;
    this.#starts = starts;
    this.#ends = ends;
    this.#clock = clock;
  }

  /** A host connected: remembers what it should know and does not list. Call after its acknowledgement was taken. */
  suspect(hostId: string, openJobs: readonly string[], upToEvent: number): void {
    const listed = new Set(openJobs);
    const jobs = this.#stores.jobs.openOfHost(hostId).filter((job) => isAtHost(job) && !listed.has(job.id));
    this.#byHost.set(hostId, { upToEvent, jobIds: jobs.map(({ id }) => id) });
  }

  /** Judges the suspects of a host whose events are committed up to `eventSeq`; does nothing before that. */
  judge(tx: WriteContext, hostId: string, eventSeq: number): void {
    const suspects = this.#byHost.get(hostId);
    if (!suspects || eventSeq < suspects.upToEvent) return;
    for (const id of suspects.jobIds) this.#judgeOne(tx, id);
    tx.afterCommit(() => {
      // The host may have connected anew in the same commit: those suspects wait for their own events.
      if (this.#byHost.get(hostId) === suspects) this.#byHost.delete(hostId);
    });
  }

  #judgeOne(tx: WriteContext, jobId: string): void {
    const job = this.#stores.jobs.find(jobId);
    if (!job || !isAtHost(job)) return;
    const service = this.#stores.services.find(job.serviceId);
    const hasSuccessor = this.#stores.jobs.openOfService(job.serviceId).at(-1)?.id !== jobId;
    const mustNotRepeat = !service || hasSuccessor || job.kind === 'restart' || job.kind === 'restore';
    const fault = mustNotRepeat ? INTERRUPTED : this.#offerAgain(tx, service, job);
    if (fault) this.#ends.abandon(tx, jobId, 'failed', fault, this.#clock.now());
  }

  /** What cannot be offered any more is this job's end; it must not keep its host from connecting. */
  #offerAgain(tx: WriteContext, service: ServiceRecord, job: JobRecord): WireError | undefined {
    try {
      this.#starts.offerAgain(tx, service, job);
      return undefined;
    } catch (error) {
      if (error instanceof LongshoreError) return error.toWire();
      throw error;
    }
  }
}

const isAtHost = ({ state }: JobRecord): boolean => !isJobEnd(state) && (state === 'accepted' || state === 'running');
