// What is done to a service that exists. All checks are inside the write, so two callers cannot both pass them.
import { isDeepStrictEqual } from 'node:util';
import { LongshoreError } from '#shared/errors.ts';
import { isJobEnd, type PullPolicy } from '#shared/jobs.ts';
import type { Clock } from '#shared/time.ts';
import type { BackupRecord, RevisionRecord, ServiceRecord, ServiceSource } from '../../store/records.ts';
import type { Stores, WriteContext } from '../../store/stores.ts';
import type { Access } from '../access/access.ts';
import type { Caller } from '../api/caller.ts';
import type { CustomerRules } from '../customers/customer-rules.ts';
import { withCredentialsOf } from '../git/git-redraft.ts';
import type { HostLinks } from '../hosts/host-links.ts';
import type { JobCancels } from '../jobs/job-cancels.ts';
import type { JobEnds } from '../jobs/job-ends.ts';
import type { JobOrder, JobStarts, JobSubject } from '../jobs/job-starts.ts';
import { requireOpen } from './placement.ts';
import { requireReviewable, requireWaiting } from '../deploys/review.ts';
import { holdUpdates } from '../updates/update-news.ts';
import { requireNoSet } from '../sets/member-guard.ts';
import { requireSettled } from '../moves/settled.ts';

/** A start, stop or restart that reaches its host later than this would surprise whoever asked for it. */
export const ACTION_EXPIRY_MS = 5 * 60_000;
/** The longest pause between two tries of an agent to connect is 64 s; most are back sooner. */
const OFFLINE_RETRY_S = 15;

export interface ServiceJobDeps {
  stores: Stores;
  access: Access;
  starts: JobStarts;
  ends: JobEnds;
  cancels: JobCancels;
  customerRules: CustomerRules;
  links: HostLinks;
  clock: Clock;
}

/** The revision to put back, with what it was made from; the credentials are those of the moment. */
export interface RollbackOrder extends Pick<RevisionRecord, 'revision' | 'limits'> {
  source: ServiceSource;
}

export interface RedeployOrder {
  pull: PullPolicy;
  /** Only of services by AI; absent: as the service wants it. */
  review?: boolean | undefined;
}

export class ServiceJobs {
  readonly #deps: ServiceJobDeps;

  constructor(deps: ServiceJobDeps) {
    this.#deps = deps;
  }

  act(tx: WriteContext, caller: Caller, id: string, kind: 'start' | 'stop' | 'restart'): string {
    const { access, stores, starts, customerRules, clock } = this.#deps;
    const service = access.requireService(caller, id);
    if (kind !== 'stop') customerRules.requireActive(service.customerId);
    this.requireIdle(service);
    requireDeployed(service, kind);
    this.#requireConnected(service);
    if (service.suspendedFrom !== null) stores.services.setSuspendedFrom(id, null); // its user wants it stopped
    stores.drains.remove(id);
    return starts.start(tx, service, { kind, pull: null, expiresAt: clock.now() + ACTION_EXPIRY_MS });
  }

