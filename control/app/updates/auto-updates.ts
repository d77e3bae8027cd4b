// Services that take newer images by themselves. Safe to run at any time and twice: the job and the note that these
// images were tried are one write, so there is never a second job for the same images.
import { toLongshoreError, type LongshoreError } from '#shared/errors.ts';
import type { Logger } from '#shared/log.ts';
import type { Clock } from '#shared/time.ts';
import type { ServiceRecord } from '../../store/records.ts';
import type { Stores, WriteContext } from '../../store/stores.ts';
import type { HostLinks } from '../hosts/host-links.ts';
import type { ServiceJobs } from '../services/service-jobs.ts';
import { decideUpdate } from './decide.ts';
import { holdUpdates } from './update-news.ts';

export interface AutoUpdateDeps {
  stores: Stores;
  serviceJobs: Pick<ServiceJobs, 'redeployForUpdate'>;
  links: Pick<HostLinks, 'isConnected'>;
  clock: Clock;
  log: Logger;
}

export class AutoUpdates {
  readonly #deps: AutoUpdateDeps;

  constructor(deps: AutoUpdateDeps) {
    this.#deps = deps;
  }

  /** Begins what is due: on each host one at a time, and nothing beside another deploy there. */
  async run(): Promise<void> {
    for (const { id } of this.#deps.stores.services.withUpdates()) await this.#update(id);
  }

  async #update(id: string): Promise<void> {
    const { stores, log } = this.#deps;
    try {
      if (this.#findDue(id)) await stores.writer.write((tx) => this.#begin(tx, id));
    } catch (error) {
      const fault = toLongshoreError(error);
      log.warn({ err: fault, service: id }, 'could not update a service by itself');
      if (!fault.retryable && fault.code !== 'internal') await stores.writer.write(() => this.#giveUp(id, fault));
    }
  }

  /** Again inside the write: what was true before may not be true any more. */
  #begin(tx: WriteContext, id: string): void {
    const service = this.#findDue(id);
    if (service) this.#deps.serviceJobs.redeployForUpdate(tx, service);
  }

  /** A plan that is full today is full in five seconds: what may not be begun counts as tried. */
  #giveUp(serviceId: string, { message: cause }: LongshoreError): void {
    const { stores, clock } = this.#deps;
    const service = stores.services.find(serviceId);
    if (!service) return;
    holdUpdates(stores, serviceId, service.revision);
    const message = `Newer images were not taken: ${cause}`;
    const told = { serviceId, hostId: service.hostId, type: 'update', status: 'refused', message };
    stores.events.insert({ ...told, at: clock.now() });
  }

  #findDue(id: string): ServiceRecord | undefined {
    const { stores, links, clock } = this.#deps;
    const service = stores.services.find(id);
    const updates = service && stores.imageUpdates.find(id);
    if (!updates || !links.isConnected(service.hostId)) return undefined;
    const isBusy = stores.jobs.openOfHost(service.hostId).length > 0;
    const good = stores.revisions.ofService(id).filter(({ recordedAt }) => recordedAt !== null);
    const goodRevision = good.length === 0 ? null : Math.max(...good.map(({ revision }) => revision));
    const decision = decideUpdate({ service, updates, goodRevision, isBusy, now: clock.now() });
    return decision.act === 'update' ? service : undefined;
  }
}
