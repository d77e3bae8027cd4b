// Certificates that somebody made without an authority, by openssl.
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Test } from 'tap';
import { makeFolder } from './folder.ts';

const P256 = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'];

export interface CertificateFiles {
  certFile: string;
  keyFile: string;
}

/** `more`: arguments of `openssl req`. */
export async function makeCertificateFiles(
  t: Test,
  name: string,
  { keyKind = P256, more = [] }: { keyKind?: string[]; more?: string[] } = {},
): Promise<CertificateFiles> {
  const dir = makeFolder(t, 'certificate');
  const [certFile, keyFile] = [join(dir, 'cert.pem'), join(dir, 'key.pem')];
  const whom = ['-subj', '/CN=ours', '-addext', `subjectAltName=DNS:${name}`, '-days', '30', ...more];
  const files = ['-nodes', '-keyout', keyFile, '-out', certFile];
  await promisify(execFile)('openssl', ['req', '-x509', ...keyKind, ...whom, ...files]);
  return { certFile, keyFile };
}

/** PEM. */
export async function makeCertificate(
  t: Test,
  name: string,
  keyKind?: string[],
): Promise<{ certificate: string; key: string }> {
  const { certFile, keyFile } = await makeCertificateFiles(t, name, keyKind && { keyKind });
  return { certificate: readFileSync(certFile, 'utf8'), key: readFileSync(keyFile, 'utf8') };
}
