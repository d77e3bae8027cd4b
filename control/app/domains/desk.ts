// The names of a service as callers see and change them. What becomes of a change is the keeper's.
import { LongshoreError } from '#shared/errors.ts';
import { newId } from '#shared/ids.ts';
import type { Clock } from '#shared/time.ts';
import type { CertificatePair, DnsCheck, DomainRecord } from '../../store/domains.ts';
import type { ServiceRecord } from '../../store/records.ts';
import type { Stores } from '../../store/stores.ts';
import type { Access } from '../access/access.ts';
import type { Caller } from '../api/caller.ts';
import type { Domain, DomainAim, DomainQuery, Domains, NewDomain } from '../api/domains.ts';
import type { Page } from '../api/page.ts';
import type { IdempotencyDesk } from '../idempotency.ts';
import { missing } from '../missing.ts';
import { readCertificate } from './certificate.ts';
import { judgeDns } from './dns-check.ts';
import type { Edges, HostEdge } from './edges.ts';
import { pageDomains, toDomain } from './domain-view.ts';
import { NameRules, requireElsewhere } from './name-rules.ts';

export interface DomainDeskDeps {
  stores: Stores;
  access: Access;
  effects: IdempotencyDesk;
  edges: Edges;
  /** None for a name that is not there; undefined where its servers are silent. */
  resolveName: (hostname: string) => Promise<string[] | undefined>;
  publicUrl: () => string;
  clock: Clock;
}

export class DomainDesk implements Domains {
  readonly #deps: DomainDeskDeps;
  readonly #rules: NameRules;

  constructor(deps: DomainDeskDeps) {
    this.#deps = deps;
    this.#rules = new NameRules(deps);
  }

