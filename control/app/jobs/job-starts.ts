// The one place where a job begins: its row, its event and the command to the host are one write.
import { newId } from '#shared/ids.ts';
import { isBackupKind, type BackupKind } from '#shared/backup.ts';
import {
  type AdoptedContainer,
  bringsSpec,
  isDeployKind,
  type JobKind,
  type JobOffer,
  type PullPolicy,
} from '#shared/jobs.ts';
import type { ServiceSpec } from '#shared/model.ts';
import type { Clock } from '#shared/time.ts';
import type { JobRecord, ServiceRecord, ServiceSource } from '../../store/records.ts';
import type { Stores, WriteContext } from '../../store/stores.ts';
import { toldSettings } from '../backups/spread.ts';
import { withCredentialsOf } from '../git/git-redraft.ts';
import type { HostLinks } from '../hosts/host-links.ts';
import { kindOf } from '../deploys/review.ts';
import { tellEnabled } from '../services/enablement.ts';
import { requireUndrained } from '../services/placement.ts';
import { requireSendable, specOf } from '../services/service-spec.ts';

export interface JobOrder {
  kind: JobKind;
  pull: PullPolicy | null;
  /** When it must not start any more; null: never. */
  expiresAt: number | null;
  /** Why, where nobody asked for this very job: `customer suspended`. */
  cause?: string | undefined;
  /** Name of who asked for it. */
  madeBy?: string | undefined;
  /** The revision that a rollback puts back. */
  rollbackOf?: number | undefined;
  /** Of a service by AI, this time: whether it stops at its plan. Absent: as the service wants it. */
  review?: boolean | undefined;
  /** The proposal that a deploy carries out. */
  approves?: string | undefined;
  /** The containers that an adoption takes over. */
  adopts?: readonly AdoptedContainer[] | undefined;
  /** What the service is made from once the job has succeeded; until then it stays what it is. */
  source?: ServiceSource | undefined;
  /** What a job about a backup is about; of a deploy, the backup whose data it brings. */
  backupId?: string | undefined;
  /** Where a backup goes; null: on its host. */
  repositoryId?: string | null | undefined;
}

/** Whose job it is. A backup may be forgotten when its service is gone. */
export type JobSubject = Pick<ServiceRecord, 'id' | 'name' | 'customerId' | 'hostId'>;

/** They run nothing that does not run already. */
const QUIET: readonly JobKind[] = ['stop', 'remove', 'propose', 'accept'];

type Offered = Pick<JobRecord, 'id' | 'serviceId' | 'hostId' | 'kind' | 'pull' | 'expiresAt' | 'backupId' | 'cause'>;

/** The cause of all jobs of a move; its backups are of the volumes alone. */
export const MOVE_CAUSE = 'moves to another host';

export class JobStarts {
  readonly #stores: Stores;
  readonly #links: HostLinks;
  readonly #clock: Clock;

  constructor(stores: Stores, links: HostLinks, clock: Clock) {
    this.#stores = stores;
    this.#links = links;
    this.#clock = clock;
  }

