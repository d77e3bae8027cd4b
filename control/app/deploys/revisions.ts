// The revisions of a service: the host knows what each came to, the store what it was made from and why.
import { LongshoreError } from '#shared/errors.ts';
import type { RevisionSummary } from '#shared/protocol/deploy-parts.ts';
import type { RevisionRecord, ServiceRecord, ServiceSource } from '../../store/records.ts';
import type { Stores } from '../../store/stores.ts';
import type { Access } from '../access/access.ts';
import type { Caller } from '../api/caller.ts';
import type { Job } from '../api/jobs.ts';
import type { Revision, RevisionDetail, RevisionDiff, Revisions } from '../api/revisions.ts';
import type { Service } from '../api/services.ts';
import type { HostLinks } from '../hosts/host-links.ts';
import type { IdempotencyDesk } from '../idempotency.ts';
import type { RollbackOrder, ServiceJobs } from '../services/service-jobs.ts';
import type { ServiceDesk } from '../services/services.ts';

export interface RevisionDeps {
  stores: Stores;
  access: Access;
  effects: IdempotencyDesk;
  serviceJobs: ServiceJobs;
  services: Pick<ServiceDesk, 'showWithJob'>;
  links: Pick<HostLinks, 'ask'>;
}

export class RevisionDesk implements Revisions {
  readonly #deps: RevisionDeps;

  constructor(deps: RevisionDeps) {
    this.#deps = deps;
  }

  async list(caller: Caller, serviceId: string): Promise<Revision[]> {
    const { current, kept } = await this.#kept(this.#deps.access.requireService(caller, serviceId));
    const known = this.#known(serviceId);
    return kept.map((summary) => toRevision(summary, current, known.get(summary.revision)));
  }

  async detail(caller: Caller, serviceId: string, number: number): Promise<RevisionDetail> {
    const { access, links } = this.#deps;
    const { hostId, report } = access.requireService(caller, serviceId);
    const { revision, compose } = await links.ask(hostId, 'service.revision', { serviceId, revision: number });
    return { ...toRevision(revision, report?.revision ?? null, this.#known(serviceId).get(number)), compose };
  }

  async diff(caller: Caller, serviceId: string, to: number, against: number | undefined): Promise<RevisionDiff> {
    const { access, links } = this.#deps;
    const service = access.requireService(caller, serviceId);
    const from = against ?? (await this.#requireBefore(service, to));
    const { services } = await links.ask(service.hostId, 'service.compare', { serviceId, from, to });
    return { from, to, services };
  }

  async rollback(
    caller: Caller,
    serviceId: string,
    revision: number | undefined,
  ): Promise<{ service: Service; job: Job }> {
    const { access, effects, serviceJobs, services } = this.#deps;
    const { jobId } = await effects.perform(async () => {
      const order = await this.#chooseTarget(access.requireService(caller, serviceId), revision);
      return (tx) => ({ jobId: serviceJobs.rollback(tx, caller, serviceId, order) });
    });
    return services.showWithJob(serviceId, jobId);
  }

  /** Both sides must have it: the host what ran, control what to want from now on. */
  async #chooseTarget(service: ServiceRecord, asked: number | undefined): Promise<RollbackOrder> {
    const { kept } = await this.#kept(service);
    const known = this.#known(service.id);
    const whole = kept.filter(({ revision }) => typeof known.get(revision)?.recordedAt === 'number');
    const target = whole.find(({ revision }) =>
      asked === undefined ? revision < service.revision : revision === asked,
    );
    const record = target && known.get(target.revision);
    const source = target && this.#deps.stores.revisions.findSource(service.id, target.revision);
    if (record && source) return { ...record, source: pinned(source, target.commit) };
    throw noTarget(service, asked, whole);
  }

  async #requireBefore(service: ServiceRecord, number: number): Promise<number> {
    const { kept } = await this.#kept(service);
    const before = kept.find(({ revision }) => revision < number);
    if (before) return before.revision;
    throw new LongshoreError('not_found', {
      message: `The host keeps no revision before ${number} of "${service.name}"`,
    });
  }

  async #kept({ id, hostId }: ServiceRecord): Promise<{ current: number | null; kept: RevisionSummary[] }> {
    const { current, revisions } = await this.#deps.links.ask(hostId, 'service.revisions', { serviceId: id });
    return { current, kept: revisions };
  }

  #known(serviceId: string): Map<number, RevisionRecord> {
    return new Map(this.#deps.stores.revisions.ofService(serviceId).map((record) => [record.revision, record]));
  }
}

const toRevision = (
  summary: RevisionSummary,
  current: number | null,
  record: RevisionRecord | undefined,
): Revision => ({
  ...summary,
  isCurrent: summary.revision === current,
  kind: record?.kind ?? null,
  cause: record?.cause ?? null,
  madeBy: record?.madeBy ?? null,
  limits: record?.limits ?? null,
});

/** The branch has moved on since: without the commit the next redeploy would undo the rollback. */
const pinned = (source: ServiceSource, commit: string | null): ServiceSource =>
  source.git && commit !== null ? { ...source, git: { ...source.git, commit } } : source;

function noTarget({ name }: ServiceRecord, asked: number | undefined, whole: RevisionSummary[]): LongshoreError {
  if (asked === undefined) {
    return new LongshoreError('state_conflict', {
      message: `Service "${name}" has no earlier revision to go back to`,
    });
  }
  const kept = whole.map(({ revision }) => revision).join(', ') || 'none';
  return new LongshoreError('validation_error', { fields: { revision: `is not kept; there are: ${kept}` } });
}
