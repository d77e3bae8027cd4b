// Whether services are healed, where a host says otherwise at its hello than control knows.
import type { Proof } from '#shared/protocol/handshake.ts';
import { tellEnabled } from '../app/services/enablement.ts';
import type { ServiceRecord } from '../store/records.ts';
import type { Stores } from '../store/stores.ts';
import type { Incident } from './resume.ts';

export interface Hello {
  hostId: string;
  services: Proof['services'];
  incident: Incident | null;
  at: number;
}

/** Inside the write that welcomes the host, after its commands are in line. */
export function alignEnabled(stores: Stores, { hostId, services, incident, at }: Hello): void {
  const others = services.flatMap(({ serviceId, isEnabled }) => {
    const service = stores.services.find(serviceId);
    return isEnabled !== undefined && service?.hostId === hostId && service.isEnabled !== isEnabled ? [service] : [];
  });
  if (others.length === 0) return;
  const waiting = wordsInLine(stores, hostId);
  for (const service of others) {
    if (waiting.has(service.id) || stores.moves.findOpen(service.id)) continue; // it is told anyway, or on its way
    if (incident === 'control_restored') takeOver(stores, service, at);
    else tellEnabled(stores, service);
  }
}

function wordsInLine({ hosts, commands }: Stores, hostId: string): ReadonlySet<string> {
  const waiting = commands.pending(hostId, hosts.find(hostId)?.ackedSeq ?? 0, Number.MAX_SAFE_INTEGER);
  return new Set(waiting.flatMap(({ body }) => (body.kind === 'service.enable' ? [body.serviceId] : [])));
}

/** Somebody said so after the backup was made. */
function takeOver(
  { services, events }: Stores,
  { id, hostId, isEnabled: wasEnabled }: ServiceRecord,
  at: number,
): void {
  services.setEnabled(id, !wasEnabled, at);
  const status = wasEnabled ? 'disabled' : 'enabled';
  const message = `It was ${status} after the backup that this control plane came from`;
  events.insert({ serviceId: id, hostId, type: 'service', status, message, at });
}
