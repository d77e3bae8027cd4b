// What a host's edge is told. Pure.
import { createHash } from 'node:crypto';
import type { EdgeState } from '#shared/protocol/edge-parts.ts';
import type { CertificatePair, RoutedDomain } from '../../store/domains.ts';
import type { EdgeSettings, HostEdge } from './edges.ts';

export interface EdgeFacts {
  edge: HostEdge;
  issuer: EdgeSettings['issuer'];
  /** Of this host. */
  domains: readonly RoutedDomain[];
  certificates: readonly (CertificatePair & { id: string })[];
}

export type WantedEdge = Omit<EdgeState, 'revision'>;

/** In the order of the names, so that the same wish has the same digest. Without an edge there are no names. */
export function toWantedEdge({ edge: { edge }, issuer, domains, certificates }: EdgeFacts): WantedEdge {
  if (edge === 'none') return { edge, issuer, routes: [], certificates: [] };
  const routes = domains.map(({ id, hostname, serviceId, target, port, redirectTo, certificate }) => {
    return { hostname, serviceId, service: target, port, redirectTo, certificateId: certificate && id };
  });
  return {
    edge,
    issuer,
    routes: routes.toSorted((a, b) => (a.hostname < b.hostname ? -1 : 1)),
    certificates: [...certificates],
  };
}

/** With the version of the agent: one that is too old for edges has passed over what it was told. */
export const digestOf = (wanted: WantedEdge, agentVersion: string | null): string =>
  createHash('sha256')
    .update(JSON.stringify([wanted, agentVersion]))
    .digest('hex');
