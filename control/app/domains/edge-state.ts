// What a host's edge is told. Pure.
import { createHash } from 'node:crypto';
import type { EdgePart, EdgeState } from '#shared/protocol/edge-parts.ts';
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

/** Of the JSON of one part: several fit into a batch of commands. */
const PART_BYTES = 96 * 1024;

/** What is sent to the host: one command where that is enough. */
export function toParts(state: EdgeState): { state: EdgeState; part?: EdgePart }[] {
  const routes = split(state.routes).map((some) => ({ routes: some, certificates: [] }));
  const certificates = split(state.certificates).map((some) => ({ routes: [], certificates: some }));
  const lists = sizeOf(state) <= PART_BYTES ? [state] : [...routes, ...certificates];
  if (lists.length < 2) return [{ state }];
  return lists.map((list, index) => ({ state: { ...state, ...list }, part: { index, of: lists.length } }));
}

function split<T>(items: readonly T[]): T[][] {
  const lists: T[][] = [];
  let left = 0;
  for (const item of items) {
    const size = sizeOf(item);
    if (lists.length === 0 || size > left) {
      lists.push([]);
      left = PART_BYTES;
    }
    lists.at(-1)?.push(item);
    left -= size;
  }
  return lists;
}

const sizeOf = (value: unknown): number => Buffer.byteLength(JSON.stringify(value)) + 1;

/** With the version of the agent: one that is too old for edges has passed over what it was told. */
export const digestOf = (wanted: WantedEdge, agentVersion: string | null): string =>
  createHash('sha256')
    .update(JSON.stringify([wanted, agentVersion]))
    .digest('hex');
