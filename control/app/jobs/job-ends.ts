// The one place where a job ends and what that means for its service, whoever says so: the host's result, a refusal, a
// cancel before it was sent, a revoked host. Everything of an end is in one write; the world hears of it after.
import { endsService } from '#shared/adoption.ts';
import { isDeployKind, isJobEnd, type JobKind } from '#shared/jobs.ts';
import type { ServiceReport } from '#shared/model.ts';
import type { WireError } from '#shared/errors.ts';
import type { JobEnd } from '../../store/jobs.ts';
import type { JobRecord, RevisionRecord, ServiceRecord, ServiceStatus } from '../../store/records.ts';
import type { Stores, WriteContext } from '../../store/stores.ts';
import type { Bus } from '../api/live.ts';
import { finishBackups } from '../backups/ends.ts';
import { toEndNews } from './job-news.ts';
import { eventTypeOf } from './job-starts.ts';
import type { JobWaiters } from './job-waiters.ts';
import { switchHost } from '../moves/switch.ts';
import { reasonToWait } from '../deploys/review.ts';
import { forgetService } from '../schedules/spread.ts';
import { statusAfterJob, statusAfterReport } from '../services/service-status.ts';

export class JobEnds {
  readonly #stores: Stores;
  readonly #bus: Bus;
  readonly #waiters: JobWaiters;

  constructor(stores: Stores, bus: Bus, waiters: JobWaiters) {
    this.#stores = stores;
    this.#bus = bus;
    this.#waiters = waiters;
  }

  /** False when there is no such job or it had ended: then nothing changes. */
  finish(tx: WriteContext, jobId: string, end: JobEnd, report: ServiceReport | null): boolean {
    const job = this.#stores.jobs.find(jobId);
    if (!job || isJobEnd(job.state)) return false;
    this.#stores.jobs.finish(jobId, end);
    finishBackups(this.#stores, job, end);
    const made = this.#stores.revisions.findByJob(jobId);
    if (made) this.#finishRevision(made, end);
    this.#noteProposal(job, end);
    switchHost(this.#stores, job, end);
    const service = this.#stores.services.find(job.serviceId);
    const isElsewhere = service?.hostId !== job.hostId; // it moves: what ended there is not what became of it
    if (service && !isElsewhere && endsService(job.kind, end.state)) this.#bury(service, end.finishedAt);
    else if (service && !isElsewhere) {
      const status = statusAfterJob(service, { ...end, kind: job.kind }, report, this.#isDeploying(service.id));
      this.setStatus(tx, service, status, end.finishedAt);
    }
    const message = messageOf(job, end, service, made);
    this.#record(job, end, message);
    tx.afterCommit(() => {
      this.#bus.publish(toEndNews(job, end, message));
      this.#waiters.settle(jobId);
    });
    return true;
  }

  /** Ends a job that did nothing on its host. */
  abandon(tx: WriteContext, jobId: string, state: JobEnd['state'], error: WireError | null, at: number): boolean {
    const nothing = { failedStep: null, plan: null, rolledBackTo: null, isUnchanged: false, startedAt: null };
    return this.finish(tx, jobId, { ...nothing, state, error, finishedAt: at }, null);
  }

  /** The host's word about a service, outside of a job's end. */
  report(tx: WriteContext, service: ServiceRecord, report: ServiceReport, at: number): void {
    const open = this.#stores.jobs.openOfService(service.id);
    const isDeploying = open.some((job) => isDeployKind(job.kind) && job.hostId === service.hostId);
    const status = statusAfterReport(service, report, isDeploying);
    this.setStatus(tx, service, status, at);
    if (open.length === 0 && status.lifecycle !== service.lifecycle) this.#recordChange(service, status, at);
  }

  /** A good deploy leaves nothing to review; a proposal that failed leaves the one before it. */
  #noteProposal({ id: jobId, serviceId, kind, pull }: JobRecord, { state, proposal, finishedAt }: JobEnd): void {
    const { reviews } = this.#stores;
    if (state !== 'succeeded') return;
    if (kind === 'propose' && proposal) reviews.setWaiting(serviceId, { ...proposal, jobId, pull, madeAt: finishedAt });
    else if (isDeployKind(kind) && reviews.findWaiting(serviceId)) reviews.setWaiting(serviceId, null);
  }

  #finishRevision(made: RevisionRecord, { state, finishedAt }: JobEnd): void {
    const { revisions, services } = this.#stores;
    if (state !== 'succeeded') return revisions.drop(made);
    revisions.record(made, finishedAt);
    // Its host may have refused it: what is wanted changes now, not when it was asked for.
    const accepted = made.kind === 'accept' ? revisions.findSource(made.serviceId, made.revision) : undefined;
    if (accepted && services.find(made.serviceId)) services.setSource(made.serviceId, accepted);
  }

  #isDeploying(serviceId: string): boolean {
    return this.#stores.jobs.openOfService(serviceId).some((job) => isDeployKind(job.kind));
  }