  redeploy(tx: WriteContext, caller: Caller, id: string, { pull, review }: RedeployOrder): string {
    const { access, customerRules } = this.#deps;
    const service = access.requireService(caller, id);
    requireNoSet(service, 'redeployed');
    requireReviewable(service.method, review);
    customerRules.requireActive(service.customerId);
    this.requireIdle(service);
    this.#requireConnected(service);
    return this.#deploy(
      tx,
      { ...service, limits: customerRules.allotAgain(service) },
      {
        kind: 'redeploy',
        pull,
        review,
        madeBy: caller.name,
      },
    );
  }

  /** After a push, by whoever signed it: a host that is away gets it when it returns. */
  redeployPushed(tx: WriteContext, caller: Caller, id: string): string {
    const { access, stores, customerRules } = this.#deps;
    const service = access.requireService(caller, id);
    requireNoSet(service, 'redeployed');
    customerRules.requireActive(service.customerId);
    this.requireIdle(service);
    requireOpen(stores.hosts.find(service.hostId));
    const next = { ...service, limits: customerRules.allotAgain(service) };
    return this.#deploy(tx, next, { kind: 'redeploy', pull: 'always', madeBy: caller.name, cause: 'git push' });
  }

  /** Nobody asked for this one: newer images are there, and the service takes them by itself. */
  redeployForUpdate(tx: WriteContext, service: ServiceRecord): string {
    const { customerRules } = this.#deps;
    customerRules.requireActive(service.customerId);
    this.requireIdle(service);
    const next = { ...service, limits: customerRules.allotAgain(service) };
    return this.#deploy(tx, next, { kind: 'redeploy', pull: 'always', cause: 'newer images' });
  }

  /** Deploys what has just been written. Like a create it waits for a host that is away. */
  deployChanged(tx: WriteContext, caller: Caller, changed: ServiceRecord): string {
    this.requireIdle(changed);
    requireOpen(this.#deps.stores.hosts.find(changed.hostId));
    return this.#deploy(tx, changed, { kind: 'deploy', pull: 'missing', madeBy: caller.name });
  }

  /** Deploys a member of a set as its set wants it, which has been written. */
  deployMember(tx: WriteContext, member: ServiceRecord, order: Omit<JobOrder, 'expiresAt'>): string {
    this.requireIdle(member);
    requireOpen(this.#deps.stores.hosts.find(member.hostId));
    return this.#deploy(tx, member, order);
  }

  /** Puts a revision back; what it was made from is what is wanted from now on. */
  rollback(tx: WriteContext, caller: Caller, id: string, { revision, source, limits }: RollbackOrder): string {
    const { access, stores, customerRules } = this.#deps;
    const service = access.requireService(caller, id);
    requireNoSet(service, 'rolled back');
    customerRules.requireActive(service.customerId);
    this.requireIdle(service);
    this.#requireConnected(service);
    if (!isDeepStrictEqual(customerRules.allotAgain(service, limits), limits)) throw otherLimits(service, revision);
    stores.services.setSource(id, withCredentialsOf(source, stores.services.requireSource(id).git));
    const order = { kind: 'rollback', pull: null, rollbackOf: revision, madeBy: caller.name } as const;
    return this.#deploy(tx, { ...service, limits }, order);
  }

  /** Makes containers that drifted what the good revision says. */
  revert(tx: WriteContext, caller: Caller, id: string): string {
    const { access, starts, customerRules, clock } = this.#deps;
    const service = access.requireService(caller, id);
    customerRules.requireActive(service.customerId);
    this.requireIdle(service);
    requireDeployed(service, 'revert');
    this.#requireConnected(service);
    return starts.start(tx, service, { kind: 'revert', pull: null, expiresAt: clock.now() + ACTION_EXPIRY_MS });
  }

  /** Makes what lives what is wanted, once its host has found that it may. */
  accept(
    tx: WriteContext,
    caller: Caller,
    id: string,
    { before, source }: { before: ServiceSource; source: ServiceSource },
  ): string {
    const { access, stores, customerRules } = this.#deps;
    const service = access.requireService(caller, id);
    requireNoSet(service, 'accepted');
    customerRules.requireActive(service.customerId);
    this.requireIdle(service);
    this.#requireConnected(service);
    if (!isDeepStrictEqual(stores.services.requireSource(id), before)) throw changedMeanwhile(service);
    const next = { ...service, limits: customerRules.allotAgain(service) };
    return this.#deploy(tx, next, { kind: 'accept', pull: null, madeBy: caller.name, source });
  }

  /** Deploys what was shown. Throws `state_conflict` when another proposal waits by now. */
  approve(tx: WriteContext, caller: Caller, id: string, proposalId: string): string {
    const { access, stores, customerRules } = this.#deps;
    const service = access.requireService(caller, id);
    const { pull } = requireWaiting(service.name, stores.reviews.findWaiting(id), proposalId);
    customerRules.requireActive(service.customerId);
    this.requireIdle(service);
    this.#requireConnected(service);
    const order = { kind: 'deploy', pull, approves: proposalId, madeBy: caller.name, cause: 'approved' } as const;
    return this.#deploy(tx, { ...service, limits: customerRules.allotAgain(service) }, order);
  }

  /** Returns the removal that is under way already, if there is one. */
  remove(tx: WriteContext, caller: Caller, id: string): string {
    const { access, stores, starts, cancels } = this.#deps;
    const service = access.requireService(caller, id);
    requireSettled(stores, service);
    const open = stores.jobs.openOfService(id);
    const removal = open.find((job) => job.kind === 'remove');
    if (removal) return removal.id;
    // Backups outlive their service: what was to be deleted of them still is.
    for (const job of open) if (job.kind !== 'forget_backup') cancels.cancel(tx, job, 'superseded');
    const jobId = starts.start(tx, service, { kind: 'remove', pull: null, expiresAt: null });
    this.#endIfRevoked(tx, service.hostId, jobId);
    return jobId;
  }

  /** A backup of a service, or a restore of one into it. */
  aboutBackup(
    tx: WriteContext,
    caller: Caller,
    id: string,
    order: { kind: 'backup' | 'restore' | 'drill'; backupId: string; repositoryId?: string | null },
  ): string {
    const { access, starts, customerRules } = this.#deps;
    const service = access.requireService(caller, id);
    customerRules.requireActive(service.customerId);
    this.requireIdle(service);
    this.#requireConnected(service);
    return starts.startAbout(tx, service, { ...order, pull: null, expiresAt: null });
  }

  /** Also when its service is gone. Returns the job that is at it already, if there is one. */
  forgetBackup(tx: WriteContext, { id: backupId, serviceId, serviceName, ...backup }: BackupRecord): string {
    const { stores, starts } = this.#deps;
    const open = stores.jobs.openOfService(serviceId);
    const same = open.find((job) => job.kind === 'forget_backup' && job.backupId === backupId);
    if (same) return same.id;
    const subject = { id: serviceId, name: serviceName, customerId: backup.customerId, hostId: backup.hostId };
    this.requireIdle(subject);
    const jobId = starts.startAbout(tx, subject, { kind: 'forget_backup', backupId, pull: null, expiresAt: null });
    this.#endIfRevoked(tx, subject.hostId, jobId);
    return jobId;
  }

  cancel(tx: WriteContext, caller: Caller, jobId: string): string {
    const { access, cancels, customerRules } = this.#deps;
    const job = access.requireJob(caller, jobId);
    if (isJobEnd(job.state)) {
      throw new LongshoreError('state_conflict', { message: `Job "${jobId}" has ended: ${job.state}` });
    }
    // Calling the stop off would let a suspended customer's service run on.
    if (job.kind === 'stop') customerRules.requireActive(job.customerId);
    cancels.cancel(tx, job, 'cancelled');
    return jobId;
  }

  /** The next revision, with limits as they are in `service`. */
  #deploy(tx: WriteContext, service: ServiceRecord, order: Omit<JobOrder, 'expiresAt'>): string {
    const { stores, starts, ends, clock } = this.#deps;
    const revision = service.revision + 1;
    // A proposal leaves what runs as it is.
    const isTouched = service.deployedAt === null || starts.kindOf(service, order) !== 'propose';
    const status = isTouched ? { lifecycle: 'deploying' as const, reason: null } : {};
    const next: ServiceRecord = { ...service, ...status, revision };
    stores.services.setRevision(service.id, revision);
    stores.services.setLimits(service.id, service.limits);
    ends.setStatus(tx, service, next, clock.now());
    // Tried, or left behind: whatever else is deployed leaves newer images to be taken.
    if (order.pull === 'always' || order.kind === 'rollback') holdUpdates(stores, service.id, revision);
    return starts.start(tx, next, { ...order, expiresAt: null });
  }

  /** Nobody will ever hear of it: what control knows of it is all there is to remove. */
  #endIfRevoked(tx: WriteContext, hostId: string, jobId: string): void {
    const { stores, ends, clock } = this.#deps;
    if (stores.hosts.find(hostId)?.revokedAt === null) return;
    stores.commands.removeAll(hostId);
    ends.abandon(tx, jobId, 'succeeded', null, clock.now());
  }

  /** Throws `service_busy` naming the job. */
  requireIdle(service: JobSubject): void {
    requireSettled(this.#deps.stores, service);
    const [job] = this.#deps.stores.jobs.openOfService(service.id);
    if (!job) return;
    throw new LongshoreError('service_busy', {
      message: `Service "${service.name}" is busy: ${job.kind} is ${job.state}`,
      details: `Job ${job.id} is under way; wait for it or cancel it.`,
      retryAfter: 1,
    });
  }

  #requireConnected({ hostId }: ServiceRecord): void {
    const { links, stores } = this.#deps;
    const host = stores.hosts.find(hostId);
    // A revocation in the same commit has not cut the link yet.
    if (links.isConnected(hostId) && host?.revokedAt === null) return;
    throw new LongshoreError('host_offline', {
      message: `Host "${host?.name ?? hostId}" is not connected`,
      retryAfter: OFFLINE_RETRY_S,
    });
  }
}

/** Its containers have the limits of then in their file, and another file would be another revision. */
const otherLimits = ({ name }: ServiceRecord, revision: number): LongshoreError =>
  new LongshoreError('plan_limit', {
    message: `Revision ${revision} of "${name}" had no limits, and the plan of its customer now wants some`,
    details: 'Change the service to what it was then: it is deployed with the limits of the plan.',
  });

const changedMeanwhile = ({ name }: ServiceRecord): LongshoreError =>
  new LongshoreError('state_conflict', { message: `Service "${name}" was changed meanwhile` });

function requireDeployed(service: ServiceRecord, kind: string): void {
  const problem = problemOf(service, kind);
  if (problem === undefined) return;
  throw new LongshoreError('state_conflict', { message: `Cannot ${kind} service "${service.name}": it ${problem}` });
}

/** What is disabled may be stopped. */
function problemOf({ deployedAt, isEnabled }: ServiceRecord, kind: string): string | undefined {
  if (deployedAt === null) return 'was never deployed; redeploy it';
  return isEnabled || kind === 'stop' ? undefined : 'is disabled; enable it first';
}
