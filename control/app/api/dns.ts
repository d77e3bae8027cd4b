// DNS zones as the app layer offers them. Nobody is ever given a secret.
import type { DnsNameRecord, DnsNameState } from '../../store/dns.ts';
import type { DnsSettings } from '../dns/provider.ts';
import type { Caller } from './caller.ts';
import type { Order, Page, Paging } from './page.ts';

export interface DnsZone {
  id: string;
  name: string;
  settings: DnsSettings;
  ttlS: number;
  /** Names that Longshore keeps in it. */
  names: number;
  createdAt: number;
  updatedAt: number;
}

export interface NewDnsZone {
  name: string;
  settings: DnsSettings;
  secret: string;
  ttlS: number;
}

/** Settings and secret go together: a secret is never sent to another server than it was given for. */
export interface DnsZoneChange {
  access?: { settings: DnsSettings; secret: string } | undefined;
  ttlS?: number | undefined;
}

export type DnsName = Omit<DnsNameRecord, 'zoneId'>;

export interface DnsZoneQuery extends Paging {
  sort: 'name' | 'created_at';
  order: Order;
}

export interface DnsNameQuery extends Paging {
  state?: DnsNameState | undefined;
  sort: 'hostname' | 'updated_at';
  order: Order;
}

/** For operators who see every host. */
export interface DnsZones {
  list(caller: Caller, query: DnsZoneQuery): Page<DnsZone>;
  require(caller: Caller, id: string): DnsZone;
  /** Asks the provider first: throws `dns_refused`, `egress_failed`, `timed_out`; `name_taken` for a zone twice. */
  create(caller: Caller, input: NewDnsZone): Promise<DnsZone>;
  /** As `create`. Names that failed are tried again at once. */
  update(caller: Caller, id: string, change: DnsZoneChange): Promise<DnsZone>;
  /** Throws `in_use` while it holds names of ours; with `keepsRecords` they stay in DNS and are forgotten. */
  remove(caller: Caller, id: string, options: { keepsRecords: boolean }): Promise<void>;
  names(caller: Caller, id: string, query: DnsNameQuery): Page<DnsName>;
}
