// Asks hosts about their images: for newer ones, and to remove what they do not need.
import { LongshoreError } from '#shared/errors.ts';
import type { PruneRequest, PruneResult } from '#shared/protocol/image-parts.ts';
import type { Clock } from '#shared/time.ts';
import type { Stores } from '../../store/stores.ts';
import type { Access } from '../access/access.ts';
import type { Caller } from '../api/caller.ts';
import type { Images } from '../api/images.ts';
import type { ServiceDetail } from '../api/services.ts';
import type { HostLinks } from '../hosts/host-links.ts';
import type { IdempotencyDesk } from '../idempotency.ts';
import type { ServiceDesk } from '../services/services.ts';
import { noteUpdates } from './update-news.ts';

export interface ImageDeskDeps {
  stores: Stores;
  access: Access;
  effects: IdempotencyDesk;
  services: Pick<ServiceDesk, 'detail'>;
  links: Pick<HostLinks, 'ask'>;
  clock: Clock;
}

/** What people and proxies wait for; a host that takes longer finishes its work, and tells of newer images by itself. */
const DEADLINE_MS = 55_000;

export class ImageDesk implements Images {
  readonly #deps: ImageDeskDeps;

  constructor(deps: ImageDeskDeps) {
    this.#deps = deps;
  }

  async checkUpdates(caller: Caller, serviceId: string): Promise<ServiceDetail> {
    const { stores, access, effects, services, links, clock } = this.#deps;
    await effects.perform(async () => {
      const { hostId } = access.requireService(caller, serviceId);
      const { updates } = await links.ask(hostId, 'service.updates', { serviceId }, { timeoutMs: DEADLINE_MS });
      if (updates.serviceId !== serviceId) throw new LongshoreError('protocol_violation');
      return () => {
        noteUpdates(stores, access.requireService(caller, serviceId), updates, clock.now());
        return { serviceId };
      };
    });
    return services.detail(caller, serviceId);
  }

  async prune(caller: Caller, hostId: string, request: PruneRequest): Promise<PruneResult> {
    const { access, effects, links } = this.#deps;
    return effects.perform(async () => {
      access.requireHost(caller, hostId);
      access.requireHostOperator(caller);
      const result = await links.ask(hostId, 'host.prune', request, { timeoutMs: DEADLINE_MS });
      return () => result;
    });
  }
}
