// What control is told of the names of this host. Pure. It goes in one message, so it has to fit into one.
import type { WireError } from '#shared/errors.ts';
import type { EdgeState, EdgeStatus } from '#shared/protocol/edge-parts.ts';
import type { HeldCertificate } from './wake.ts';

export type NameStatus = EdgeStatus['names'][number];

export interface NameFacts {
  route: EdgeState['routes'][number];
  /** Why nothing answers to it. */
  fault: WireError | undefined;
  /** Why its uploaded certificate is of no use to Caddy. */
  flaw: string | undefined;
  held: HeldCertificate | undefined;
  /** Why the control plane lets nobody ask for a certificate. */
  refusal: string | undefined;
  isMissing: boolean;
  /** Compose project of the edge. */
  project: string;
}

const NOTHING = { state: 'none' as const, issuer: null, notAfter: null, error: null };

export function toNameStatus(facts: NameFacts): NameStatus {
  const { hostname } = facts.route;
  return { hostname, fault: facts.fault ?? null, certificate: { ...NOTHING, ...certificateOf(facts) } };
}

function certificateOf({
  route,
  flaw,
  held,
  refusal,
  isMissing,
  project,
}: NameFacts): Partial<NameStatus['certificate']> {
  if (flaw !== undefined) return { state: 'failed', error: clip(flaw), isUploaded: true };
  if (route.certificateId !== null) return { state: 'issued', isUploaded: true };
  if (held) return { state: 'issued', ...held };
  if (refusal !== undefined) return { state: 'pending', error: clip(refusal) };
  if (!isMissing) return { state: 'pending' };
  return { state: 'failed', error: `No certificate was given: docker logs ${project}-caddy-1 says why` };
}

/** As the protocol takes it. */
const MAX_TEXT = 1024;
const clip = (text: string): string => text.slice(0, MAX_TEXT);

/** Well below a frame of the protocol. */
const MAX_BYTES = 768 * 1024;

/** Names whose word does not fit are left out: those that are well first. */
export function fitNames(names: readonly NameStatus[]): NameStatus[] {
  const sizes = new Map(names.map((name) => [name, Buffer.byteLength(JSON.stringify(name)) + 1]));
  let left = MAX_BYTES;
  const fitting = new Set<NameStatus>();
  for (const name of names.toSorted((a, b) => Number(isWell(a)) - Number(isWell(b)))) {
    left -= sizes.get(name) ?? 0;
    if (left < 0) break;
    fitting.add(name);
  }
  return names.filter((name) => fitting.has(name));
}

const isWell = ({ fault, certificate }: NameStatus): boolean => fault === null && certificate.state === 'issued';
