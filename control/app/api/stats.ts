// What hosts and services used, as the app layer offers it: asked from the host, which keeps it.
import type { Params, Result } from '#shared/protocol/schema.ts';
import type { Caller } from './caller.ts';

/** Times are milliseconds since the epoch; what is absent the host chooses. */
export type StretchAsked = Params<'host.stats'>;
export type HostStats = Result<'host.stats'>;
export type ServiceStats = Result<'service.stats'>;

export interface Stats {
  /** Throws `host_offline`. */
  host(caller: Caller, id: string, asked: StretchAsked): Promise<HostStats>;
  /** `container`: the name of the one that is meant; absent: all of them together. */
  service(caller: Caller, id: string, asked: StretchAsked & { container?: string | undefined }): Promise<ServiceStats>;
}
