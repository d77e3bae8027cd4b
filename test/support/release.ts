// A release of the tree as it is, built once and kept for all test files that want one: x64, gz, signed with a key for
// tests. Many files may ask at once; one builds, the others wait.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, globSync, mkdirSync, readFileSync, rmSync, statSync, utimesSync } from 'node:fs';
import { arch } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Test } from 'tap';
import { manifestSchema, RELEASE_FILES, type Architecture, type Manifest } from '#shared/release/manifest.ts';
import { buildRelease as build, readVersion } from '../../cli/release/build.ts';
import { ROOT } from '../../cli/release/bundle.ts';
import { loadSigningKey } from '../../cli/release/signing-key.ts';
import { makeFolder } from './folder.ts';

const run = promisify(execFile);
const KEPT = join(ROOT, 'dist/test-release');
const LOCK = join(KEPT, 'lock');
/** A suite takes minutes; what is older is of another tree. */
const KEPT_MS = 3_600_000;
/** What a release is made of. */
const SOURCES =
  '{{agent,control,cli,shared,systemd}/**/*,install.sh,LICENSE,package.json,package-lock.json,node_modules/.package-lock.json}';

export interface TestRelease {
  /** What it was made of, as `hashSources` says. */
  sources: string;
  /** As control serves it. */
  dir: string;
  manifest: Manifest;
  tarball: string;
  /** PEM. */
  publicKeyFile: string;
}

/** `version`: another one than package.json's, to upgrade to. */
export async function buildRelease({ version = readVersion(ROOT) } = {}): Promise<TestRelease> {
  mkdirSync(KEPT, { recursive: true });
  const sources = hashSources(ROOT);
  const dir = join(KEPT, `${version}-${sources}`);
  // The lock goes with whoever holds it, however that ends.
  const args = [LOCK, process.execPath, fileURLToPath(import.meta.url), dir, version];
  if (!existsSync(dir)) await run('flock', args, { env: { ...process.env, NODE_OPTIONS: '' } });
  utimesSync(dir, new Date(), new Date()); // in use
  const manifest = manifestSchema.parse(JSON.parse(readFileSync(join(dir, RELEASE_FILES.manifest), 'utf8')));
  const tarball = join(dir, manifest.files[0]?.name ?? '');
  return { sources, dir, manifest, tarball, publicKeyFile: join(dir, RELEASE_FILES.publicKey) };
}

/** The folder of its tarball, unpacked where no node_modules is above it. */
export async function unpackRelease(t: Test, { tarball, manifest }: TestRelease): Promise<string> {
  const folder = makeFolder(t, 'release');
  await run('tar', ['-x', '-z', '-f', tarball, '-C', folder]);
  return join(folder, `longshore-${manifest.version}`);
}

/** The same for two checkouts from which the same release comes. */
export function hashSources(root: string): string {
  const hash = createHash('sha256');
  const files = globSync(SOURCES, { cwd: root, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = files.map(({ parentPath, name }) => relative(root, join(parentPath, name))).toSorted();
  for (const path of paths) {
    const file = join(root, path);
    hash
      .update(`${path}\0${statSync(file).mode & 0o100}\0`)
      .update(readFileSync(file))
      .update('\0');
  }
  return hash.digest('hex').slice(0, 16);
}

async function buildUnlessThere(dir: string, version: string): Promise<void> {
  if (existsSync(dir)) return;
  for (const name of globSync('*', { cwd: KEPT })) {
    const old = join(KEPT, name);
    if (old !== LOCK && Date.now() - statSync(old).mtimeMs > KEPT_MS) rmSync(old, { recursive: true });
  }
  const key = loadSigningKey(undefined, join(ROOT, 'dist/test-key.pem'), () => undefined);
  const what = { architectures: [arch() as Architecture], formats: ['gz'] as const };
  await build({ root: ROOT, version, outDir: dir, ...what, key, say: () => undefined });
}

if (import.meta.main) await buildUnlessThere(process.argv[2] ?? '', process.argv[3] ?? '');
