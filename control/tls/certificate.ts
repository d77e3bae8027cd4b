// What the server shows to prove itself: a certificate with those between it and an authority, and its key. Read from
// files and checked as a whole, before anybody sees it.
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { createSecureContext } from 'node:tls';
import { LongshoreError } from '#shared/errors.ts';
import { tlsPinOf } from '#shared/tls-pin.ts';

export interface Certificate {
  /** PEM, as in the files. */
  cert: string;
  key: string;
  /** The server's own first. */
  chain: [X509Certificate, ...X509Certificate[]];
  /** As curl's `--pinnedpubkey` takes it. */
  pin: string;
}

export interface CertificateFiles {
  certFile: string;
  keyFile: string;
}

/** Real chains have three; a file may hold anything. */
const MAX_CHAIN = 10;
const PEM = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;

/** Throws `config_invalid`, which names the file and what is wrong with it. */
export function loadCertificate({ certFile, keyFile }: CertificateFiles): Certificate {
  const [cert, key] = [read(certFile), read(keyFile)];
  const [leaf, ...between] = (cert.match(PEM) ?? [])
    .slice(0, MAX_CHAIN)
    .map((pem) => attempt(certFile, () => new X509Certificate(pem)));
  if (!leaf) throw unusable(certFile, 'holds no certificate in PEM form');
  const privateKey = attempt(keyFile, () => createPrivateKey(key));
  if (!leaf.checkPrivateKey(privateKey)) throw unusable(keyFile, `is not the key of the certificate in "${certFile}"`);
  attempt(certFile, () => createSecureContext({ cert, key }));
  return { cert, key, chain: [leaf, ...between], pin: tlsPinOf(leaf) };
}

/** Whether a system with these authorities takes it for this host. */
export function isVouchedFor(
  { chain: [leaf, ...between] }: Pick<Certificate, 'chain'>,
  host: string,
  authorities: readonly X509Certificate[],
): boolean {
  if (!isFor(leaf, host)) return false;
  let last = leaf;
  for (let left = between; ; left = left.filter((each) => each !== last)) {
    if (authorities.some(isIssuerOf(last))) return true;
    const next = left.find(isIssuerOf(last));
    if (!next) return false;
    last = next;
  }
}

/** `host`: as in a URL, so an IPv6 address may have its brackets. */
export function isFor(certificate: X509Certificate, host: string): boolean {
  const plain = host.replace(/^\[(.*)\]$/, '$1');
  return (isIP(plain) === 0 ? certificate.checkHost(plain) : certificate.checkIP(plain)) !== undefined;
}

const isIssuerOf = (issued: X509Certificate) => (issuer: X509Certificate) =>
  issued.checkIssued(issuer) && issued.verify(issuer.publicKey);

function read(file: string): string {
  return attempt(file, () => readFileSync(file, 'utf8'));
}

function attempt<T>(file: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw unusable(file, `cannot be used: ${(error as Error).message}`, error);
  }
}

const unusable = (file: string, problem: string, cause?: unknown) =>
  new LongshoreError('config_invalid', { message: `Cannot use the setting tls: "${file}" ${problem}`, cause });
