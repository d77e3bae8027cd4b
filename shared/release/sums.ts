// SHA256SUMS as sha256sum writes and checks it, and the Ed25519 signature over its bytes: whoever trusts the public key
// trusts every file of the release.
import { createPrivateKey, createPublicKey, sign, verify } from 'node:crypto';
import { LongshoreError } from '../errors.ts';

const LINE = /^([0-9a-f]{64}) [ *]([^/\0\n]+)$/;

/** Lines in order of the names. */
export const formatSums = (sums: ReadonlyMap<string, string>): string =>
  [...sums.entries()]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, sha256]) => `${sha256}  ${name}\n`)
    .join('');

/** Checksum by file name. Throws `release_invalid` for a line that is none. */
export function parseSums(text: string): Map<string, string> {
  const lines = text.split('\n').filter((line) => line !== '');
  return new Map(
    lines.map((line) => {
      const [, sha256, name] = LINE.exec(line) ?? [];
      if (sha256 === undefined || name === undefined) {
        throw new LongshoreError('release_invalid', { details: `A line of SHA256SUMS cannot be read: "${line}"` });
      }
      return [name, sha256];
    }),
  );
}

/** The raw 64 bytes, which `openssl pkeyutl -verify -rawin` takes. */
export const signSums = (sums: Buffer, privateKeyPem: Buffer): Buffer =>
  sign(null, sums, createPrivateKey(privateKeyPem));

/** Throws `release_invalid` when the signature is not that key's over exactly these bytes. */
export function verifySums(sums: Buffer, signature: Buffer, publicKeyPem: Buffer): void {
  const key = readPublicKey(publicKeyPem);
  // Another kind of key would be used with another algorithm.
  if (key?.asymmetricKeyType === 'ed25519' && verify(null, sums, key, signature)) return;
  throw new LongshoreError('release_invalid', {
    details: 'The signature of SHA256SUMS is not that of the release key',
  });
}

function readPublicKey(pem: Buffer) {
  try {
    return createPublicKey(pem);
  } catch {
    return undefined;
  }
}
