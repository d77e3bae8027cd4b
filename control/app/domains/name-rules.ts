// Which names a service may have, and how many.
import { LongshoreError } from '#shared/errors.ts';
import type { DomainRecord } from '../../store/domains.ts';
import type { ServiceRecord } from '../../store/records.ts';
import type { Stores } from '../../store/stores.ts';
import type { DomainAim } from '../api/domains.ts';
import type { Caller } from '../api/caller.ts';
import { findZone } from '../dns/plan.ts';
import type { Edges } from './edges.ts';
import { isBelow } from './hostname.ts';

/** Each costs a certificate, and authorities count those by the week. */
const MAX_OF_SERVICE = 50;
const MAX_ON_HOST = 2_000;
/** All of them go to the host at each change. */
const MAX_UPLOADED_ON_HOST = 200;

export interface NameRulesDeps {
  stores: Pick<Stores, 'dns' | 'domains'>;
  edges: Edges;
  publicUrl: () => string;
}

export class NameRules {
  readonly #deps: NameRulesDeps;

  constructor(deps: NameRulesDeps) {
    this.#deps = deps;
  }

  /** Names below a base domain are given, not taken: a customer's could be the next one of somebody else. */
  requireAllowed(caller: Caller, { customerId }: ServiceRecord, hostname: string, { redirectTo }: DomainAim): void {
    requireElsewhere({ hostname, redirectTo: redirectTo ?? null });
    if (hostname === new URL(this.#deps.publicUrl()).hostname) throw invalidName('is the control plane itself');
    if (!isFleetWide(caller)) this.#requireOutsideZones(hostname);
    if (customerId === null) return;
    const { edges } = this.#deps;
    const base = edges.all().find(({ baseDomain }) => baseDomain !== null && isBelow(hostname, baseDomain));
    if (base) throw invalidName(`is below ${base.baseDomain}, whose names services have by themselves`);
  }

  requireRoom({ id: serviceId, hostId }: ServiceRecord, hostname: string): void {
    const { domains } = this.#deps.stores;
    if (domains.findByHostname(hostname)) {
      throw new LongshoreError('name_taken', {
        message: `"${hostname}" leads to a service already`,
        fields: { hostname: 'is taken' },
      });
    }
    if (domains.of(serviceId).length >= MAX_OF_SERVICE) throw isFull('A service', MAX_OF_SERVICE, 'names');
    if (domains.countOn(hostId).names >= MAX_ON_HOST) throw isFull('A host', MAX_ON_HOST, 'names');
  }

  requireCertificateRoom({ hostId }: ServiceRecord, { certificate }: DomainRecord): void {
    if (certificate !== null) return;
    const { certificates } = this.#deps.stores.domains.countOn(hostId);
    if (certificates >= MAX_UPLOADED_ON_HOST) throw isFull('A host', MAX_UPLOADED_ON_HOST, 'uploaded certificates');
  }

  /** A name below a zone of ours is written there at once: that is for whoever has the zone to decide. */
  #requireOutsideZones(hostname: string): void {
    const zone = findZone(this.#deps.stores.dns.zones(), hostname);
    if (zone) throw invalidName(`is below ${zone.name}, a DNS zone whose names only operators give`);
  }
}

export function requireElsewhere({ hostname, redirectTo }: Pick<DomainRecord, 'hostname' | 'redirectTo'>): void {
  if (hostname !== redirectTo) return;
  throw new LongshoreError('validation_error', { fields: { redirect_to: 'must be another name' } });
}

const isFleetWide = ({ customerId, hostLabels }: Caller): boolean => customerId === null && hostLabels === null;

const invalidName = (problem: string): LongshoreError =>
  new LongshoreError('validation_error', { fields: { hostname: problem } });

const isFull = (what: string, most: number, things: string): LongshoreError =>
  new LongshoreError('state_conflict', { message: `${what} can have no more than ${most} ${things}` });
