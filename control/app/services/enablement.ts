// Whether a service is healed and brought back by its host. Disabling stops nothing: what runs runs on, and what ends
// stays down until somebody enables it.
import type { Clock } from '#shared/time.ts';
import type { ServiceRecord } from '../../store/records.ts';
import type { Stores, WriteContext } from '../../store/stores.ts';
import type { Access } from '../access/access.ts';
import type { Caller } from '../api/caller.ts';
import type { HostLinks } from '../hosts/host-links.ts';
import { requireOpen } from './placement.ts';

export interface EnablementDeps {
  stores: Stores;
  access: Access;
  links: Pick<HostLinks, 'nudge'>;
  clock: Clock;
}

/** A host that is away hears of it when it returns. Enabling what is enabled has its host begin anew with its failures. */
export function setEnabled(
  { stores, access, links, clock }: EnablementDeps,
  tx: WriteContext,
  caller: Caller,
  { id, isEnabled }: { id: string; isEnabled: boolean },
): void {
  const { hostId, isEnabled: wasEnabled } = access.requireService(caller, id);
  requireOpen(stores.hosts.find(hostId));
  stores.services.setEnabled(id, isEnabled, clock.now());
  tellEnabled(stores, { id, hostId, isEnabled });
  tx.afterCommit(() => links.nudge(hostId));
  if (wasEnabled === isEnabled) return;
  const status = isEnabled ? 'enabled' : 'disabled';
  const message = isEnabled ? 'Its host heals it again' : 'Its host leaves it alone';
  stores.events.insert({ serviceId: id, hostId, type: 'service', status, message, at: clock.now() });
}

/** Puts the word in line for its host; whoever calls nudges. */
export function tellEnabled(
  { commands }: Stores,
  { id, hostId, isEnabled }: Pick<ServiceRecord, 'id' | 'hostId' | 'isEnabled'>,
): void {
  commands.append(hostId, { kind: 'service.enable', serviceId: id, isEnabled });
}
