// Where the services of a caller run, for dialects that call them by name.
import type { App } from '../app/api/app.ts';
import type { Caller } from '../app/api/caller.ts';
import type { Service } from '../app/api/services.ts';
import { fromName, pickService, type Placed } from './names.ts';

export function placeAll(app: App, caller: Caller, services: readonly Service[]): Placed[] {
  const ids = new Set(services.map(({ hostId }) => hostId));
  const hosts = new Map([...ids].map((id) => [id, app.hosts.require(caller, id)]));
  return services.flatMap((service) => {
    const host = hosts.get(service.hostId);
    return host ? [{ service, host }] : [];
  });
}

/** By name, or `host/name`. Throws `not_found` and `name_ambiguous`. */
export const requirePlaced = (app: App, caller: Caller, asked: string): Placed =>
  pickService(asked, placeAll(app, caller, app.services.named(caller, fromName(asked).name)));
