// Whom the client takes for the control plane when it calls by https: the key that is pinned, or whom this system's
// authorities vouch for.
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { TLSSocket } from 'node:tls';
import { Agent, buildConnector } from 'undici';
import { LongshoreError } from '#shared/errors.ts';
import { systemAuthorities, TLS_PIN, tlsPinOf, tlsPinOfPeer, untrustedTls } from '#shared/tls-pin.ts';

const REMEDY = 'The control plane says its pin when it starts; give it with --pin or LONGSHORE_PIN';

/** Throws `config_invalid` for what is no pin. */
export function readPin(text: string): string {
  if (TLS_PIN.test(text)) return text;
  const details = 'A pin is `sha256//` and 44 characters; the control plane says it when it starts';
  throw new LongshoreError('config_invalid', { message: `"${text}" is not a pin`, details });
}

/** Of a certificate in a file; undefined where there is none. */
export function pinInFile(file: string): string | undefined {
  try {
    return tlsPinOf(new X509Certificate(readFileSync(file)));
  } catch {
    return undefined;
  }
}

/** Fails with `tls_untrusted` before anything is sent. */
export function createTrust(url: URL, pin: string | undefined): Agent {
  const ca = pin === undefined ? systemAuthorities() : undefined;
  // A session that is resumed shows no certificate to look at.
  const connect = buildConnector({ rejectUnauthorized: false, maxCachedSessions: 0, ...(ca && { ca }) });
  return new Agent({
    connect: (options, done) =>
      connect(options, (...result) => {
        const [error, socket] = result;
        if (error !== null) return done(error, null);
        const mistrust = judge(url, socket as TLSSocket, pin);
        if (!mistrust) return done(null, socket);
        socket.destroy();
        done(mistrust, null);
      }),
  });
}

function judge(url: URL, socket: TLSSocket, pin: string | undefined): LongshoreError | undefined {
  const found = tlsPinOfPeer(socket);
  if (socket.authorized || (pin !== undefined && found === pin)) return undefined;
  const problem = String(socket.authorizationError);
  return untrustedTls(url.origin, { found, expected: pin, problem, remedy: REMEDY });
}
