// A release as a host gets it, small enough to make a dozen: signed sums, and an archive whose Node is a script.
import { execFileSync } from 'node:child_process';
import { createHash, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { formatSums } from '#shared/release/sums.ts';

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

/** Writes archive, manifest, SHA256SUMS, its signature and the key into a folder. `node`: the script that stands for its Node. */
export function writeRelease(
  folder: string,
  version: string,
  { privateKey, pem }: ReleaseKey,
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
  const { size } = statSync(join(folder, name));
  const files = [{ name, arch, format: 'gz', size, sha256: sumOf(join(folder, name)) }];
  writeFileSync(join(folder, 'manifest.json'), JSON.stringify({ version, protocol: 1, files }));
  const sums = formatSums(new Map(['manifest.json', name].map((one) => [one, sumOf(join(folder, one))])));
  writeFileSync(join(folder, 'SHA256SUMS'), sums);
  writeFileSync(join(folder, 'SHA256SUMS.sig'), sign(null, Buffer.from(sums), privateKey));
  writeFileSync(join(folder, 'release.pub'), pem);
}

const sumOf = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex');
