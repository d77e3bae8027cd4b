// Drift of a service: its host finds it, and says which file would make what lives. Whether that file is one the service
// may have is decided here, by the rules of any other file.
import { isDeepStrictEqual } from 'node:util';
import { LongshoreError } from '#shared/errors.ts';
import type { ShownDrift } from '#shared/protocol/drift-parts.ts';
import type { ServiceRecord, ServiceSource } from '../../store/records.ts';
import type { Stores } from '../../store/stores.ts';
import type { Access } from '../access/access.ts';
import type { Caller } from '../api/caller.ts';
import type { Drifts } from '../api/drift.ts';
import type { Job } from '../api/jobs.ts';
import type { Service } from '../api/services.ts';
import type { CustomerRules } from '../customers/customer-rules.ts';
import type { HostLinks } from '../hosts/host-links.ts';
import type { IdempotencyDesk } from '../idempotency.ts';
import { judgeSource } from '../services/service-draft.ts';
import type { ServiceJobs } from '../services/service-jobs.ts';
import type { ServiceDesk } from '../services/services.ts';

export interface DriftDeps {
  stores: Stores;
  access: Access;
  effects: IdempotencyDesk;
  customerRules: Pick<CustomerRules, 'requireActive'>;
  serviceJobs: Pick<ServiceJobs, 'revert' | 'accept' | 'requireIdle'>;
  services: Pick<ServiceDesk, 'showWithJob'>;
  links: Pick<HostLinks, 'ask'>;
  /** Host ports of Longshore itself. */
  reservedPorts: () => readonly number[];
}

export class DriftDesk implements Drifts {
  readonly #deps: DriftDeps;

  constructor(deps: DriftDeps) {
    this.#deps = deps;
  }

  async detail(caller: Caller, serviceId: string): Promise<ShownDrift> {
    const { access, links } = this.#deps;
    const { hostId } = access.requireService(caller, serviceId);
    return (await links.ask(hostId, 'service.drift', { serviceId })).drift;
  }

  async revert(caller: Caller, serviceId: string): Promise<{ service: Service; job: Job }> {
    const { effects, serviceJobs, services } = this.#deps;
    const { jobId } = await effects.perform(() => (tx) => ({ jobId: serviceJobs.revert(tx, caller, serviceId) }));
    return services.showWithJob(serviceId, jobId);
  }

  async accept(caller: Caller, serviceId: string): Promise<{ service: Service; job: Job }> {
    const { effects, serviceJobs, services } = this.#deps;
    const { jobId } = await effects.perform(async () => {
      const source = await this.#draft(caller, serviceId);
      return (tx) => ({ jobId: serviceJobs.accept(tx, caller, serviceId, source) });
    });
    return services.showWithJob(serviceId, jobId);
  }

  /** What the service would be made from. Refused early where that is known here. */
  async #draft(caller: Caller, serviceId: string): Promise<{ before: ServiceSource; source: ServiceSource }> {
    const { access, stores, customerRules, serviceJobs, links, reservedPorts } = this.#deps;
    const service = access.requireService(caller, serviceId);
    customerRules.requireActive(service.customerId);
    serviceJobs.requireIdle(service);
    const before = stores.services.requireSource(serviceId);
    requireWanted(stores, service, before);
    const { draft } = await links.ask(service.hostId, 'service.drift_draft', { serviceId });
    const source = { ...before, compose: draft.compose };
    judgeSource(source, { ...service, reservedPorts: reservedPorts() });
    return { before, source };
  }
}

/** Else accepting would undo a change that was asked for and has not come to run. */
function requireWanted(
  { revisions }: Stores,
  { id, name, report, method }: ServiceRecord,
  wanted: ServiceSource,
): void {
  const running = report?.revision ?? null;
  const made = running === null ? undefined : revisions.findSource(id, running);
  if (method !== 'compose' || (made && isDeepStrictEqual(made, wanted))) return;
  throw new LongshoreError('state_conflict', {
    message: `Service "${name}" does not run what is wanted of it`,
    details: 'Redeploy it, or roll back to what runs; then accept.',
  });
}
