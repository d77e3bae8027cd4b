// A release of a few bytes, put together as `npm run build` does: for tests of what is served and checked.
import { createHash, generateKeyPairSync } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { RELEASE_FILES, tarballName, type Manifest } from '#shared/release/manifest.ts';
import { formatSums, signSums } from '#shared/release/sums.ts';

const { privateKey, publicKey } = generateKeyPairSync('ed25519');
export const PRIVATE_PEM = Buffer.from(privateKey.export({ type: 'pkcs8', format: 'pem' }));
export const PUBLIC_PEM = Buffer.from(publicKey.export({ type: 'spki', format: 'pem' }));

export const TARBALL = tarballName('1.2.3', 'x64', 'gz');
export const CONTENT = Buffer.from('0123456789abcdefghij');
export const INSTALLER = '#!/bin/sh\necho installed\n';

export const sha256 = (content: string | Buffer): string => createHash('sha256').update(content).digest('hex');

const MANIFEST: Manifest = {
  version: '1.2.3',
  protocol: 1,
  files: [{ name: TARBALL, arch: 'x64', format: 'gz', size: CONTENT.length, sha256: sha256(CONTENT) }],
};

/** `manifest`: another one, signed as well. */
export function writeSmallRelease(dir: string, manifest: object = MANIFEST): void {
  mkdirSync(dir, { recursive: true });
  const contents = new Map<string, string | Buffer>([
    [TARBALL, CONTENT],
    [RELEASE_FILES.installer, INSTALLER],
    [RELEASE_FILES.manifest, JSON.stringify(manifest)],
  ]);
  const sums = formatSums(new Map([...contents].map(([name, content]) => [name, sha256(content)])));
  contents.set(RELEASE_FILES.sums, sums);
  contents.set(RELEASE_FILES.signature, signSums(Buffer.from(sums), PRIVATE_PEM));
  contents.set(RELEASE_FILES.publicKey, PUBLIC_PEM);
  for (const [name, content] of contents) writeFileSync(join(dir, name), content);
}
