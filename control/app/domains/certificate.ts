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
  if (!isUsual(leaf.publicKey)) throw invalid('certificate', `must have a key that browsers take: ${USUAL_KEYS}`);
  if (!leaf.checkPrivateKey(parseKey(key))) throw invalid('key', 'is not the key of the certificate');
  if (leaf.checkHost(hostname) === undefined) throw invalid('certificate', `is not for ${hostname}`);
  const notAfter = Date.parse(leaf.validTo);
  if (notAfter <= now) throw invalid('certificate', `expired on ${leaf.validTo}`);
  if (Date.parse(leaf.validFrom) > now) throw invalid('certificate', `is not valid before ${leaf.validFrom}`);
  return { issuer: leaf.issuer.replaceAll('\n', ', '), notAfter };
}

const CURVES = ['prime256v1', 'secp384r1', 'secp521r1'];
const USUAL_KEYS = 'RSA of 2048 to 8192 bits, or EC on P-256, P-384 or P-521';

/** Others are refused by browsers, or by what answers on the host. */
function isUsual({ asymmetricKeyType: type, asymmetricKeyDetails: details }: KeyObject): boolean {
  const { modulusLength = 0, namedCurve = '' } = details ?? {};
  return (
    (type === 'rsa' && modulusLength >= 2048 && modulusLength <= 8192) || (type === 'ec' && CURVES.includes(namedCurve))
  );
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
