// What certificates Caddy has, by the files in its storage: certificates/<issuer>/<name>/<name>.crt.
import { X509Certificate } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface HeldCertificate {
  issuer: string;
  notAfter: number;
}

/** The one that is good the longest; undefined when there is none. */
export async function findCertificate(stateDir: string, hostname: string): Promise<HeldCertificate | undefined> {
  const root = join(stateDir, 'certificates');
  const issuers = await readdir(root).catch(() => []);
  const held = await Promise.all(issuers.map((issuer) => readHeld(join(root, issuer, hostname, `${hostname}.crt`))));
  return held.filter((each) => each !== undefined).toSorted((a, b) => b.notAfter - a.notAfter)[0];
}

async function readHeld(file: string): Promise<HeldCertificate | undefined> {
  try {
    const certificate = new X509Certificate(await readFile(file));
    return { issuer: certificate.issuer.replaceAll('\n', ', '), notAfter: Date.parse(certificate.validTo) };
  } catch {
    return undefined; // not there, or half written: the next look finds it
  }
}
