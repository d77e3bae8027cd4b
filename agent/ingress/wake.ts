// A first handshake under a name makes Caddy ask for its certificate: done before the first visitor waits for it.
import { once } from 'node:events';
import { connect } from 'node:tls';

/** An authority looks back at us meanwhile. */
const LIMIT_MS = 60_000;

/** Whether there is a certificate now. */
export async function wakeCertificate(hostname: string, port: number, signal: AbortSignal): Promise<boolean> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(LIMIT_MS)]);
  // Whose certificate it is does not matter here: visitors look at that.
  const socket = connect({ host: '127.0.0.1', port, servername: hostname, rejectUnauthorized: false });
  try {
    await once(socket, 'secureConnect', { signal: limit });
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
