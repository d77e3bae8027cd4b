// A handshake under a name, as a visitor makes it: Caddy asks for the certificate that it lacks, and what it shows is seen.
// Its files are its own: they are root's, and the agent is not.
import { once } from 'node:events';
import { connect } from 'node:tls';

export interface HeldCertificate {
  issuer: string;
  notAfter: number;
}

export type Look = (hostname: string, signal: AbortSignal) => Promise<HeldCertificate | undefined>;

/** An authority looks back at us meanwhile. */
const LIMIT_MS = 60_000;
/** As the protocol takes it. */
const MAX_ISSUER = 256;

/** Undefined where there is none. */
export async function wakeCertificate(
  hostname: string,
  port: number,
  signal: AbortSignal,
): Promise<HeldCertificate | undefined> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(LIMIT_MS)]);
  // Whose certificate it is does not matter here: visitors look at that.
  const socket = connect({ host: '127.0.0.1', port, servername: hostname, rejectUnauthorized: false });
  try {
    await once(socket, 'secureConnect', { signal: limit });
    const shown = socket.getPeerX509Certificate();
    if (shown?.checkHost(hostname) === undefined) return undefined;
    const issuer = shown.issuer.replaceAll('\n', ', ').slice(0, MAX_ISSUER);
    return { issuer, notAfter: Date.parse(shown.validTo) };
  } catch {
    return undefined;
  } finally {
    socket.destroy();
  }
}
