// A release as a host gets it, small enough to make a dozen: signed sums, and an archive whose Node is a script.
import { execFileSync } from 'node:child_process';
import { createHash, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface ReleaseKey {
  privateKey: KeyObject;
  /** As it lies in /etc/longshore/release.pub. */
  pem: string;
}

export function createReleaseKey(): ReleaseKey {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  return { privateKey, pem: publicKey.export({ type: 'spki', format: 'pem' }).toString() };
}

export const archiveName = (version: string, arch: string = process.arch): string =>
  `longshore-${version}-linux-${arch}.tar.gz`;

/** Writes archive, SHA256SUMS and its signature into a folder. `node`: the script that stands for its Node. */
export function writeRelease(
  folder: string,
  version: string,
  { privateKey }: Pick<ReleaseKey, 'privateKey'>,
  { node = 'exit 0', arch = process.arch }: { node?: string; arch?: string } = {},
): void {
  const tree = join(folder, `longshore-${version}`);
  for (const part of ['bin', 'lib', 'systemd']) mkdirSync(join(tree, part), { recursive: true });
  writeFileSync(join(tree, 'bin/node'), `#!/bin/sh\n${node}\n`);
  chmodSync(join(tree, 'bin/node'), 0o755);
  writeFileSync(join(tree, 'lib/agent.mjs'), '');
  writeFileSync(join(tree, 'systemd/longshore-agent.service'), `# of ${version}\n`);
  const name = archiveName(version, arch);
  execFileSync('tar', ['-czf', join(folder, name), '-C', folder, `longshore-${version}`]);
  const sum = createHash('sha256')
    .update(readFileSync(join(folder, name)))
    .digest('hex');
  writeFileSync(join(folder, 'SHA256SUMS'), `${'0'.repeat(64)}  manifest.json\n${sum}  ${name}\n`);
  writeFileSync(join(folder, 'SHA256SUMS.sig'), sign(null, readFileSync(join(folder, 'SHA256SUMS')), privateKey));
}
