// A name together with what its host says of it. Pure.
import { isCallable } from '#shared/address.ts';
import type { EdgeStatus } from '#shared/protocol/edge-parts.ts';
import type { DnsCheck, DomainRecord } from '../../store/domains.ts';
import type { CertificateState, Domain, DomainQuery } from '../api/domains.ts';
import type { Page } from '../api/page.ts';
import type { EdgeSettings, HostEdge } from './edges.ts';

export interface DomainFacts {
  domain: DomainRecord;
  edge: HostEdge | undefined;
  /** The host's last word. */
  status: EdgeStatus | null;
  issuer: EdgeSettings['issuer']['kind'];
  /** It is shown to one: what our own DNS says of networks inside is not for them. */
  isCustomers: boolean;
}

const NO_CERTIFICATE: CertificateState = { state: 'none', issuer: null, notAfter: null, error: null };

export function toDomain({ domain, edge, status, issuer, isCustomers }: DomainFacts): Domain {
  const said = status?.names.find(({ hostname }) => hostname === domain.hostname);
  const expectedAddresses = edge?.addresses ?? [];
  return {
    ...domain,
    dns: domain.dns && isCustomers ? withoutInside(domain.dns, expectedAddresses) : domain.dns,
    expectedAddresses,
    certificate: certificateOf(domain, said?.certificate ?? NO_CERTIFICATE, issuer),
    fault: said?.fault ?? (edge?.edge === 'caddy' ? (status?.fault ?? null) : null),
  };
}

function withoutInside(dns: DnsCheck, expected: readonly string[]): DnsCheck {
  const isShown = (address: string) => expected.includes(address) || isCallable(address, { allowsPrivate: false });
  return { ...dns, addresses: dns.addresses.filter(isShown) };
}

/** An uploaded one is what it says it is, whether the host has it yet or not; unless the host cannot use it. */
function certificateOf(
  { certificate }: DomainRecord,
  said: CertificateState,
  issuer: DomainFacts['issuer'],
): Domain['certificate'] {
  if (certificate === null) return { ...said, source: issuer };
  if (said.isUploaded && said.state === 'failed')
    return { source: 'uploaded', ...certificate, state: 'failed', error: said.error };
  return { source: 'uploaded', state: 'issued', error: null, ...certificate };
}

export function pageDomains(domains: readonly Domain[], { page, perPage, sort, order }: DomainQuery): Page<Domain> {
  const keyOf = (domain: Domain) => (sort === 'hostname' ? domain.hostname : domain.createdAt);
  const sorted = domains.toSorted((a, b) => {
    const sign = keyOf(a) < keyOf(b) || (keyOf(a) === keyOf(b) && a.id < b.id) ? -1 : 1;
    return order === 'desc' ? -sign : sign;
  });
  return { items: sorted.slice((page - 1) * perPage, page * perPage), total: domains.length, page, perPage };
}
