// Whether an uploaded certificate is of any use. Pure.
import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';
import { LongshoreError } from '#shared/errors.ts';
import type { CertificateFacts, CertificatePair } from '../../store/domains.ts';

/** Throws `validation_error` that names the field. The first certificate is the site's, those after it its chain. */
export function readCertificate(
  { certificate, key }: CertificatePair,
  hostname: string,
  now: number,
): CertificateFacts {
  const leaf = parse(certificate);
  if (!leaf.checkPrivateKey(parseKey(key))) throw invalid('key', 'is not the key of the certificate');
  if (leaf.checkHost(hostname) === undefined) throw invalid('certificate', `is not for ${hostname}`);
  const notAfter = Date.parse(leaf.validTo);
  if (notAfter <= now) throw invalid('certificate', `expired on ${leaf.validTo}`);
  if (Date.parse(leaf.validFrom) > now) throw invalid('certificate', `is not valid before ${leaf.validFrom}`);
  return { issuer: leaf.issuer.replaceAll('\n', ', '), notAfter };
}

function parse(pem: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch {
    throw invalid('certificate', 'is not a certificate in PEM');
  }
}

function parseKey(pem: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch {
    throw invalid('key', 'is not a private key in PEM, without a password');
  }
}

const invalid = (field: string, problem: string): LongshoreError =>
  new LongshoreError('validation_error', { fields: { [field]: problem } });
