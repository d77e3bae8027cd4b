// Where control is and how this host proves itself there: from the join token at first, from the agent's own memory ever
// after.
import { LongshoreError } from '#shared/errors.ts';
import { parseJoinToken } from '#shared/protocol/identity.ts';
import type { Destination } from './link/connection.ts';
import type { Meta } from './state/meta.ts';

/**
 * Throws `config_invalid` when there is neither a token nor an enrolment, and `state_conflict` for a token of another
 * control plane: sequences and services in this directory belong to the first one.
 */
export function destinationOf(token: string | null, meta: Pick<Meta, 'get'>): Destination {
  const known = knownDestination(meta);
  if (token === null) return known ?? fail('config_invalid', 'token is missing, and this host is not enrolled yet');
  const { tokenId, secret, ...told } = parseJoinToken(token);
  if (!known) return { ...told, enrol: { tokenId, secret } };
  if (known.controlPin !== told.controlPin)
    fail('state_conflict', 'its data directory belongs to another control plane');
  // A unit file keeps the first token for ever; it is not shown again. A new token enrols a host that was removed.
  return meta.get('tokenId') === tokenId ? told : { ...told, enrol: { tokenId, secret } };
}

/** Called in a transaction at each welcome. */
export function rememberEnrolment(
  meta: Pick<Meta, 'set'>,
  { url, controlPin, tlsPin = '', enrol }: Destination,
  hostId: string,
): void {
  meta.set('hostId', hostId);
  meta.set('controlUrl', url);
  meta.set('controlPin', controlPin);
  meta.set('controlTlsPin', tlsPin);
  if (enrol) meta.set('tokenId', enrol.tokenId);
}

function knownDestination(meta: Pick<Meta, 'get'>): Destination | undefined {
  const [url, controlPin] = [meta.get('controlUrl'), meta.get('controlPin')];
  const tlsPin = meta.get('controlTlsPin') ?? '';
  return url === undefined || controlPin === undefined ? undefined : { url, controlPin, ...(tlsPin && { tlsPin }) };
}

function fail(code: 'config_invalid' | 'state_conflict', problem: string): never {
  const details = '`longshore hosts join` prints the line that enrols a host';
  throw new LongshoreError(code, { message: `Cannot start the agent: ${problem}`, details });
}
