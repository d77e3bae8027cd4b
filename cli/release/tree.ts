// The folder that a tarball holds: a program of each kind, beside what they read when they run.
import { chmodSync, copyFileSync, cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { folderName, type Architecture } from '#shared/release/manifest.ts';
import { bundleAgent, bundleCli, type BundleOptions } from './bundle.ts';
import { readInstaller } from './installer.ts';
import { collectLicenses } from './licenses.ts';
import { fetchNode, writeStripped } from './node-binary.ts';

const WRAPPER = fileURLToPath(new URL('longshore.sh', import.meta.url));

/** All of `lib/` that is the same for every architecture: the bundles, what they read, and whose code is in them. */
export async function writeLib(options: BundleOptions): Promise<void> {
  const { root, outDir } = options;
  const inputs = await Promise.all([bundleAgent(options), bundleCli(options)]);
  cpSync(join(root, 'control/templates/catalogue'), join(outDir, 'catalogue'), { recursive: true });
  writeFileSync(join(outDir, 'LICENSES'), collectLicenses(root, inputs.flat()));
}

interface TreeOptions {
  root: string;
  version: string;
  arch: Architecture;
  /** What `writeLib` wrote. */
  lib: string;
  /** Where the folder is made. */
  parent: string;
}

/** Returns the folder. */
export async function writeTree({ root, version, arch, lib, parent }: TreeOptions): Promise<string> {
  const folder = join(parent, folderName(version));
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(join(folder, 'bin'), { recursive: true });
  cpSync(lib, join(folder, 'lib'), { recursive: true });
  const node = await fetchNode(root, arch);
  writeStripped(join(node, 'bin/node'), join(folder, 'bin/node'));
  copyFileSync(join(node, 'LICENSE'), join(folder, 'bin/LICENSE'));
  copyProgram(WRAPPER, join(folder, 'bin/longshore'));
  copyFileSync(addonOf(root, arch), join(folder, 'lib/better_sqlite3.node'));
  cpSync(join(root, 'systemd'), join(folder, 'systemd'), { recursive: true });
  writeFileSync(join(folder, 'install.sh'), readInstaller(root), { mode: 0o755 });
  copyFileSync(join(root, 'LICENSE'), join(folder, 'LICENSE'));
  return folder;
}

export const addonOf = (root: string, arch: string): string =>
  join(root, 'node_modules/better-sqlite3/prebuilds', `linux-${arch}.node`);

function copyProgram(from: string, to: string): void {
  copyFileSync(from, to);
  chmodSync(to, 0o755);
}
