// DNS zones as operators see and change them. What lies in them is the keeper's.
import { LongshoreError } from '#shared/errors.ts';
import { newId } from '#shared/ids.ts';
import type { Clock } from '#shared/time.ts';
import type { ZoneRecord } from '../../store/dns.ts';
import type { Stores } from '../../store/stores.ts';
import type { Access } from '../access/access.ts';
import type { Caller } from '../api/caller.ts';
import type { DnsName, DnsNameQuery, DnsZone, DnsZoneChange, DnsZoneQuery, DnsZones, NewDnsZone } from '../api/dns.ts';
import type { Page } from '../api/page.ts';
import type { IdempotencyDesk } from '../idempotency.ts';
import { missing } from '../missing.ts';
import type { DnsSettings } from './provider.ts';
import type { ZoneCalls } from './zone-calls.ts';

/** Each name is compared with each zone. */
const MAX_ZONES = 200;

export interface DnsZoneDeskDeps {
  stores: Stores;
  access: Access;
  effects: IdempotencyDesk;
  calls: ZoneCalls;
  clock: Clock;
}

export class DnsZoneDesk implements DnsZones {
  readonly #deps: DnsZoneDeskDeps;

  constructor(deps: DnsZoneDeskDeps) {
    this.#deps = deps;
  }

  list(caller: Caller, query: DnsZoneQuery): Page<DnsZone> {
    this.#requireOperator(caller);
    const { items, total } = this.#deps.stores.dns.listZones(query);
    const { page, perPage } = query;
    return { items: items.map((zone) => this.#toZone(zone)), total, page, perPage };
  }

  require(caller: Caller, id: string): DnsZone {
    return this.#toZone(this.#requireZone(caller, id));
  }

  create(caller: Caller, { secret, ...input }: NewDnsZone): Promise<DnsZone> {
    const { stores, effects, calls, clock } = this.#deps;
    return effects.perform(async () => {
      this.#requireOperator(caller);
      this.#requireFree(input.name);
      await calls.check({ zone: input.name, ...input, secret });
      const now = clock.now();
      const zone = { id: newId('zone', now), ...input, createdAt: now, updatedAt: now };
      return () => {
        this.#requireFree(input.name);
        stores.dns.insertZone(zone, secret);
        return this.#toZone(zone);
      };
    });
  }

  update(caller: Caller, id: string, { access, ttlS }: DnsZoneChange): Promise<DnsZone> {
    const { stores, effects, calls, clock } = this.#deps;
    return effects.perform(async () => {
      const { name, ttlS: oldTtlS } = this.#requireZone(caller, id);
      if (access) await calls.check({ zone: name, ttlS: oldTtlS, ...access });
      return () => {
        const zone = this.#requireZone(caller, id);
        const settings = access?.settings ?? zone.settings;
        const now = clock.now();
        const changed = { ...zone, settings, ttlS: ttlS ?? zone.ttlS, updatedAt: now };
        stores.dns.updateZone(changed, access?.secret);
        stores.dns.retryNames(id, now);
        return this.#toZone(changed);
      };
    });
  }

  async remove(caller: Caller, id: string, { keepsRecords }: { keepsRecords: boolean }): Promise<void> {
    const { stores, effects } = this.#deps;
    await effects.perform(() => () => {
      const { name, names } = this.#toZone(this.#requireZone(caller, id));
      if (names > 0 && !keepsRecords) throw inUse(name, names);
      stores.dns.removeZone(id);
      return { id };
    });
  }

  names(caller: Caller, id: string, query: DnsNameQuery): Page<DnsName> {
    this.#requireZone(caller, id);
    const { items, total } = this.#deps.stores.dns.listNames({ zoneId: id, ...query });
    return { items, total, page: query.page, perPage: query.perPage };
  }

  #requireZone(caller: Caller, id: string): ZoneRecord {
    this.#requireOperator(caller);
    const zone = this.#deps.stores.dns.findZone(id);
    if (!zone) throw missing('DNS zone', id);
    return zone;
  }

  #requireOperator(caller: Caller): void {
    this.#deps.access.requireFleetOperator(caller, 'see or change DNS zones');
  }

  #requireFree(name: string): void {
    const { dns } = this.#deps.stores;
    if (dns.findZoneByName(name)) throw new LongshoreError('name_taken', { fields: { name: 'is a zone already' } });
    if (dns.zones().length < MAX_ZONES) return;
    throw new LongshoreError('state_conflict', { message: `There can be no more than ${MAX_ZONES} DNS zones` });
  }

  #toZone(zone: ZoneRecord): DnsZone {
    return { ...zone, settings: zone.settings as DnsSettings, names: this.#deps.stores.dns.countNames(zone.id) };
  }
}

const inUse = (name: string, names: number): LongshoreError =>
  new LongshoreError('in_use', {
    message: `Zone "${name}" holds ${names} names that Longshore keeps`,
    details: 'Delete those services or their domains first, or ask for keep_records=true: the records stay in DNS then',
  });