  list(caller: Caller, serviceId: string, query: DomainQuery): Page<Domain> {
    const service = this.#deps.access.requireService(caller, serviceId);
    const domains = this.#deps.stores.domains.of(serviceId);
    return pageDomains(
      domains.map((domain) => this.#toDomain(service, domain)),
      query,
    );
  }

  require(caller: Caller, serviceId: string, domainId: string): Domain {
    return this.#toDomain(...this.#find(caller, serviceId, domainId));
  }

  create(caller: Caller, serviceId: string, { hostname, ...aim }: NewDomain): Promise<Domain> {
    const { stores, access, effects, clock } = this.#deps;
    return effects.perform(async () => {
      const service = access.requireService(caller, serviceId);
      const edge = this.#requireEdge(service);
      this.#rules.requireAllowed(caller, service, hostname, aim);
      const dns = await this.#look(hostname, edge);
      const now = clock.now();
      const none = { target: null, port: null, redirectTo: null, certificate: null };
      const own = { id: newId('dom', now), serviceId, hostname, kind: 'custom' as const, dns };
      const domain: DomainRecord = { ...none, ...given(aim), ...own, createdAt: now, updatedAt: now };
      return () => {
        const current = access.requireService(caller, serviceId);
        this.#rules.requireRoom(current, hostname);
        stores.domains.insert(domain);
        return this.#toDomain(current, domain);
      };
    });
  }

  change(caller: Caller, serviceId: string, domainId: string, aim: DomainAim): Promise<Domain> {
    const { stores, effects, clock } = this.#deps;
    return effects.perform(() => () => {
      const [service, domain] = this.#find(caller, serviceId, domainId);
      const changed = { ...domain, ...given(aim), updatedAt: clock.now() };
      requireElsewhere(changed);
      stores.domains.update(changed);
      return this.#toDomain(service, changed);
    });
  }

  async remove(caller: Caller, serviceId: string, domainId: string): Promise<void> {
    const { stores, effects } = this.#deps;
    await effects.perform(() => () => {
      const [, { id, kind, hostname }] = this.#find(caller, serviceId, domainId);
      if (kind === 'default') throw isItsOwn(hostname);
      stores.domains.remove(id);
      return { id };
    });
  }

  verify(caller: Caller, serviceId: string, domainId: string): Promise<Domain> {
    const { stores, effects } = this.#deps;
    return effects.perform(async () => {
      const [service, { hostname }] = this.#find(caller, serviceId, domainId);
      const dns = await this.#look(hostname, this.#requireEdge(service));
      return () => {
        const [current, domain] = this.#find(caller, serviceId, domainId);
        stores.domains.update({ ...domain, dns });
        return this.#toDomain(current, { ...domain, dns });
      };
    });
  }

  putCertificate(caller: Caller, serviceId: string, domainId: string, pair: CertificatePair): Promise<Domain> {
    const { stores, effects, clock } = this.#deps;
    return effects.perform(() => () => {
      const [service, domain] = this.#find(caller, serviceId, domainId);
      const now = clock.now();
      const facts = readCertificate(pair, domain.hostname, now);
      this.#rules.requireCertificateRoom(service, domain);
      stores.domains.setCertificate(domain.id, facts, pair, now);
      return this.#toDomain(service, { ...domain, certificate: facts, updatedAt: now });
    });
  }

  removeCertificate(caller: Caller, serviceId: string, domainId: string): Promise<Domain> {
    const { stores, effects, clock } = this.#deps;
    return effects.perform(() => () => {
      const [service, domain] = this.#find(caller, serviceId, domainId);
      const now = clock.now();
      stores.domains.setCertificate(domain.id, null, null, now);
      return this.#toDomain(service, { ...domain, certificate: null, updatedAt: now });
    });
  }

  /**
   * Whether the host may ask an authority for a certificate: each failed try counts against whoever has the name. While
   * DNS is silent, what it said last counts: Caddy asks for names whose certificate it has as well.
   */
  async mayIssue(hostId: string, hostname: string): Promise<{ isAllowed: boolean; reason: string | null }> {
    const { stores, edges } = this.#deps;
    const domain = stores.domains.findByHostname(hostname);
    const service = domain && stores.services.find(domain.serviceId);
    const edge = edges.find(hostId);
    if (!domain || service?.hostId !== hostId || edge?.edge !== 'caddy')
      return refusal('No service here has this name');
    if (edges.settings.issuer.kind === 'internal') return { isAllowed: true, reason: null };
    const found = await this.#deps.resolveName(hostname);
    const dns = found ? judgeDns(found, edge.addresses, this.#deps.clock.now()) : domain.dns;
    if (dns && found) await this.#keepDns(domain.id, dns);
    return dns?.state === 'here' ? { isAllowed: true, reason: null } : refusal('DNS does not lead it to this host');
  }

  async #keepDns(id: string, dns: DnsCheck): Promise<void> {
    const { stores } = this.#deps;
    await stores.writer.write(() => {
      const current = stores.domains.find(id);
      if (current) stores.domains.update({ ...current, dns });
    });
  }

  #find(caller: Caller, serviceId: string, domainId: string): [ServiceRecord, DomainRecord] {
    const service = this.#deps.access.requireService(caller, serviceId);
    const domain = this.#deps.stores.domains.find(domainId);
    if (domain?.serviceId !== serviceId) throw missing('domain', domainId);
    return [service, domain];
  }

  #requireEdge({ hostId }: ServiceRecord): HostEdge {
    const edge = this.#deps.edges.find(hostId);
    if (edge?.edge === 'caddy') return edge;
    throw new LongshoreError('state_conflict', {
      message: `Nothing on host "${edge?.hostName ?? hostId}" answers to names`,
      details: `Give it an edge: longshore hosts edge ${edge?.hostName ?? hostId} --edge caddy`,
    });
  }

  async #look(hostname: string, { addresses }: HostEdge): Promise<DnsCheck> {
    return judgeDns((await this.#deps.resolveName(hostname)) ?? [], addresses, this.#deps.clock.now());
  }

  #toDomain({ hostId, customerId }: ServiceRecord, domain: DomainRecord): Domain {
    const { stores, edges } = this.#deps;
    const status = stores.hostEdges.find(hostId)?.status ?? null;
    const issuer = edges.settings.issuer.kind;
    return toDomain({ domain, edge: edges.find(hostId), status, issuer, isCustomers: customerId !== null });
  }
}

/** What is to change; nothing of it may be undefined, which would say nothing in its place. */
const given = (aim: DomainAim): Partial<Pick<DomainRecord, 'target' | 'port' | 'redirectTo'>> =>
  Object.fromEntries(Object.entries(aim).filter(([, value]) => value !== undefined));

const isItsOwn = (hostname: string): LongshoreError =>
  new LongshoreError('state_conflict', {
    message: `"${hostname}" is the name that the service has by itself`,
    details: 'It goes with the service, or with the base domain',
  });

const refusal = (reason: string) => ({ isAllowed: false, reason });