  /** Writes what a service is now, and tells the world where that is something new. */
  setStatus(tx: WriteContext, service: ServiceRecord, known: ServiceStatus, at: number): void {
    const { reviews, services } = this.#stores;
    const reason = known.reason ?? reasonToWait(reviews.findWaiting(service.id));
    const status = { ...known, reason };
    services.setStatus(service.id, status, at);
    const { lifecycle, health } = status;
    const isSame = lifecycle === service.lifecycle && health === service.health && reason === service.reason;
    if (isSame) return;
    tx.afterCommit(() => {
      this.#bus.publish({ type: 'service.status', serviceId: service.id, lifecycle, health, reason, at });
      if (health !== service.health) {
        this.#bus.publish({ type: 'health.changed', serviceId: service.id, health, at });
      }
    });
  }

  /** Takes a service off the books. Without a tombstone its host keeps it, should it ever be heard of again. */
  forget({ id, hostId, setId }: Pick<ServiceRecord, 'id' | 'hostId' | 'setId'>, at: number): void {
    if (setId !== null) this.#stores.sets.removeHost(setId, hostId); // should it come back, it is a newcomer
    this.#stores.services.remove(id);
    forgetService(this.#stores, id, at);
  }

  #bury(service: ServiceRecord, at: number): void {
    const { id: serviceId, hostId, revision } = service;
    this.#stores.tombstones.put({ serviceId, hostId, revision, at });
    this.forget(service, at);
  }

  /** What came to pass without a job: nobody asked, so nothing else in the timeline says it. */
  #recordChange({ id, hostId }: ServiceRecord, { lifecycle, reason }: ServiceStatus, at: number): void {
    const message = reason ?? `The service is ${lifecycle}`;
    this.#stores.events.insert({ serviceId: id, hostId, type: 'status', status: lifecycle, message, at });
  }

  #record(job: JobRecord, end: JobEnd, message: string): void {
    this.#stores.events.insert({
      serviceId: job.serviceId,
      hostId: job.hostId,
      jobId: job.id,
      type: eventTypeOf(job),
      status: end.state === 'succeeded' ? (job.kind === 'propose' ? 'proposed' : 'success') : end.state,
      message,
      at: end.finishedAt,
    });
  }
}

const DONE: Record<JobKind, string> = {
  deploy: 'Deployed',
  redeploy: 'Redeployed',
  start: 'Started',
  stop: 'Stopped',
  restart: 'Restarted',
  remove: 'Removed',
  backup: 'Backed up',
  restore: 'Restored from a backup',
  forget_backup: 'Deleted a backup',
  drill: 'Restored a backup into a scratch copy, which came up',
  rollback: 'Rolled back',
  propose: 'Proposed',
  adopt: 'Adopted',
  revert: 'Reverted drift',
  accept: 'Accepted drift',
};

function messageOf(
  job: JobRecord,
  { state, error, rolledBackTo, isUnchanged, proposal }: JobEnd,
  service?: ServiceRecord,
  made?: RevisionRecord,
): string {
  if (state === 'succeeded') {
    if (job.kind === 'propose') return reasonToWait(proposal ?? null) ?? DONE.propose;
    const what = isDeployKind(job.kind) ? `${DONE[job.kind]}${sourceOf(service, made)}` : DONE[job.kind];
    const done = job.cause === null ? what : `${what}: ${job.cause}`;
    return isUnchanged ? `${done}, nothing had to change` : done;
  }
  const cause = error?.message ?? `The ${job.kind} was ${state}`;
  return rolledBackTo === null ? cause : `${cause}; revision ${rolledBackTo} was put back`;
}

function sourceOf(service: ServiceRecord | undefined, made: RevisionRecord | undefined): string {
  if (typeof made?.rollbackOf === 'number') return ` to revision ${made.rollbackOf}`;
  if (!service || made?.kind === 'adopt' || made?.kind === 'accept') return '';
  return service.templateId === null ? ` from ${service.method}` : ` from template ${service.templateId}`;
}
