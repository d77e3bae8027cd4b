// The Node that package-lock.json names, for each architecture. npm installs that of this machine; that of the other one
// is fetched the same way and checked against the same integrity.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { LongshoreError } from '#shared/errors.ts';
import type { Architecture } from '#shared/release/manifest.ts';
import { runProgram } from './child.ts';
import { stripElf } from './strip-elf.ts';

interface NodePackage {
  name: string;
  version: string;
  /** `sha512-…` of its tarball. */
  integrity: string;
}

/** Folder with `bin/node` and `LICENSE` as they were published. */
export async function fetchNode(root: string, arch: Architecture): Promise<string> {
  const wanted = readLock(root, arch);
  const installed = join(root, 'node_modules', wanted.name);
  if (existsSync(join(installed, 'bin/node'))) return installed;
  const cache = join(root, 'dist/cache', `${wanted.name}-${wanted.version}`);
  if (!existsSync(cache)) await download(wanted, cache);
  return join(cache, 'package');
}

/** Writes the program without its symbols. */
export function writeStripped(from: string, to: string): void {
  writeFileSync(to, stripElf(readFileSync(from)), { mode: 0o755 });
}

function readLock(root: string, arch: Architecture): NodePackage {
  const name = `node-linux-${arch}`;
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { version?: string; integrity?: string }>;
  };
  const { version, integrity } = lock.packages[`node_modules/${name}`] ?? {};
  if (version !== undefined && integrity !== undefined) return { name, version, integrity };
  throw new LongshoreError('state_conflict', { message: `Cannot build: package-lock.json does not name ${name}` });
}

/** The folder gets its name once all in it is right. */
async function download({ name, version, integrity }: NodePackage, cache: string): Promise<void> {
  const partial = `${cache}.${process.pid}`;
  mkdirSync(partial, { recursive: true });
  try {
    await runProgram('npm', ['pack', `${name}@${version}`, '--pack-destination', partial, '--silent']);
    const tarball = join(partial, `${name}-${version}.tgz`);
    checkIntegrity(tarball, integrity);
    await runProgram('tar', ['-x', '-z', '-f', tarball, '-C', partial, 'package/bin/node', 'package/LICENSE']);
    rmSync(tarball);
    renameSync(partial, cache);
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
}

export function checkIntegrity(file: string, integrity: string): void {
  const [algorithm = '', expected] = integrity.split(/-(.*)/s);
  if (createHash(algorithm).update(readFileSync(file)).digest('base64') === expected) return;
  const message = `Cannot build: "${file}" is not what package-lock.json says`;
  throw new LongshoreError('release_invalid', { message, details: `Expected ${integrity}` });
}
