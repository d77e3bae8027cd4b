// A TLS key known beforehand: `sha256//` and the SHA-256 of its SPKI DER in base64, as curl's `--pinnedpubkey` takes it
// and RFC 7469 defines it. A certificate renewed with the same key has the same pin.
import { createHash, type X509Certificate } from 'node:crypto';
import { getCACertificates, type TLSSocket } from 'node:tls';
import { LongshoreError } from './errors.ts';

export const TLS_PIN = /^sha256\/\/[A-Za-z0-9+/]{43}=$/;

export const tlsPinOf = ({ publicKey }: Pick<X509Certificate, 'publicKey'>): string => {
  const der = publicKey.export({ type: 'spki', format: 'der' });
  return `sha256//${createHash('sha256').update(der).digest('base64')}`;
};

/** The pin of whoever is at the other end; undefined when it showed no certificate. */
export function tlsPinOfPeer(socket: Pick<TLSSocket, 'getPeerX509Certificate'>): string | undefined {
  const certificate = socket.getPeerX509Certificate();
  return certificate && tlsPinOf(certificate);
}

/** Whom this system trusts to vouch for others, PEM; undefined, which is Node's own choice, where it names nobody. */
export function systemAuthorities(): string[] | undefined {
  const own = getCACertificates('system'); // a bare container has no `ca-certificates`
  return own.length > 0 ? [...own, ...getCACertificates('extra')] : undefined;
}

export interface Mistrust {
  found: string | undefined;
  expected: string | undefined;
  /** What the authorities have against it, in OpenSSL's words. */
  problem: string;
  /** What the reader can do. */
  remedy: string;
}

/** Neither vouched for by an authority this machine trusts, nor the pinned key. `url`: where we meant to get. */
export function untrustedTls(url: string, { found, expected, problem, remedy }: Mistrust): LongshoreError {
  const details =
    expected === undefined
      ? `This system's authorities do not vouch for it (${problem}), and no pin was given. ${remedy}`
      : `Its key is ${found ?? 'none'}, the pin is ${expected}; nor do this system's authorities vouch for it (${problem}). ${remedy}`;
  return new LongshoreError('tls_untrusted', { message: `Cannot trust the certificate of "${url}"`, details });
}
