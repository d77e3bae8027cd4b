// Hosts as the app layer offers them.
import type { HostFacts } from '#shared/model.ts';
import type { HostSample } from '#shared/stats.ts';
import type { EventRecord } from '../../store/records.ts';
import type { Caller } from './caller.ts';
import type { Order, Page, Paging } from './page.ts';

export interface Host {
  id: string;
  name: string;
  labels: Record<string, string>;
  status: 'connected' | 'offline' | 'revoked' | 'fenced';
  /** Null: it has never been here. */
  statusSince: number | null;
  facts: HostFacts | null;
  factsAt: number | null;
  /** Null until it has said, since control started. */
  usage: HostSample | null;
  lastSeenAt: number | null;
  createdAt: number;
  /** Since when it takes no new services; null: it does. */
  cordonedAt: number | null;
  /** Since when its services are stopped; null: they run. */
  drainedAt: number | null;
}

export type HostEvent = EventRecord;

export interface HostEventQuery extends Paging {
  order?: Order | undefined;
  /** Only these: `offline`, `renamed`. */
  status?: string | undefined;
}

export const HOST_SORTS = ['name', 'created_at'] as const;
export interface HostQuery extends Paging {
  search?: string | undefined;
  sort?: (typeof HOST_SORTS)[number] | undefined;
  order?: Order | undefined;
}

export interface Hosts {
  list(caller: Caller, query: HostQuery): Page<Host>;
  require(caller: Caller, id: string): Host;
  /** What happened to the host itself, the newest first unless asked otherwise; what happened to services is theirs. */
  events(caller: Caller, id: string, query: HostEventQuery): Page<HostEvent>;
  /** What the host says of itself; null for one that is not there or that the caller may not see. */
  findFacts(caller: Caller, id: string): HostFacts | null;
  /** Closes its socket within 5 s; services stay as they are. */
  revoke(caller: Caller, id: string): Promise<void>;
}