  /** Returns the id of the job. Throws host_drained; validation_error when the service is too large to be told to its host. */
  start(tx: WriteContext, service: ServiceRecord, asked: JobOrder): string {
    const order = { ...asked, kind: this.kindOf(service, asked) };
    if (!QUIET.includes(order.kind)) requireUndrained(this.#stores.hosts.find(service.hostId));
    const job = this.#write(service, order);
    if (order.approves !== undefined) this.#stores.reviews.approve(service.id, order.approves, job.id);
    this.#keepRevision(service, job.id, order);
    if (order.adopts) this.#stores.adoptions.put(job.id, order.adopts);
    this.#offer(tx, job, service);
    return job.id;
  }

  /** What is begun when this is asked for: of some services a deploy stops at its plan. */
  kindOf({ id, method }: ServiceRecord, order: Pick<JobOrder, 'kind' | 'review' | 'approves'>): JobKind {
    return kindOf(order, method, method === 'ai' && this.#stores.reviews.isWanted(id));
  }

  /** A job that needs nothing of the service but its id. */
  startAbout(
    tx: WriteContext,
    subject: JobSubject,
    order: JobOrder & { kind: BackupKind | 'stop' | 'remove' },
  ): string {
    const job = this.#write(subject, order);
    this.#offer(tx, job, undefined, order.repositoryId);
    return job.id;
  }

  #keepRevision({ id, revision, limits }: ServiceRecord, jobId: string, order: JobOrder): void {
    const { kind, cause = null, madeBy = null, rollbackOf = null } = order;
    if (!isDeployKind(kind)) return;
    const { revisions, services } = this.#stores;
    const made = { serviceId: id, revision, jobId, kind, cause, madeBy, rollbackOf, limits };
    // Whoever goes back to it uses the credentials of that day: an old token is kept nowhere.
    revisions.put(made, withCredentialsOf(order.source ?? services.requireSource(id), undefined));
  }

  #write(service: JobSubject, { kind, pull, expiresAt, ...order }: JobOrder): Offered {
    const now = this.#clock.now();
    const job = {
      kind,
      pull,
      expiresAt,
      cause: order.cause ?? null,
      backupId: order.backupId ?? null,
      id: newId('job', now),
      serviceId: service.id,
      serviceName: service.name,
      customerId: service.customerId,
      hostId: service.hostId,
      state: this.#links.isConnected(service.hostId) ? ('offered' as const) : ('queued' as const),
      createdAt: now,
    };
    this.#stores.jobs.insert(job);
    this.#stores.events.insert({
      serviceId: service.id,
      hostId: service.hostId,
      type: eventTypeOf(job),
      status: 'started',
      message: `${job.state === 'queued' ? 'Waits for the host' : 'Asked for'}: ${kind}${causeOf(order)}`,
      at: now,
    });
    return job;
  }

  /**
   * Offers a job that its host has lost anew, under the same id. Throws validation_error, with nothing written, when the
   * shared variables of the service have grown too large since.
   */
  offerAgain(tx: WriteContext, service: ServiceRecord, job: JobRecord): void {
    this.#offer(tx, job, service);
    this.#stores.jobs.requeue(job.id);
  }

  /** Tells the host to stop a job. */
  cancel(tx: WriteContext, hostId: string, jobId: string, reason: 'cancelled' | 'superseded'): void {
    this.#stores.commands.append(hostId, { kind: 'job.cancel', jobId, reason });
    tx.afterCommit(() => this.#links.nudge(hostId));
  }

  #offer(tx: WriteContext, job: Offered, service?: ServiceRecord, repositoryId?: string | null): void {
    const offer: JobOffer = {
      jobId: job.id,
      serviceId: job.serviceId,
      kind: job.kind,
      epoch: 0, // the dispatcher writes the host's epoch at the time of sending
      ...(service && bringsSpec(job.kind) && { spec: this.#specFor(job, service) }),
      ...(job.kind === 'rollback' && this.#rollbackOf(job.id)),
      ...(job.kind === 'deploy' && this.#approvedBy(job)),
      ...(job.kind === 'adopt' && { adopts: this.#stores.adoptions.find(job.id) }),
      ...(job.pull !== null && { pull: job.pull }),
      ...(job.expiresAt !== null && { expiresAt: job.expiresAt }),
      ...(job.backupId !== null && { backupId: job.backupId }),
      ...this.#aboutBackups(job, repositoryId),
    };
    requireSendable(offer);
    this.#stores.commands.append(job.hostId, { kind: 'job.offer', offer });
    // The host may know nothing of it any more, and takes what it is told about for enabled.
    if (offer.spec && service?.isEnabled === false) tellEnabled(this.#stores, service);
    tx.afterCommit(() => this.#links.nudge(job.hostId));
  }

  #specFor({ id, kind }: Offered, service: ServiceRecord): ServiceSpec {
    if (kind !== 'accept') return specOf(this.#stores, service);
    const { revisions } = this.#stores;
    const revision = revisions.findByJob(id)?.revision ?? service.revision;
    return specOf(this.#stores, service, revisions.findSource(service.id, revision));
  }

  /** Where the backup lies, whose it is, and how the service is backed up from now on. */
  #aboutBackups(
    { kind, serviceId, backupId, cause }: Offered,
    repositoryId: string | null | undefined,
  ): Pick<JobOffer, 'repository' | 'backupOf' | 'backupSettings' | 'volumesOnly'> {
    const service = this.#stores.services.find(serviceId);
    const isTold = service !== undefined && (kind === 'backup' || kind === 'drill' || bringsSpec(kind));
    const backupSettings = isTold ? toldSettings(this.#stores, service) : undefined;
    const backup = backupId === null ? undefined : this.#stores.backups.find(backupId);
    const where = repositoryId === undefined ? backup?.repositoryId : repositoryId;
    const spec = typeof where === 'string' ? this.#stores.backupRepositories.specOf(where) : undefined;
    // A deploy brings what a backup holds, also that of the service itself on another host.
    const brings = backup && (bringsSpec(kind) || backup.serviceId !== serviceId);
    const backupOf = brings ? backup.serviceId : undefined;
    const isAbout = isBackupKind(kind) || backupOf !== undefined;
    return {
      ...(backupSettings && { backupSettings }),
      ...(isAbout && where !== undefined && (where === null || spec) && { repository: spec ?? null }),
      ...(backupOf !== undefined && { backupOf }),
      ...(kind === 'backup' && cause === MOVE_CAUSE && { volumesOnly: true }),
    };
  }

  #approvedBy({ id, serviceId }: Offered): Pick<JobOffer, 'approves'> {
    const approves = this.#stores.reviews.findApproved(id, serviceId);
    return approves === undefined ? {} : { approves };
  }

  #rollbackOf(jobId: string): Pick<JobOffer, 'rollbackTo'> {
    return { rollbackTo: this.#stores.revisions.findByJob(jobId)?.rollbackOf ?? undefined };
  }
}

/** In the timeline. What a move removes behind it is no end of its service, which receivers of webhooks act upon. */
export function eventTypeOf({ kind, cause }: Pick<JobRecord, 'kind' | 'cause'>): string {
  if (kind === 'remove' && cause === MOVE_CAUSE) return 'move';
  return bringsSpec(kind) ? 'deploy' : kind;
}

const causeOf = ({ cause }: Pick<JobOrder, 'cause'>): string => (cause === undefined ? '' : ` (${cause})`);
