// A name together with what its host says of it. Pure.
import type { EdgeStatus } from '#shared/protocol/edge-parts.ts';
import type { DomainRecord } from '../../store/domains.ts';
import type { CertificateState, Domain, DomainQuery } from '../api/domains.ts';
import type { Page } from '../api/page.ts';
import type { EdgeSettings, HostEdge } from './edges.ts';

export interface DomainFacts {
  domain: DomainRecord;
  edge: HostEdge | undefined;
  /** The host's last word. */
  status: EdgeStatus | null;
  issuer: EdgeSettings['issuer']['kind'];
}

const NO_CERTIFICATE: CertificateState = { state: 'none', issuer: null, notAfter: null, error: null };

export function toDomain({ domain, edge, status, issuer }: DomainFacts): Domain {
  const said = status?.names.find(({ hostname }) => hostname === domain.hostname);
  return {
    ...domain,
    expectedAddresses: edge?.addresses ?? [],
    certificate: certificateOf(domain, said?.certificate ?? NO_CERTIFICATE, issuer),
    fault: said?.fault ?? (edge?.edge === 'caddy' ? (status?.fault ?? null) : null),
  };
}

/** An uploaded one is what it says it is, whether the host has it yet or not. */
function certificateOf(
  { certificate }: DomainRecord,
  said: CertificateState,
  issuer: DomainFacts['issuer'],
): Domain['certificate'] {
  if (certificate === null) return { ...said, source: issuer };
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
